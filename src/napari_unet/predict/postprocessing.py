"""From probabilities to classes, and from classes to objects."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig
from napari_unet.config.postprocess import NECK
from napari_unet.data.annotation import connected_objects, separate
from napari_unet.data.labels import label_values
from napari_unet.data.pieces import connected_pieces
from napari_unet.errors import InputError, memory_told
from napari_unet.predict.slab_objects import number_through

Classes = NDArray[np.uint8]
Objects = NDArray[np.int32]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


def classify(
    probabilities: NDArray[np.floating], threshold: float | None = None
) -> Classes:
    """Return the class of each pixel.

    Parameters
    ----------
    probabilities
        (num_classes, ...), background first.
    threshold
        Where 1 - probabilities[0] is above it, the most probable of the other classes
        is taken; the most probable of all when left out.
    """
    if threshold is None and len(probabilities) > 2:
        return np.asarray(probabilities.argmax(axis=0), np.uint8)
    background = probabilities[0]
    if threshold is None:
        return np.asarray(probabilities[1] > background, np.uint8)
    # In 32 bits: rounded to 16 a probability could fall onto the threshold.
    likely = 1 - np.asarray(background, np.float32)
    foreground = np.asarray(likely > threshold, np.uint8)
    if len(probabilities) == 2:
        return foreground
    best = 1 + probabilities[1:].argmax(axis=0)
    return foreground * np.asarray(best, np.uint8)


def needs_probabilities(config: PostprocessConfig) -> bool:
    """Return whether `postprocess` needs more than the classes of the pixels."""
    cores = config.numbers_objects and config.core
    return bool(config.smooth or config.objects == "watershed" or cores)


@memory_told()
def postprocess(
    classes: Classes,
    config: PostprocessConfig,
    *,
    probabilities: NDArray[np.floating] | None = None,
    threshold: float | None = None,
    ndim: int = 2,
) -> NDArray[np.unsignedinteger]:
    """Clean a predicted stack, and number its objects where that is wanted.

    Parameters
    ----------
    classes
        (Z, Y, X) class indices.
    config
        What to do: smooth across slices, then fill holes, drop small pieces, number
        objects, grow them, and thin the borders between them. What it leaves open is as
        for a model that keeps nothing.
    probabilities
        (num_classes, Z, Y, X); needed for what `needs_probabilities` names.
    threshold
        As in `classify`, for probabilities that are smoothed.
    ndim
        Dimensions of the network; with 3, objects always go through slices.

    Returns
    -------
    (Z, Y, X): class indices as uint8, or numbers of objects, unique in the stack, as
    uint16, or uint32 where there are more than 65,535.

    Raises
    ------
    InputError
        When probabilities are needed and missing.
    """
    if probabilities is None and needs_probabilities(config):
        raise InputError(
            "Smoothing, the watershed and what is found above a probability need the "
            "probabilities: predict with keep=True."
        )
    config = config.settled()
    if config.follow_slices:
        ndim = 3
    if probabilities is not None and config.smooth > 0:
        probabilities = _smooth_slices(probabilities, config.smooth)
        classes = classify(probabilities, threshold)
    if config.fill_holes:
        classes = _fill_holes(classes, config.fill_holes, ndim)
    numbered = config.numbers_objects
    if not (numbered or config.min_size or config.thin_borders):
        return classes
    likely = None
    if probabilities is not None and needs_probabilities(config):
        likely = 1 - probabilities[0]
    alone = likely is None and not config.thin_borders and classes.max(initial=0) == 1
    if numbered and alone and ndim == 3:
        return number_through(classes, config.min_size or 0)
    objects = _number_objects(classes, likely, config, ndim)
    class_of = np.zeros(objects.max(initial=0) + 1, np.uint8)
    for numbers, values in zip(objects, classes, strict=True):
        class_of[numbers] = values
    # Pieces that were dropped have no number, and their class no place.
    class_of[0] = 0
    if config.thin_borders:
        objects = _thin_borders(objects, config.thin_borders)
    if not numbered:
        return _looked_up(class_of, objects)
    if config.thin_borders or likely is not None or class_of.max(initial=0) > 1:
        objects = connected_pieces(objects, ndim=ndim)
    return _renumbered(objects)


def _smooth_slices(
    probabilities: NDArray[np.floating], sigma: float
) -> NDArray[np.float32]:
    """Smooth (C, Z, Y, X) with a Gaussian of `sigma` slices along Z alone."""
    out = np.empty(probabilities.shape, np.float32)
    for source, target in zip(probabilities, out, strict=True):
        target[...] = source
        scipy.ndimage.gaussian_filter1d(
            target, sigma, axis=0, output=target, mode="nearest"
        )
    return out


def _fill_holes(classes: Classes, size: int, ndim: int) -> Classes:
    """Give enclosed background of at most `size` pixels the class that is nearest.

    What touches the border of its slice (with `ndim` 3: of the stack) is not enclosed,
    for nobody knows how it goes on.
    """
    holes = connected_objects(classes == 0, ndim=ndim)
    small = np.bincount(holes.ravel()) <= size
    small[0] = False
    for axis in range(3 - ndim, 3):
        small[holes.take((0, -1), axis)] = False
    wanted = small[holes]
    filled = classes.copy()
    for z in np.flatnonzero(wanted.any(axis=(1, 2))):
        known = classes[z] > 0
        if known.any():
            nearest = scipy.ndimage.distance_transform_edt(
                ~known, return_distances=False, return_indices=True
            )
            filled[z][wanted[z]] = classes[z][tuple(nearest[:, wanted[z]])]
    return filled


def _number_objects(
    classes: Classes,
    likely: NDArray[np.floating] | None,
    config: PostprocessConfig,
    ndim: int,
) -> Objects:
    """Give numbers to the objects of every class, uniquely in the stack.

    An object is what touches; with `likely`, the probability of foreground, it is what
    touches above `core`, and a watershed splits it. What is too small becomes
    background.
    """
    objects: Objects | None = None
    for value in label_values(classes):
        mask = classes == value
        if likely is None:
            found = connected_objects(mask, ndim=ndim)
        else:
            found = _find_objects(mask, likely, config, ndim)
        found = _large(found, config.min_size or 0)
        if objects is None:
            objects = found
            continue
        np.add(found, objects.max(initial=0), out=found, where=found > 0)
        np.maximum(objects, found, out=objects)
    return np.zeros(classes.shape, np.int32) if objects is None else objects


def _find_objects(
    mask: Mask, likely: NDArray[np.floating], config: PostprocessConfig, ndim: int
) -> Objects:
    """Find the objects in the mask of one class by the probability of foreground."""
    core = config.core if config.numbers_objects else None
    cores = mask & (likely > core) if core else mask
    objects = connected_objects(cores, ndim=ndim)
    if config.objects == "watershed":
        objects = _split_objects(objects, likely, config, ndim)
    if core:
        objects = _large(objects, config.min_size or 0)
        objects = _grow(objects, mask, likely, config, ndim)
    # A line between two objects may cut a corner off a third.
    return connected_pieces(objects, ndim=ndim)


def _large(objects: Objects, min_size: int) -> Objects:
    """Leave the objects of at least `min_size` pixels, in place."""
    kept = _sizes(objects) >= min_size
    numbers = np.arange(len(kept), dtype=np.int32) * kept
    for plane in objects:
        plane[...] = numbers[plane]
    return objects


def _sizes(objects: Objects) -> NDArray[np.intp]:
    """Return the pixels of each object, 0 for the background.

    Slice by slice: numpy counts, and looks up, with numbers of 64 bits.
    """
    sizes = np.zeros(objects.max(initial=0) + 1, np.intp)
    for plane in objects:
        found = plane[plane > 0]
        if found.size:
            first = found.min()
            counts = np.bincount(found - first)
            sizes[first : first + len(counts)] += counts
    return sizes


def _looked_up(table: NDArray[Scalar], objects: Objects) -> NDArray[Scalar]:
    """Return what a table says of each object."""
    values = np.empty(objects.shape, table.dtype)
    for plane, out in zip(objects, values, strict=True):
        out[...] = table[plane]
    return values


def _split_objects(
    objects: Objects,
    likely: NDArray[np.floating],
    config: PostprocessConfig,
    ndim: int,
) -> Objects:
    """Split objects of one class at narrow or doubtful places, by a watershed.

    The landscape is the depth of a pixel in its object: the distance to the border
    within the slice, times the probability of being foreground. Two hills of
    an object are two objects where the pass between them is lower than `neck` times
    the lower hill. A part that is smaller than `min_size` joins its neighbour.
    """
    depth = _depth(objects > 0, likely)
    if ndim == 3:
        return _split(objects, depth, config)
    parts = np.zeros_like(objects)
    last = np.int32(0)
    # One slice after the other: what they need stays in the processor's cache.
    for target, flat, deep in zip(parts, objects, depth, strict=True):
        found = _split(flat, deep, config)
        target[found > 0] = found[found > 0] + last
        last = max(last, target.max(initial=0))
    return parts


def _grow(
    objects: Objects,
    mask: Mask,
    likely: NDArray[np.floating],
    config: PostprocessConfig,
    ndim: int,
) -> Objects:
    """Grow objects within a mask, the likely first, without letting them meet.

    A piece of the mask without any object becomes one, so that a network that is sure
    of nothing yet does not find nothing.
    """
    pieces = connected_objects(mask, ndim=ndim)
    new = np.bincount(pieces.ravel()) >= (config.min_size or 0)
    new[pieces[objects > 0]] = False
    new[0] = False
    last = objects.max(initial=0)
    seeds = np.where(new[pieces], pieces + last, objects)
    if ndim == 3:
        return _flood(likely, seeds, mask)
    return np.stack(list(map(_flood, likely, seeds, mask)))


def _thin_borders(objects: Objects, distance: int) -> Objects:
    """Grow (Z, Y, X) objects within their slices by up to `distance` pixels.

    Where they would meet, one pixel of background is left between them.
    """
    grown = np.stack(
        [skimage.segmentation.expand_labels(one, distance) for one in objects]
    )
    return separate(grown, ndim=2)


def numbered_after(
    last: int, objects: NDArray[np.unsignedinteger]
) -> NDArray[np.unsignedinteger]:
    """Return objects with numbers above `last`, as uint64; 0 stays 0."""
    return np.where(objects > 0, objects + np.uint64(last), np.uint64(0))


def _depth(mask: Mask, likely: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the depth that `_split_objects` describes."""
    depth = np.zeros(mask.shape, np.float32)
    for z, inside in enumerate(mask):
        # Without any border all of a slice is equally deep.
        far = inside if inside.all() else scipy.ndimage.distance_transform_edt(inside)
        depth[z] = far * likely[z].astype(np.float32)
    return depth


