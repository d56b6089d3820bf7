"""What is made of a model's predictions by default: chosen by its data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, PostprocessConfig
from napari_unet.config.postprocess import NECK, SPECK
from napari_unet.data.annotation import IGNORE, Target, connected_objects
from napari_unet.data.narrow_borders import narrow_share
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import SparseTarget
from napari_unet.model.card import ModelCard, keep_finish
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.means import mean
from napari_unet.score.objects.partition import partition

CORES = (0.0, 0.6, 0.7, 0.8, 0.9)
NECKS = (0.0, 0.1, 0.2, NECK)
"""What is tried: cores above 0 are the mask, and necks below 0 are none."""
NARROW = 0.7
"""Cores of cells where nothing is held out to choose them by (benchmarks/mask.py)."""
_AS_GOOD = 0.01
"""A difference in V_rand that few slices cannot tell from none."""
_BORDERS = 0.5
"""Share of the background that narrow borders have where cells fill an image."""
PIXELS = 3 * 512**2
"""A few seconds' worth."""
_DEEP = 16
"""Slices of a volume that are looked at."""
_SMALL = 5
"""Percentile of the sizes of true objects that counts as small."""
_MASKS = 8
"""Images whose borders are looked at, or nearly twice as many."""

Scalar = TypeVar("Scalar", bound=np.generic)
Integer = TypeVar("Integer", bound=np.integer)
Slices = NDArray[Scalar] | SparseSlices[Scalar]
Annotated = Target | SparseTarget
Window = tuple[NDArray[np.intp], slice, slice]
"""Slices, rows and columns."""


@dataclass(frozen=True)
class ChosenFinish:
    """What is made of a model's predictions where the user leaves it open.

    Attributes
    ----------
    finish
        Numbered objects or classes.
    threshold
        Of the foreground, as in `classify`; None for the most probable class.
    reason
        Why, and how it was chosen, in a line.
    """

    finish: PostprocessConfig
    threshold: float | None = None
    reason: str = ""

    @classmethod
    def of(cls, card: ModelCard) -> ChosenFinish | None:
        """Return what a model keeps; None where it keeps nothing."""
        if card.finish is None:
            return None
        return cls(card.finish, card.threshold, card.finish_reason)

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> ChosenFinish:
        """Return what `plain` gave."""
        return cls(**{**values, "finish": PostprocessConfig(**values["finish"])})

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**vars(self), "finish": self.finish.model_dump(mode="json")}

    def keep(self, model: Path) -> None:
        """Write it into a model file.

        Raises
        ------
        ModelFileError, OutputError
            As `keep_finish` of the card.
        """
        keep_finish(model, self.threshold, self.finish, self.reason)


class Predicted(NamedTuple):
    """Slices that were predicted, and their truth.

    Attributes
    ----------
    probabilities
        (num_classes, Z, Y, X) float, background first.
    truth
        Classes and objects of the same slices; what is `IGNORE` does not count.
    """

    probabilities: NDArray[np.floating]
    truth: Target


def several_classes() -> ChosenFinish:
    """Return what suits networks that tell several classes apart: a mask of them."""
    return _classes("there are several classes")


def default_finish(targets: Sequence[Annotated]) -> ChosenFinish:
    """Return what suits annotations, without a prediction to choose by.

    Objects are numbered, and split by the watershed, where the annotations number
    them, or where most of the background is narrow borders, as between cells in EM.
    With narrow borders they are found in their cores, since a gap in one merges two
    cells.
    Several classes, and what lies apart, such as lungs, stay classes; so do scribbles,
    which do not tell where objects end.
    """
    return _usual(_suited(targets))


def _suited(targets: Sequence[Annotated]) -> ChosenFinish:
    if any(one.num_classes > 2 for one in targets):
        return several_classes()
    dense = [one for one in targets if one.kind is not AnnotationKind.SCRIBBLES]
    if not dense:
        return _classes("scribbles do not tell where objects end")
    found = _by_borders([one.classes for one in dense], "annotated")
    if found.finish.objects == "no":
        if not _are_numbered(dense):
            return found
        found = _objects("the annotations number them")
    size = {"min_size": _smallest(dense)}
    return replace(found, finish=found.finish.model_copy(update=size))


