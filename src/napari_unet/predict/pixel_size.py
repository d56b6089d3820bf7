"""The pixel size that a model learnt on, beside that of an image."""

from __future__ import annotations

import math

from napari_unet.config import PredictConfig
from napari_unet.data.calibration import normal_unit, unit_factor
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.model.card import ModelCard

Factors = tuple[float, float, float]
_TOLERANCE = 1.1
_LARGEST = 16.0


def factors(card: ModelCard, size: Factors, unit: str) -> Factors | None:
    """Return by how much an image grows along Z, Y and X to meet a model.

    Parameters
    ----------
    card
        What the model says of itself.
    size, unit
        Size of the image's pixels along Z, Y and X, in any unit.

    Returns
    -------
    tuple of float or None
        Size of the image's pixels over that of the model's; 1 along Z for networks
        with 2 dimensions. None where they are within a tenth of each other, or where
        one of them is not known.
    """
    return growth(size, unit, _zyx(card), card.unit, card.network.ndim)


def rescaling(
    card: ModelCard, stack: Stack, config: PredictConfig | None
) -> Factors | None:
    """Return the `factors` of an image that is to be rescaled; None where it is not.

    Raises
    ------
    InputError
        As `check_growth`, or when a network of 3 dimensions is to predict slices whose
        distance is unknown.
    """
    size = stack.size_for(card.network.ndim)
    wanted = config is not None and config.rescale
    found = factors(card, size, stack.unit) if wanted else None
    if found is not None:
        check_growth(found, "the model")
    return found


def growth(
    size: Factors, unit: str, wanted: Factors, wanted_unit: str, ndim: int
) -> Factors | None:
    """Return by how much an image grows along Z, Y and X to get pixels as wanted.

    `ndim` is that of the network; the result as that of `factors`.
    """
    units = normal_unit(unit), normal_unit(wanted_unit)
    if None in units or "pixel" in units:
        return None
    scale = unit_factor(str(units[0]), str(units[1]))
    z, y, x = (scale * own / other for own, other in zip(size, wanted, strict=True))
    found = (1.0 if ndim == 2 else z, y, x)
    if all(1 / _TOLERANCE <= factor <= _TOLERANCE for factor in found):
        return None
    return found


def check_growth(by: Factors, whose: str) -> None:
    """Check that an image grows or shrinks no more than 16 times.

    `whose` are the pixels that it is brought to, such as "the model".

    Raises
    ------
    InputError
        When one of the sizes must be wrong.
    """
    if not all(1 / _LARGEST <= factor <= _LARGEST for factor in by):
        raise InputError(
            f"The image's pixels are {' x '.join(f'{factor:.3g}' for factor in by)} "
            f"times those of {whose} (Z x Y x X): is the pixel size of the image "
            "right? Correct it, or leave rescaling out."
        )


def difference(card: ModelCard, size: Factors, unit: str) -> str:
    """Return in words how a model and an image differ in pixel size; "" where not."""
    if factors(card, size, unit) is None:
        return ""
    ndim = card.network.ndim
    model = size_words(_zyx(card), card.unit, ndim)
    image = size_words(size, unit, ndim)
    return f"The model was trained on pixels of {model}, this image has {image}"


def warning(card: ModelCard, size: Factors, unit: str) -> str:
    """Return a warning of what follows from another pixel size; "" where they agree."""
    words = difference(card, size, unit)
    advice = "the mask will be poor; rescale to the model's pixel size."
    return f"{words}: {advice}" if words else ""


def _zyx(card: ModelCard) -> Factors:
    z, y, x = (1.0, *card.pixel_size)[-3:]
    return z, y, x


def size_words(sizes: Factors, unit: str, ndim: int) -> str:
    """Write a size along (Z,) Y and X as "4 nm", or as "50 x 4 x 4 nm"."""
    shown = list(sizes)[-ndim:]
    if all(math.isclose(size, shown[0], rel_tol=1e-3) for size in shown):
        shown = shown[:1]
    return f"{' x '.join(f'{size:.4g}' for size in shown)} {unit}"
