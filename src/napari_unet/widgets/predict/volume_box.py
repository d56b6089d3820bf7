"""A volume of any size, predicted from disk to disk by this or other processes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtWidgets import QLineEdit, QSizePolicy, QWidget

from napari_unet.config import EngineConfig
from napari_unet.config.needs import EngineSituation
from napari_unet.data.addresses import title_of
from napari_unet.data.calibration import GIVEN
from napari_unet.data.machine_memory import machine_memory
from napari_unet.data.one_import import imported
from napari_unet.data.volume_files import holds_volume, place_beside, volume_at
from napari_unet.errors import InputError
from napari_unet.model.started import Started
from napari_unet.predict.engines import Waiting
from napari_unet.predict.made_by import MadeBy
from napari_unet.widgets.layers.arrays import in_hand
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.marks import (
    AXES,
    CALIBRATED_BY,
    INFO_BAR,
    LEVEL,
    NUMBERED,
    PREDICTED,
    SOURCE,
    remember,
)
from napari_unet.widgets.layers.pixel_sizes import calibrate, calibration_of
from napari_unet.widgets.layers.places import bring_to, shape_in_space
from napari_unet.widgets.layers.reader import lazy_labels
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import save_file
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.panel import growing_form
from napari_unet.widgets.qt.parts import WrappedLabel, in_column, in_row, tool
from napari_unet.widgets.qt.runner import Runner
from napari_unet.words import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from threading import Event

    from napari.components import ViewerModel

    from napari_unet.predict.volume_prediction import VolumeStep
    from napari_unet.predict.volume_request import VolumePrediction

_ENGINES = {
    "local": "this program",
    "dask": "several processes",
    "slurm": "jobs of SLURM",
}
_BYTES_A_VOXEL = 4
"""Of an image that is predicted into the memory, with what comes of it."""
_UNSHOWN = ("scheduler", "walltime")
"""What only the command line asks for, and lists."""
_TIP = (
    "Predict all of it from disk to disk, block by block. After a stop or a crash, the "
    "same goes on with what is missing."
)


def why_to_disk(layer: Image) -> str:
    """Return why an image is better predicted to disk; "" where the memory holds it."""
    source = layer.metadata.get(SOURCE)
    taken = math.prod(shape_in_space(layer)) * _BYTES_A_VOXEL
    if not source or not holds_volume(source) or taken <= machine_memory().available:
        return ""
    return (
        "The memory does not hold the prediction of all slices: take Predict volume "
        "... below, which writes it to disk, or the current slice."
    )


class VolumeBox(Runner):
    """Predicts the volume that an image layer is read from; hidden for all others.

    Parameters
    ----------
    viewer
        The viewer that gets the result.
    options
        Returns what `VolumeRequest` takes, but for image and place, as it is chosen;
        raises an `InputError` while that is not possible.
    """

    def __init__(
        self, viewer: ViewerModel, options: Callable[[], dict[str, Any]]
    ) -> None:
        super().__init__("Predict volume", "Stop", _TIP)
        self._viewer, self._options = viewer, options
        self._image: Image | None = None
        self.about = WrappedLabel()
        self.out = QLineEdit()
        self.out.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        tip = "Folder of the result, an OME-Zarr; the image's own gets it as labels."
        self.out.setToolTip(tip)
        where = tool("Write to ...", self._on_where, tip, icon="folder")
        self.engine = SettingsForm(EngineConfig(), _UNSHOWN, words={"engine": _ENGINES})
        form = growing_form()
        form.addRow("Write to", in_row(self.out, where, stretch=(1,)))
        parts = QWidget()
        work = (self.run_button, self.bar, self.status)
        in_column(parts, self.about, form, self.engine, *work)
        self.fold = Fold("Predict volume ...", parts)
        in_column(self, self.fold)
        self.engine.valueChanged.connect(self.refresh)
        self.refresh()

    @property
    def source(self) -> str:
        """Where the image is read from, if that is a volume; else ""."""
        known = "" if self._image is None else self._image.metadata.get(SOURCE) or ""
        return str(known) if known and holds_volume(known) else ""

    def set_image(self, layer: Image | None) -> None:
        """Look at another image layer."""
        before, self._image = self.source, layer
        if self.source != before:
            title = title_of(self.source)
            out = place_beside(self.source, f"{title}-labels.ome.zarr")
            self.out.setText(str(out))
        self.setVisible(bool(self.source))
        self.refresh()

    def why_not(self) -> str:
        """Return why it cannot be predicted now, or ""."""
        try:
            self._options()
        except InputError as error:
            return str(error)
        return ""

    def refresh(self, *_changed: Any) -> None:
        """Bring everything up to date with what is chosen."""
        super().refresh()
        level = self._image.metadata.get(LEVEL, 0) if self._image else 0
        which = f", level {level}" if level else ""
        what = f"Predicts all of {Path(self.source).name}{which} as chosen above, "
        self.about.setText(" ".join([f"{what}from disk to disk.", *self._left_out()]))
        busy = "Stop the prediction first." if self.running else ""
        explain(self.out, busy)
        now = EngineSituation(self.engine.value().engine, running=self.running)
        self.engine.refresh(now.unmet("engine", self.engine.fields))

    def _left_out(self) -> list[str]:
        """Say what was set for the layer and is not in the file that is predicted."""
        layer = self._image
        if layer is None:
            return []
        said = []
        if rows := layer.metadata.get(INFO_BAR, 0):
            said.append(f"Its info bar of {rows} rows is predicted like the rest.")
        if layer.metadata.get(CALIBRATED_BY) == GIVEN:
            said.append(
                "The result on disk has the pixel size of the file; the one that was "
                "set is that of its layer."
            )
        return said

    def run(self) -> None:
        """Predict on a thread, and by whatever else the engine starts."""
        options, layer, source = self._options(), self._image, self.source
        if layer is None:
            raise InputError("The image was removed: choose another.")
        level, axes = layer.metadata.get(LEVEL, 0), layer.metadata.get(AXES)
        engine, out = self.engine.value(), Path(self.out.text().strip())
        if out.suffix != ".zarr":
            raise InputError(f"{out} is to be an OME-Zarr: end its name in .ome.zarr.")
        if options.pop("likely"):
            name = out.name.partition(".")[0]
            likely = out.with_name(f"{name}-probabilities.ome.zarr")
            options["probabilities"] = likely

        def work(stop: Event) -> Generator[Any, None, VolumePrediction]:
            # What loads torch waits until it is needed.
            imported("torch")
            from napari_unet.predict.engines import open_engine, opening
            from napari_unet.predict.volume_prediction import predict_volume_steps
            from napari_unet.predict.volume_request import VolumeRequest

            image = volume_at(source, level, axes)
            # The dock compares the pixel size that the layer has by now.
            request = VolumeRequest(image=image, out=out, size_told=True, **options)
            yield from opening(engine)
            with open_engine(engine) as opened:
                return (yield from predict_volume_steps(request, opened, stop))

        self.refresh()
        self._device, self._notes = "", self._left_out()
        self._made_from = layer, options["model"]
        self.start("Predicting a volume", work)

    def on_step(self, item: VolumeStep) -> None:
        """Show how many blocks are done, and the time that is left."""
        if isinstance(item, Started):
            self._device = item.device
            self._notes += item.notes
            self.show_progress(0, self._told("Reading the image ..."))
            return
        if isinstance(item, Waiting):
            self.status.say("Waiting ...", item.words)
            return
        if item.message:
            self._notes.insert(0, item.message)
        self._device = item.device or self._device
        stage = f"{item.stage[0].upper()}{item.stage[1:]}"
        words = f"{stage}: {item.done:,} of {item.total:,} blocks"
        words = f"{words}, {clock(item.seconds_left)} left"
        self.show_progress(item.done / item.total, self._told(words))

    def _told(self, *words: str) -> str:
        return "\n".join([*words, f"On {self._device}", *self._notes])

    def on_done(self, result: VolumePrediction) -> None:
        """Show the labels where they are complete; else say how to go on."""
        if not result.complete:
            self.status.say(
                result.words, "Predict volume goes on with what is missing."
            )
            return
        self.bar.setValue(1000)
        self._open(result)
        line = f"Written to {result.labels}, and opened."
        self.status.say(result.words, line, details=self._told())

    def _open(self, result: VolumePrediction) -> None:
        """Show labels on disk in all their resolutions, once."""
        for layer in [*self._viewer.layers]:
            if layer.metadata.get(SOURCE) == str(result.labels):
                self._viewer.layers.remove(layer)
        data, options, _ = lazy_labels(str(result.labels))
        labels, (of, model) = Labels(data, **options), self._made_from
        slices = tuple(range(len(planes(labels))))
        made = MadeBy(model, of.name, result.threshold, result.finish, slices=slices)
        numbered = result.finish.numbers_objects
        labels.metadata.update({NUMBERED: numbered, PREDICTED: [*slices]})
        remember(labels, made)
        set_role(labels, Role.PREDICTION)
        bring_to(labels, self._viewer.dims.units)
        with in_hand(self._viewer):
            self._viewer.add_layer(labels)
            if of.metadata.get(CALIBRATED_BY) == GIVEN:
                calibrate(self._viewer, labels, calibration_of(of))
        Eye.of(self._viewer).bring(labels)
        Workspace.of(self._viewer).prediction = labels

    def _on_where(self) -> None:
        types = "OME-Zarr (*.ome.zarr)"
        text = self.out.text()
        save_file(
            self, "Write to", text, types, lambda path: self.out.setText(str(path))
        )