def _smallest(targets: Sequence[Annotated]) -> int:
    """Return the size of specks: far below that of true objects in a slice."""
    slices = [z for one in targets for z in _some_objects(one, PIXELS // len(targets))]
    sizes = [np.unique(z[z > 0], return_counts=True)[1] for z in slices]
    if not sizes:
        return SPECK
    return min(SPECK, int(np.percentile(np.concatenate(sizes), _SMALL)) // 2)


def _some_objects(target: Annotated, pixels: int) -> list[NDArray[np.int32]]:
    """Return the objects in some slices; what is being painted has none yet."""
    found = list(_few(target.objects, pixels))
    return found or [
        connected_objects(((one > 0) & (one != IGNORE))[None])[0]
        for one in _few(target.classes, pixels)
    ]


def finish_by_mask(masks: Sequence[NDArray[np.uint8]]) -> ChosenFinish:
    """Return what suits (Z, Y, X) classes that a network predicted.

    This is for scribbles: `default_finish` of what the network makes of them.
    """
    if any(one.max(initial=0) > 1 for one in masks):
        return several_classes()
    return _usual(_by_borders(masks, "predicted"))


def choose_finish(predicted: Sequence[Predicted], *, ndim: int = 2) -> ChosenFinish:
    """Choose cores and necks by V_rand after border thinning on held-out slices.

    Whether there are objects at all is decided as by `default_finish`; for scribbles
    as by `finish_by_mask`, and nothing is chosen on them. Of what scores about as well
    as the best of a coarse grid, what lies nearest to the default is taken. At most 3
    slices of 512 x 512, or as many pixels, are looked at, spread evenly, which takes a
    few seconds.

    Parameters
    ----------
    predicted
        Held-out slices with their truth, of one image or several: never those whose
        scores are reported.
    ndim
        Dimensions of the network; with 3, objects go through slices.

    Returns
    -------
    ChosenFinish
        Its `keep` writes it into a model file.

    Examples
    --------
    >>> chosen = choose_finish([Predicted(probabilities, target)])  # doctest: +SKIP
    >>> chosen.keep(Path("model.safetensors"))  # doctest: +SKIP
    """
    dense = [one for one in predicted if one.truth.kind is not AnnotationKind.SCRIBBLES]
    if not dense:
        return finish_by_mask([classify(one.probabilities) for one in predicted])
    found = _suited([one.truth for one in predicted])
    if found.finish.objects == "no":
        return found
    some = [_part(one, PIXELS // len(dense), ndim) for one in dense]
    usual, plain = found.finish, found.finish.model_copy(update={"core": 0})
    tried = {
        (core, neck): _v_rand(some, core, _split(plain, neck), ndim)
        for core in CORES
        for neck in NECKS
    }
    chosen = _nearest_of_best(tried, (usual.core or 0, NECK))
    if chosen is None:
        return _usual(found)
    core, neck = chosen
    necks = f"necks {neck:g}" if neck else "no necks"
    slices = sum(len(one.truth.classes) for one in some)
    reason = (
        f"{found.reason}; cores above {core:g} and {necks} have a V_rand of "
        f"{tried[chosen]:.3f} on {slices} held-out slice{'s' if slices > 1 else ''} "
        f"(the mask and {NECK:g}: {tried[0, NECK]:.3f})"
    )
    finish = _split(plain, neck).model_copy(update={"core": core})
    return ChosenFinish(finish, reason=reason)


def _split(finish: PostprocessConfig, neck: float) -> PostprocessConfig:
    """Return how objects are numbered that are split at such necks."""
    changes = {"neck": neck} if neck else {"objects": "connected"}
    return finish.model_copy(update=changes)


def _are_numbered(targets: Sequence[Annotated]) -> bool:
    return any(one.kind is AnnotationKind.OBJECTS for one in targets)


def _v_rand(
    some: Sequence[Predicted], core: float, finish: PostprocessConfig, ndim: int
) -> float:
    """Return the mean of slices, or with 3 dimensions of volumes.

    Of the cores alone: after border thinning, V_rand takes their growth for nothing.
    """
    values = []
    for probabilities, truth in some:
        classes = classify(probabilities, core or None)
        found = postprocess(classes, finish, probabilities=probabilities, ndim=ndim)
        thinned, known = thin_borders(found.astype(np.int32)), truth.annotated
        if ndim == 3:
            values.append(partition(thinned, truth.objects, known).v_rand)
            continue
        slices = zip(thinned, truth.objects, known, strict=True)
        values += [partition(*one).v_rand for one in slices]
    return mean(values)


def _nearest_of_best(
    scores: dict[tuple[float, float], float], usual: tuple[float, float]
) -> tuple[float, float] | None:
    """Return, of what scores about as the best, what is nearest to the usual.

    >>> tried = {(0.5, 0.2): 0.90, (0.5, 0.4): 0.95, (0.7, 0.4): 0.952}
    >>> _nearest_of_best(tried, (0.4, 0.3))
    (0.5, 0.4)
    """
    known = {value: score for value, score in scores.items() if not math.isnan(score)}
    best = max(known.values(), default=math.nan)
    good = [value for value, score in known.items() if score >= best - _AS_GOOD]
    return min(good, key=lambda value: math.dist(value, usual), default=None)


def window(
    known: NDArray[np.bool_] | SparseSlices[np.bool_], pixels: int, ndim: int
) -> Window:
    """Choose slices, rows and columns of about so many pixels, that a look is quick.

    Parameters
    ----------
    known
        (Z, Y, X) where there is something to look at.
    pixels
        How many are looked at, about.
    ndim
        With 2, slices are spread evenly; with 3 they follow each other.
    """
    planes = {z: one for z, one in SparseSlices.of(known).planes() if one.any()}
    depths = np.array(list(planes))
    rows, columns = (_span(planes.values(), axis) for axis in (1, 0))
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    count = min(len(depths), max(1, pixels // area))
    if ndim == 3:
        whole = slice(int(depths[0]), int(depths[-1]) + 1)
        count = min(whole.stop - whole.start, _DEEP)
        deep = _middle(whole, count)
        if not ((depths >= deep.start) & (depths < deep.stop)).any():
            deep = _middle(whole, count, depths[_nearest(depths[:, None], [whole])])
        chosen = np.arange(deep.start, deep.stop)
    else:
        places = np.linspace(0, len(depths) - 1, count).round().astype(int)
        chosen = depths[places]
    share = min(1.0, math.sqrt(pixels / (count * area)))
    height, width = (round(share * (one.stop - one.start)) for one in (rows, columns))
    box = _middle(rows, height), _middle(columns, width)
    some = [planes[z] for z in chosen if z in planes]
    if not any(one[box].any() for one in some):
        found = np.concatenate([np.argwhere(one) for one in some])
        y, x = found[_nearest(found, [rows, columns])]
        box = _middle(rows, height, y), _middle(columns, width, x)
    return chosen, *box


def _part(one: Predicted, pixels: int, ndim: int) -> Predicted:
    """Return some slices, or the middle of a volume, of about so many pixels."""
    probabilities, truth = one
    chosen, rows, columns = window(truth.annotated, pixels, ndim)
    return Predicted(
        probabilities[:, chosen][:, :, rows, columns],
        replace(
            truth,
            classes=truth.classes[chosen][:, rows, columns],
            objects=truth.objects[chosen][:, rows, columns],
        ),
    )


def _span(planes: Iterable[NDArray[np.bool_]], axis: int) -> slice:
    """Return from where to where anything is known, looked at along an axis."""
    places = np.flatnonzero(np.any([plane.any(axis) for plane in planes], axis=0))
    return slice(int(places[0]), int(places[-1]) + 1)


def _middle(part: slice, length: int, near: int | None = None) -> slice:
    """Return a length of a part of an axis, in its middle or around a place."""
    length = max(1, length)
    spare = part.stop - part.start - length
    before = spare // 2 if near is None else int(near) - part.start - length // 2
    first = part.start + min(max(0, before), spare)
    return slice(first, first + length)


def _nearest(places: NDArray[np.intp], parts: Sequence[slice]) -> int:
    """Return which of (N, number of axes) places lies nearest to the middle."""
    middle = [(part.start + part.stop - 1) / 2 for part in parts]
    return int(np.abs(places - middle).max(axis=1).argmin())


def _by_borders(masks: Sequence[Slices[np.uint8]], what: str) -> ChosenFinish:
    """Decide by the borders in some slices of (Z, Y, X) classes."""
    masks = masks[:: max(1, len(masks) // _MASKS)]
    some = [z for mask in masks for z in _few(mask, PIXELS // len(masks))]
    share = narrow_share([((z > 0) & (z != IGNORE), z == 0) for z in some])
    words = f"narrow borders are {share:.0%} of the background that is {what}"
    return _objects(words, NARROW) if share > _BORDERS else _classes(words)


def _few(mask: Slices[Integer], pixels: int) -> Iterator[NDArray[Integer]]:
    """Yield slices with anything on them, evenly spread, of about so many pixels."""
    planes = [plane for _, plane in SparseSlices.of(mask).planes()]
    useful = [one for one in planes if ((one > 0) & (one != IGNORE)).any()]
    count = min(len(useful), max(1, pixels // math.prod(mask.shape[1:])))
    for place in np.linspace(0, len(useful) - 1, count).round().astype(int):
        yield useful[place]


def _usual(found: ChosenFinish) -> ChosenFinish:
    """Say that what is not chosen by held-out slices is what usually suits."""
    if found.finish.objects == "no":
        return found
    which = f"found above {found.finish.core or 0:g} and split at necks below {NECK:g}"
    reason = f"{found.reason}; {which} as usual: nothing is held out to choose them by"
    return replace(found, reason=reason)


def _objects(reason: str, core: float = 0.0) -> ChosenFinish:
    finish = PostprocessConfig(
        objects="watershed", neck=NECK, core=core, min_size=SPECK
    )
    return ChosenFinish(finish, reason=f"numbered objects: {reason}")


def _classes(reason: str) -> ChosenFinish:
    finish = PostprocessConfig(objects="no", neck=NECK, core=0)
    return ChosenFinish(finish, reason=f"a mask of classes: {reason}")
