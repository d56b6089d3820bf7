"""Weights, prediction and scores from files to files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.cli.batch import Batch, images_of, results_of
from napari_unet.cli.options import Given, coverage_of, flags
from napari_unet.cli.outputs import check_outputs, check_replaced, check_tiff
from napari_unet.cli.show import bar, read_and_tell, say
from napari_unet.cli.signals import stop_on_signals
from napari_unet.config import PostprocessConfig, PredictConfig, WeightMapConfig
from napari_unet.data.annotation import describe, to_target
from napari_unet.data.ome_zarr import labels_in
from napari_unet.data.stack import Stack
from napari_unet.data.weight_map import require_memory_of_map, weight_map
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, StoppedError
from napari_unet.model.loading import open_package
from napari_unet.model.started import Started
from napari_unet.predict.block_plan import digest_of
from napari_unet.predict.pixel_size import difference
from napari_unet.predict.segment import Finishing, Segmentation, segment_steps
from napari_unet.starters.model_file import model_file
from napari_unet.starters.starter import STARTERS
from napari_unet.steps import result_of

if TYPE_CHECKING:
    from napari_unet.model.predictable import Predictable
    from napari_unet.predict.segment import SegmentStep

_RESCALED = "it is rescaled, and the prediction brought back to its own pixels."
_UNSCALED = "the mask will be poor; --rescale brings it to the model's pixel size."


def write_weights(
    labels: Path,
    out: Path,
    given: Mapping[str, Any],
    config: WeightMapConfig,
    ndim: int,
    *,
    overwrite: bool = False,
) -> None:
    """Write the weight map of a labels file as 32-bit TIFF."""
    check_outputs([labels], out)
    check_tiff(out)
    check_replaced("weights", out, overwrite=overwrite)
    stack = read_and_tell(Path(labels_in(labels)), given)
    require_memory_of_map(stack.as_zyx().shape)
    size = stack.size_for(ndim)
    target = to_target(
        np.asarray(stack.as_zyx()),
        given.get("kind"),
        ndim=ndim,
        coverage=coverage_of(given),
    )
    for note in target.notes:
        say(note)
    mapped = weight_map(target, config, ndim=ndim, pixel_size=size)
    result = stack.single_channel(mapped)
    write_stack(out, result.data, like=result, made_by="weights")
    say(f"{describe(target)}; weights {mapped.min():.3g} to {mapped.max():.3g}")
    say(f"wrote {out}")


def write_prediction(
    model: Path,
    stack: Stack,
    out: Path,
    probabilities: Path | None,
    config: PredictConfig,
    finish: PostprocessConfig | None = None,
    *,
    trust_code: bool = False,
) -> None:
    """Predict a stack and write labels or objects and, if wanted, probabilities."""
    loaded = open_package(model, trust_code=trust_code)
    card = loaded.card
    if words := difference(card, stack.size_for(card.network.ndim), stack.unit):
        say(f"{words}: {_RESCALED if config.rescale else _UNSCALED}")
    found = segment_behind_bar(
        loaded, stack, config, finish, probabilities=probabilities is not None
    )
    labels = stack.single_channel(found.labels)
    write_stack(out, labels.data, like=labels, made_by="predict")
    numbered = found.finish.numbers_objects
    objects = f", {int(found.labels.max()):,} objects" if numbered else ""
    say(f"wrote {out}{objects}")
    if probabilities is not None and found.probabilities is not None:
        channels: Any = found.probabilities
        channels, axes = channels.reshape(-1, *labels.shape), f"C{labels.axes}"
        write_stack(probabilities, channels, like=labels, axes=axes, made_by="predict")
        say(f"wrote {probabilities}")


def run_predict(  # noqa: PLR0913 (every option is one argument)
    given: Given,
    model: Path,
    image: Path,
    out: Path,
    *,
    slices: str | None,
    probabilities: Path | None,
    half: bool,
    trust_code: bool,
    overwrite: bool,
) -> None:
    """Predict a stack, a folder of images, or a volume on disk, as `out` says.

    Raises
    ------
    NapariUNetError
        When something cannot be read, predicted or written.
    """
    kept = PredictConfig(probabilities="float16" if half else "float32")
    settings = kept.changed("command line", **given["predict"])
    finish = PostprocessConfig().changed("command line", **given["finish"])
    if image.suffix == ".safetensors" or str(image) in {one.name for one in STARTERS}:
        raise InputError(
            f"{image} is a model, which comes before the image: "
            f"napari-unet predict {image} {model}"
        )
    model = model_file(model)
    if out.suffix == ".zarr":
        from napari_unet.cli.volume_command import predict_volume, volume_request

        asked = volume_request(
            {**given["image"], **({"slices": slices} if slices else {})},
            model,
            image,
            out,
            config=settings,
            finish=finish,
            probabilities=probabilities,
            trust_code=trust_code,
            overwrite=overwrite,
        )
        predict_volume(asked, given["blocks"])
        return
    if given["blocks"]:
        raise InputError(
            f"{flags([*given['blocks']])} is for volumes that are predicted block by "
            "block: leave it out, or predict to a NAME.ome.zarr."
        )
    if image.is_dir() and not out.suffix:
        if slices is not None or probabilities is not None:
            raise InputError(
                f"{out} is a folder, for each image of {image} by itself: leave "
                "--slices and --probabilities out, or predict to a .tif."
            )
        predict_folder(
            *(model, image, out, given["image"], settings, finish),
            overwrite=overwrite,
            trust_code=trust_code,
        )
        return
    check_outputs([model, image], out, probabilities)
    check_tiff(out, probabilities)
    check_replaced("predict", out, probabilities, overwrite=overwrite)
    stack = read_and_tell(image, given["image"]).slices(slices)
    write_prediction(
        model, stack, out, probabilities, settings, finish, trust_code=trust_code
    )


def predict_folder(
    model: Path,
    folder: Path,
    out: Path,
    given: Mapping[str, Any],
    config: PredictConfig,
    finish: PostprocessConfig,
    *,
    overwrite: bool = False,
    trust_code: bool = False,
) -> None:
    """Predict every image of a folder by itself, into another folder.

    Raises
    ------
    NapariUNetError
        At the end, when some images failed; which ones, and why.
    """
    results = results_of(images_of(folder), out)
    check_outputs([model, folder], *results.values())
    made_with = {
        "model": digest_of(model),
        "predict": config.model_dump(mode="json"),
        "finish": finish.model_dump(mode="json"),
        "image": dict(given),
    }
    batch = Batch(out, made_with, overwrite=overwrite)

    def predict(image: Path, result: Path) -> None:
        check_replaced("predict", result, overwrite=overwrite)
        stack = read_and_tell(image, given)
        write_prediction(
            model, stack, result, None, config, finish, trust_code=trust_code
        )

    batch.run(results, predict)


def segment_behind_bar(
    model: Predictable | Path,
    stack: Stack,
    config: PredictConfig | None = None,
    finish: PostprocessConfig | None = None,
    *,
    probabilities: bool = False,
) -> Segmentation:
    """Segment a stack behind a bar.

    Raises
    ------
    NapariUNetError
        When it is told to end early: half a stack would look like a whole one.
    """
    with ExitStack() as while_predicting:
        stop = while_predicting.enter_context(stop_on_signals())
        advance = while_predicting.enter_context(bar("predicting"))

        def show(step: SegmentStep) -> None:
            if isinstance(step, Started):
                for note in (*step.notes, f"predicting on {step.device}"):
                    say(note)
            elif isinstance(step, Finishing):
                # What cannot be stopped in good order ends at the first signal.
                while_predicting.close()
            else:
                if step.message:
                    say(step.message)
                advance(step.done, step.total)

        steps = segment_steps(
            model, stack, config, finish, stop, probabilities=probabilities
        )
        found = result_of(steps, show)
    if not found.complete:
        raise StoppedError("Stopped before the end: no prediction was written.")
    return found
