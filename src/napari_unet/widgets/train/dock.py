"""Train: from annotated layers to a model, while the window stays usable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtWidgets import QWidget

from napari_unet import coach
from napari_unet.config import RunConfig
from napari_unet.errors import InputError, telling
from napari_unet.live.events import Idle, Kept, LiveStep
from napari_unet.live.live_training import train_live
from napari_unet.model.started import Started
from napari_unet.predict.onlooker import Onlooker, Preview
from napari_unet.train.progress import Progress, Step, TrainStep
from napari_unet.train.session import train_sources
from napari_unet.train.training_source import TrainingSource
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.choose.device_line import DeviceLine
from napari_unet.widgets.choose.em_watch import EmWatch
from napari_unet.widgets.choose.keys import TRAINING, KeyList
from napari_unet.widgets.choose.send import SendPart
from napari_unet.widgets.choose.shared_layers import SharedLayers
from napari_unet.widgets.layers.arrays import image_stack, painted_slices
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.panel import Panel, growing_form
from napari_unet.widgets.qt.parts import button, in_column, in_row
from napari_unet.widgets.qt.plot import drawn
from napari_unet.widgets.train.cost_line import CostLine
from napari_unet.widgets.train.curve_plot import CurvePlot
from napari_unet.widgets.train.done_card import DoneCard
from napari_unet.widgets.train.early_torch import EarlyTorch
from napari_unet.widgets.train.live_box import LiveBox
from napari_unet.widgets.train.restore import Restore
from napari_unet.widgets.train.run_settings import RunSettings
from napari_unet.widgets.train.suggestions import SuggestionList
from napari_unet.widgets.train.training_set import TrainingSet
from napari_unet.words import clock

if TYPE_CHECKING:
    import napari

    from napari_unet.model.checkpoint import Model


class TrainWidget(Panel):
    """Trains a network on layers of the viewer, for a time or while they are painted.

    Parameters
    ----------
    napari_viewer
        The viewer with image and annotations.
    shared
        The choice of image and annotations, where it is at work already.
    """

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, shared: SharedLayers | None = None
    ) -> None:
        super().__init__(napari_viewer, "Train", "Stop and keep")
        self.data = TrainingSet(self, shared)
        self.image, self.annotations = self.data.image, self.data.annotations
        self.kind, self.validation = self.data.kind, self.data.validation
        self.project = OpenProject.of(napari_viewer)
        self.project.stay_with(self)
        self.rows = RunSettings(self)
        self.em_watch = EmWatch(self.image, self)
        self.early_torch = EarlyTorch(self)
        self.start_from, self.recipe = self.rows.start_from, self.rows.recipe
        self.amount, self.amount_of = self.rows.amount, self.rows.amount_of
        self.forms = self.rows.forms
        start_live = partial(self.em_watch.then, self._on_live)
        self.live_button = button("Start live", start_live)
        self.pause_button = button("Pause", self._on_pause)
        self.cost, self.device = CostLine(self.data, self.rows), DeviceLine()
        self.done, self.curves = DoneCard(), CurvePlot()
        self.restore = Restore(napari_viewer, self.curves, self)
        self.live = LiveBox(napari_viewer)
        seen = self.live.drawn
        self.suggestions = SuggestionList(napari_viewer, self._newest_model, seen)
        self.send = SendPart(napari_viewer, self._newest_prediction)
        buttons = {"live": self.live_button, "preview": self.live.preview}
        buttons["next_place"] = self.suggestions.next_button
        self.keys = KeyList(self, TRAINING, buttons)
        self.predict_stack: Callable[[Path], None] = self._open_predict
        self._last_words = ""
        self._was_live = self._undoing = False
        self._before: tuple[Path | None, Path | int | None] | None = None
        self._lay_out()
        self._connect()
        self.refresh()

    @property
    def does(self) -> str:  # type: ignore[override]
        """What it does while it runs: it learns live, or trains."""
        return "live" if self.live.running else "training"

    def why_not(self) -> str:
        """Return what is missing."""
        return self.data.why_not()

    def settings(self) -> RunConfig:
        """Return the settings of the run, as chosen."""
        return self.rows.value()

    def run(self) -> None:
        """Train on a thread, on copies of what the layers hold now."""
        work = partial(
            train_sources,
            sources=self.data.sources(),
            config=self.settings(),
            folder=self._new_run(self.image.value()),
            auto=self.rows.auto,
        )
        self._begin()
        if self.data.trains_on_chosen():
            image = self.image.value()
            work = partial(work, onlooker=self.live.watch(image, Onlooker()))
        self.start(f"Training {self.rows.network.title}", drawn(work))

    def start_live(self) -> None:
        """Train live: what is painted from now on is learnt, what is seen predicted.

        Where there are no annotations yet, a layer for them is made first.
        """
        image, reason = self.image.value(), self.data.why_not_live()
        if reason:
            raise InputError(reason)
        self.data.check_live()
        if self.annotations.value() is None:
            begin_annotations(self.viewer, image)
        kind, annotations = self.data.chosen_kind(), self.annotations.value()
        source = TrainingSource(
            image_stack(image),
            painted_slices(annotations),
            kind,
            validation=self.validation.text().strip() or None,
            regions=tuple(self.data.regions.value()),
            class_names=self.data.names(kind),
            coverage=self.data.chosen_coverage(),
        )
        folder = self._new_run(image)
        self._begin()
        self._before = (self.workspace.model, self.start_from.value())
        self.workspace.learnt = 0.0
        # Without an end there is no bar to show in the activity dock.
        work = partial(
            train_live,
            source=source,
            requests=self.live.begin(image, annotations, source),
            config=self.settings(),
            folder=folder,
        )
        self.start(f"Training {self.rows.network.title} live", drawn(work), quiet=True)

    def undo_training(self) -> None:
        """Go back to the model before the live training, which ends if it runs."""
        if self.running:
            self._undoing = True
            self.job.stop()
        else:
            self._restore()

    def _restore(self) -> None:
        """Choose the model before the live training again."""
        self._undoing = False
        if self._before is None:
            return
        self.workspace.model, start = self._before
        self._before = None
        self.start_from.setValue(start)
        self.show_progress(0.0, "Undone: the model is that of before.")
        self.refresh()

    def on_step(self, item: Started | Progress | Preview | Idle | Kept) -> None:
        """Show device, curves and previews."""
        if isinstance(item, Started):
            self.device.begin("Training", item)
        elif isinstance(item, Progress):
            self.curves.extend(item.points)
            self._on_progress(item.last)
        elif isinstance(item, Preview):
            first = self._newest_prediction()
            self.live.show_preview(item)
            if self._newest_prediction() is not first:
                self.send.refresh()
        elif isinstance(item, Kept):
            self.workspace.model = item.path
            self.predict_stack(item.path)
        else:
            self.show_progress(0.0, item.reason)
            if item.rests:
                self.workspace.learnt = max(self.workspace.learnt, coach.LOOK_AFTER)

    def on_done(self, result: Path | None) -> None:
        """Hand the model to the other docks."""
        live = self.live.running
        self.live.end()
        if self._undoing:
            self._restore()
            return
        if result is None:
            self.show_progress(0.0, "Stopped before the first step: no model was made.")
            return
        self.workspace.model = result
        if live:
            # The next start goes on from here.
            self.start_from.setValue(result)
        self._was_live = live
        self.show_progress(1.0, self._failure_of_layers or "Done.")
        words = self._last_words[:1].upper() + self._last_words[1:]
        self.done.show_model(result, f"{words}.")

    def show_failure(self, sentence: str) -> None:
        """Show why nothing was trained, and offer to go on where labels are doubted."""
        super().show_failure(sentence)
        self.data.offer_trust(sentence)

    def refresh(self, *changed: Any) -> None:
        """Bring the buttons up to date."""
        super().refresh()
        self.pause_button.setVisible(self.running)
        self.live_button.setVisible(not self.running)
        self.pause_button.setText("Pause")
        reason = self.data.why_not_live()
        self.live_button.setEnabled(not self.running and not reason)
        self.live_button.setToolTip(
            reason or "Learn while you paint, and show what the network makes of it."
        )
        self.live.refresh(undo=self._before is not None)
        self.live.setVisible(self.live.watching or self._before is not None)
        self.send.setVisible(self._newest_prediction() is not None)
        self.curves.setVisible(self.running or self.curves.num_points[0] > 0)
        self.suggestions.refresh()
        self.data.set_busy(self.running)
        self.cost.set_busy(self.running)
        self.restore.set_busy(self.running)
        if not self.running:
            self.device.end()
        self.rows.refresh()

    def _newest_model(self) -> Path | Callable[[], Model | None] | None:
        """Return the network that learns, or the model that was made last."""
        requests = self.live.requests
        return self.workspace.model if requests is None else requests.model

    def _newest_prediction(self) -> Labels | None:
        """Return what can be sent to the annotations: the preview, or a prediction."""
        view = self.live.view
        shown = None if view is None else view.layer
        return self.workspace.prediction if shown is None else shown

    def _on_predict_done(self, model: Path) -> None:
        self.predict_stack(model)

    def _train_more(self) -> None:
        """Train again in the way of the last, from the model that it made."""
        if self.done.model is None:
            return
        self.start_from.setValue(self.done.model)
        with telling(self.show_failure):
            (self.start_live if self._was_live else self.run)()

    def _begin(self) -> None:
        self.more.collapse(animate=False)
        self.done.hide()
        self.cost.begin()
        self.curves.clear()
        self.device.clear()
        self._failure_of_layers = ""
        self._before, self._undoing = None, False

    def _new_run(self, image: Image) -> Path:
        """Name the folder of a run, and keep the annotations that it starts with."""
        folder = self.project.project.new_run(image.name)
        self.project.keeper.now(folder)
        self.project.state.run = folder
        return folder

    def _on_progress(self, step: Step) -> None:
        if isinstance(step, LiveStep):
            self.workspace.learnt = step.seconds
            self._last_words = step.words.partition("\n")[2]
            self.show_progress(0.0, step.words)
        elif isinstance(step, TrainStep):
            self._on_train_step(step)

    def _on_train_step(self, step: TrainStep) -> None:
        self.cost.learn(step)
        best = ""
        if step.best is not None:
            best = f", best validation IoU {step.best:.3f} at step {step.best_step}"
        left = clock(step.seconds_left)
        self._last_words = f"step {step.step}, loss {step.loss:.3f}{best}"
        self.show_progress(step.progress, f"{left} left: {self._last_words}")
        self.job.show_progress(step.progress, f"{left} left")

    def _on_stack(self) -> None:
        """Hold the training, and predict all slices with the network as it is."""
        if self.live.requests is not None:
            self.live.requests.keep()
            if self.pause_button.text() == "Pause":
                self._on_pause()

    def _open_predict(self, model: Path) -> None:
        """Predict in a dock of its own; the workflow dock has one already."""
        _, dock = self.viewer.window.add_plugin_dock_widget(
            "napari-unet-em", "Predict", tabify=True
        )
        dock.predict_stack(model)

    def _on_live(self) -> None:
        with telling(self.show_failure):
            self.start_live()

    def _on_failed(self, sentence: str) -> None:
        self.live.end()
        if self._undoing:
            self._restore()
        elif not self.curves.num_points[0]:
            self._before = None  # nothing was learnt that could be undone
        super()._on_failed(sentence)

    def _on_broken(self, sentence: str) -> None:
        self._failure_of_layers = sentence
        self.job.stop()

    def _on_pause(self) -> None:
        if not self.running:
            return
        paused = self.pause_button.text() == "Pause"
        if self.live.requests is not None:
            # The loop pauses by itself, so that previews still follow the view.
            self.live.hold(paused)
        else:
            self.job.toggle_pause()
        self.pause_button.setText("Go on" if paused else "Pause")
        self.device.say("Paused" if paused else "Training")

    def _lay_out(self) -> None:
        """Put what is needed at every turn above, all that is set once in a fold."""
        self.data.add_rows()
        self.form.addRow(self.rows.start_words)
        form = growing_form()
        self.rows.add_rows(form)
        self.data.add_settings(form)
        form.addRow(self.rows.more)
        form.addRow(self.keys)
        settings, start = QWidget(), QWidget()
        settings.setLayout(form)
        self.more = Fold("Settings", settings)
        buttons = (self.live_button, self.run_button, self.pause_button)
        in_column(start, in_row(*buttons, stretch=(2, 1, 1)), self.cost)
        self.finish_layout(
            self.done,
            self.live,
            self.suggestions,
            self.send,
            self.more,
            self.device,  # it comes late: below, it moves no button
            self.curves,
            row=(start,),
        )

    def _connect(self) -> None:
        self.forms["network"].valueChanged.connect(self.data.follow)
        self.data.follow(self.forms["network"].value())
        self.rows.changed.connect(self._on_settings)
        self.listen(self.workspace.events.wanted, self.rows.take_wanted)
        self.em_watch.answered.connect(self.rows.offer_starter)
        self.project.opened.connect(self._on_project)
        self.done.predictWanted.connect(self._on_predict_done)
        self.done.moreWanted.connect(self._train_more)
        self.live.undoWanted.connect(self.undo_training)
        self.live.stackWanted.connect(self._on_stack)
        self.live.broken.connect(self._on_broken)
        for follow in (self.refresh, self.send.refresh):
            self.live.ready.connect(follow)
        self.restore.said.connect(self.show_progress)
        self._on_project()
        self.rows.take_wanted()

    def _on_settings(self) -> None:
        # A model shows what it knows as soon as live training starts.
        self.early_torch.want(self.rows.model is not None)
        self.project.state.settings = self.settings()

    def _on_project(self, _file: Any = None) -> None:
        """Take over the settings of a project that was opened."""
        settings = self.project.state.settings
        if settings is not None:
            # The weight map may have been tuned in its dock since.
            update = {"weight_map": self.workspace.weight_map}
            self.rows.setValue(settings.model_copy(update=update))
