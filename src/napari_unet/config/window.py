"""What a user sets once for all docks, in napari's Preferences."""

from __future__ import annotations

from pydantic import Field

from napari_unet.config.base import Settings


class WorkPreferences(Settings):
    """How work starts; the group `work` of the manifest."""

    device: str = Field("auto", title="Device")
    """auto, cpu, cuda, cuda:1 or mps; auto takes the fastest. Docks that are opened
    from now on start with it."""
    project: str = Field("", title="Project folder")
    """Where models and annotations are kept, from the next start of napari on; empty
    for napari-unet in your home folder. The variable NAPARI_UNET_HOME wins over it."""
    journal_seconds: float = Field(
        30.0, ge=5, le=3600, title="Keep annotations every (seconds)"
    )
    """How often what you painted is written into the project folder. Higher writes
    less often, and a crash loses more."""
    starter: bool = Field(True, title="Start from a starter network")
    """Where an image looks like EM, Start from in the Train dock is the starter network
    that comes with the program, until you choose otherwise there."""


class KeyPreferences(Settings):
    """Keys while the mouse is over the image; the group `keys` of the manifest."""

    live: str = Field("Shift+G", title="Start or stop live training")
    """As Start live, or Stop and keep, in the Train dock."""
    next_place: str = Field("N", title="Next place to annotate")
    """Goes to the next place of the list; past its end, searches anew."""
    send_object: str = Field("K", title="Keep the object under the mouse")
    """Sends this object of the prediction to the annotations."""
    send: str = Field("Shift+K", title="Send prediction to annotations")
    """Sends what is chosen beside Send to annotations."""
    preview: str = Field("H", title="Show or hide the preview")
    """As the box Preview in the Train dock, during live training."""
    eye: str = Field("W", title="Show the image, the result or its errors")
    """Shows the next of these, as the buttons EM, Result and Errors."""
    next_error: str = Field("J", title="Next error")
    """Goes to the next error of the list in the Scores dock."""
    previous_error: str = Field("Shift+J", title="Previous error")
    """Goes back to the error before, in the Scores dock."""
    merge: str = Field("G", title="Merge objects")
    """Clicks merge objects into the chosen one, in the Proofread dock."""
    split: str = Field("Shift+S", title="Split an object")
    """A line drawn across an object splits it, in the Proofread dock."""
    delete: str = Field("Shift+D", title="Delete the object")
    """Turns the chosen object into background, in the Proofread dock."""
    review: str = Field("Q", title="Right, next object")
    """Marks the chosen object as reviewed and goes to the next one."""


class Preferences(Settings):
    """All of them."""

    work: WorkPreferences = WorkPreferences()
    keys: KeyPreferences = KeyPreferences()
