"""A volume on disk predicted to disk, with the time that is left."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.cli.options import flags
from napari_unet.cli.show import block_bar, say
from napari_unet.cli.signals import stop_on_signals
from napari_unet.config import EngineConfig
from napari_unet.data.volume_files import holds_volume, volume_at
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.model.started import Started
from napari_unet.predict.engines import Waiting, open_engine, opening
from napari_unet.predict.volume_prediction import predict_volume_steps
from napari_unet.predict.volume_request import VolumeRequest
from napari_unet.steps import result_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet.predict.volume_prediction import VolumeStep


_KNOWN = ("axes", "level")
"""What can be said of a volume."""


def volume_request(
    given: Mapping[str, Any], model: Path, image: Path, out: Path, **options: Any
) -> VolumeRequest:
    """Open a volume that is to be predicted to disk.

    Parameters
    ----------
    given
        What was said of the image.
    model, image, out, options
        As `VolumeRequest` takes them.

    Raises
    ------
    InputError
        When it is no volume on disk, or more is asked than can be done block by block.
    """
    if not holds_volume(image):
        raise InputError(
            f"{image} is no OME-Zarr and no HDF5, and only such volumes are predicted "
            f"to {out}: end the name of the result in .tif, or convert the image."
        )
    likely = options.get("probabilities")
    if likely is not None and likely.suffix != ".zarr":
        raise InputError(
            f"{likely}: probabilities of a volume are OME-Zarr too, end the name in "
            ".ome.zarr."
        )
    undone = [name for name in given if name not in _KNOWN]
    if options["config"].rescale:
        undone.append("rescale")
    if undone:
        raise InputError(
            f"{flags(undone)} cannot be used with a volume that is predicted block by "
            f"block to {out}: leave it out, or predict to a .tif."
        )
    volume = volume_at(image, given.get("level", 0), given.get("axes"))
    return VolumeRequest(model, volume, out, **options)


def predict_volume(request: VolumeRequest, given: Mapping[str, Any]) -> None:
    """Predict a volume block by block, and say how it goes.

    Parameters
    ----------
    request
        What is predicted.
    given
        What was said of `EngineConfig`.

    Raises
    ------
    NapariUNetError
        When it is told to end early: the same command goes on.
    """
    config = EngineConfig().changed("command line", **given)
    request = replace(request, block=config.block)
    with ExitStack() as while_predicting:
        stop = while_predicting.enter_context(stop_on_signals())
        for step in opening(config):
            say(step.words)
        engine = while_predicting.enter_context(open_engine(config))
        advance = while_predicting.enter_context(block_bar())

        def show(step: VolumeStep) -> None:
            if isinstance(step, Started):
                for note in (*step.notes, f"predicting on {step.device}"):
                    say(note)
            elif isinstance(step, Waiting):
                say(step.words)
            else:
                if step.message:
                    say(step.message)
                advance(step)

        found = result_of(predict_volume_steps(request, engine, stop), show)
    if not found.complete:
        again = " without --overwrite" if request.overwrite else ""
        raise NapariUNetError(
            f"{found.words}: start the same command again{again}, which goes on with "
            "what is missing."
        )
    say(found.words)
    say(f"wrote {found.labels}")
    if request.probabilities is not None:
        say(f"wrote {request.probabilities}")