def _split(
    objects: Objects, depth: NDArray[np.float32], config: PostprocessConfig
) -> Objects:
    """Split objects in as many dimensions as the arrays have.

    In two, a line of background is left between the parts, as between the objects that
    networks learn from; in three it would take whole slices away.
    """
    structure = scipy.ndimage.generate_binary_structure(objects.ndim, 1)
    mask, neck = objects > 0, config.neck or NECK
    seeds, _ = scipy.ndimage.label(
        _hills(depth, objects, neck), structure, output=np.int32
    )
    parts = _flood(depth, seeds, mask)
    sizes = np.bincount(parts.ravel())
    small = sizes < (config.min_size or 0)
    small[_largest(parts, objects, sizes)] = False
    if not small.any():
        return parts
    seeds[small[seeds]] = 0
    return _flood(depth, seeds, mask)


def _flood(height: NDArray[np.floating], seeds: Objects, mask: Mask) -> Objects:
    """Grow seeds within a mask from the heights down, by a watershed."""
    structure = scipy.ndimage.generate_binary_structure(seeds.ndim, 1)
    return np.asarray(
        skimage.segmentation.watershed(
            -height, seeds, structure, mask=mask, watershed_line=seeds.ndim == 2
        )
    )


def _hills(depth: NDArray[np.float32], objects: Objects, neck: float) -> Mask:
    """Find the hills that rise enough above the passes to their neighbours."""
    from skimage.morphology import local_maxima, reconstruction

    structure = scipy.ndimage.generate_binary_structure(depth.ndim, 1)
    height = np.log(np.maximum(depth, 1e-3))
    # To rise by a share is to rise by a constant step of the logarithm.
    leveled = reconstruction(height + np.log(neck), height, footprint=structure)
    hills = local_maxima(leveled, footprint=structure) & (objects > 0)
    # What is flat has no hill, and is one part.
    hilly = np.zeros(objects.max(initial=0) + 1, bool)
    hilly[objects[hills]] = True
    return np.asarray(hills | ((objects > 0) & ~hilly[objects]))


def _largest(
    parts: Objects, objects: Objects, sizes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the largest part of every object, which must not get lost as a whole."""
    object_of = np.zeros(sizes.size, np.int32)
    object_of[parts] = objects
    object_of[0] = 0
    order = np.lexsort((-sizes, object_of))
    _, first = np.unique(object_of[order], return_index=True)
    return np.asarray(order[first])


def _renumbered(objects: Objects) -> NDArray[np.unsignedinteger]:
    """Close the gaps in the numbers, and store them in 16 bits where they fit."""
    present = _sizes(objects) > 0
    numbers = np.cumsum(present) * present
    dtype = np.uint16 if numbers[-1] < 2**16 else np.uint32
    return _looked_up(numbers.astype(dtype), objects)
