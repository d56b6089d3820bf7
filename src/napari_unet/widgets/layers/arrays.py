"""Between napari layers and the arrays of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_unet.data.stack import Stack
from napari_unet.errors import InputError, NapariUNetError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

_LETTERS = "CTZYX"
_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def image_stack(layer: Image, *, copy: bool = True) -> Stack:
    """Return an image layer as a stack; to be called on the main thread.

    What can be changed is copied, so that a worker thread may use it, unless `copy` is
    off; of a layer with several resolutions the finest is taken.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    data = finest(layer)
    if copy and isinstance(data, np.ndarray) and data.flags.writeable:
        data = data.copy()
    axes = _axes(layer)
    sizes = tuple(
        # Of an image that is flipped, the factor is negative.
        abs(float(size))
        for letter, size in zip(axes, layer.scale, strict=False)
        if letter in "ZYX"
    )
    return Stack(data, axes, sizes, _unit(layer), layer.name)


def finest(layer: Image | Labels) -> Any:
    """Return the data of a layer, at full resolution where it has several."""
    return layer.data[0] if layer.multiscale else layer.data


def plane_shape(layer: Image) -> tuple[int, ...]:
    """Return the shape of labels of an image layer: Y and X, and slices if any.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    shape = finest(layer).shape
    return tuple(int(shape[axis]) for axis in spatial(layer))


def put(
    layer: Image | Labels, core: tuple[slice, ...], values: NDArray[np.generic]
) -> None:
    """Write a (Z, Y, X) part into the data of a layer, which may have no Z."""
    if layer.data.ndim == 2:
        # Tiles that only tell how far the work is have no slice to take.
        layer.data[core[1:]] = values.reshape(values.shape[-2:])
    else:
        layer.data[core] = values


def misfit(layer: Layer | None) -> str:
    """Return why the core can do nothing with an image or labels; "" where it can."""
    try:
        if isinstance(layer, Image):
            plane_shape(layer)
        elif layer is not None:
            _check_labels(layer)
    except NapariUNetError as error:
        return str(error)
    return ""


def spatial(layer: Layer) -> list[int]:
    """Return the dimensions of a layer that its labels have too, without channels."""
    if not isinstance(layer, Image):
        return list(range(layer.ndim))
    axes = _axes(layer)
    return [axes.index(letter) for letter in "TZYX" if letter in axes]


def labels_array(layer: Labels) -> NDArray[np.generic]:
    """Return a copy of a labels layer as (Z, Y, X); on the main thread.

    Raises
    ------
    InputError
        When the layer has more than three dimensions.
    """
    _check_labels(layer)
    data = np.array(finest(layer))
    return data.reshape((-1, *data.shape[-2:]))


def placed_like(layer: Layer, ndim: int | None = None) -> dict[str, Any]:
    """Return what places a layer with labels, or a map of them, over `layer`.

    `ndim` 2 leaves slices out; channels are always left out.
    """
    kept = spatial(layer)
    kept = kept if ndim is None else kept[-ndim:]
    square = np.ix_(kept, kept)
    whole = np.asarray(layer.affine.affine_matrix)
    with_offset = [*kept, layer.ndim]
    place: dict[str, Any] = {
        "scale": tuple(layer.scale[axis] for axis in kept),
        "translate": tuple(layer.translate[axis] for axis in kept),
        "rotate": np.asarray(layer.rotate)[square],
        "affine": whole[np.ix_(with_offset, with_offset)],
        "units": tuple(layer.units[axis] for axis in kept),
        "axis_labels": tuple(layer.axis_labels[axis] for axis in kept),
    }
    if len(kept) == layer.ndim:
        place["shear"] = np.asarray(layer.shear)
    return place


def placed_as(stack: Stack, ndim: int) -> dict[str, Any]:
    """Return scale, units and axis labels for a layer that shows `stack`."""
    axes = stack.axes.replace("S", "")[-ndim:].lower()
    units = tuple(stack.unit if letter in "zyx" else "pixel" for letter in axes)
    return {
        "scale": stack.scale[-ndim:],
        "units": units,
        "axis_labels": tuple(axes),
    }


def add_or_update(
    viewer: ViewerModel,
    kind: type[Layer],
    data: NDArray[np.generic],
    name: str,
    **options: Any,
) -> Any:
    """Show `data` in the layer called `name`, made if there is none of its kind."""
    if name in viewer.layers:
        layer = viewer.layers[name]
        if isinstance(layer, kind) and layer.data.ndim == data.ndim:
            # Colours, opacity and visibility stay as the user set them.
            layer.data = data
            for name_of in _PLACE:
                if name_of in options:
                    setattr(layer, name_of, options[name_of])
            return layer
    add = viewer.add_labels if kind is Labels else viewer.add_image
    return add(data, name=name, **options)


def _check_labels(layer: Layer) -> None:
    shape = finest(layer).shape
    single = len(shape) == 4 and shape[0] == 1
    if len(shape) not in (2, 3) and not single:
        raise InputError(
            f"The layer {layer.name} has {len(shape)} dimensions: labels have slices, "
            "Y and X. Split time points into layers."
        )


def _axes(layer: Image) -> str:
    named = "".join(str(label).upper() for label in layer.axis_labels)
    plain = "".join(letter for letter in named if letter in _LETTERS)
    named_all = len(plain) == layer.ndim and plain.endswith("YX")
    in_time = named_all and {"T", "Z"} <= set(plain)
    if in_time or not (named_all or layer.ndim in (2, 3)):
        raise InputError(
            f"The layer {layer.name} has {layer.ndim} dimensions: images have slices, "
            "Y and X. Split channels or time points into layers."
        )
    if not named_all:
        plain = "ZYX"[-layer.ndim :]
    return plain + ("S" if layer.rgb else "")


def _unit(layer: Layer) -> str:
    unit = f"{layer.units[-1]:~}" if layer.units else "pixel"
    return {"µm": "um", "px": "pixel", "": "pixel"}.get(unit, unit)
