"""What is decided before the first block: objects, blocks and tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.errors import InputError
from napari_unet.predict.finishing import by_slice
from napari_unet.predict.memory import choose
from napari_unet.predict.pixel_size import difference

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume
    from napari_unet.model.card import ModelCard
    from napari_unet.predict.blocks import Grid
    from napari_unet.predict.predictor import Predictor

_LARGEST_SLICE = 2**24
"""Pixels of the slices that are finished whole: 4096 x 4096 take some 2 GB."""
_TILE_BYTES = 2**29
"""What a tile takes on a CPU at most, where its size is left open."""
_UNDONE = {
    "smooth": "smoothing across slices",
    "fill_holes": "filling holes",
    "thin_borders": "thinning borders",
}


def settle_blocks(
    finish: PostprocessConfig | None, predictor: Predictor, shape: Sequence[int]
) -> tuple[PostprocessConfig, tuple[str, ...]]:
    """Take what is left open from a model, as far as it can be done block by block.

    Parameters
    ----------
    finish
        As chosen; None leaves everything open.
    predictor
        Its model says what it keeps.
    shape
        (Z, Y, X) of the volume.

    Returns
    -------
    Settings with nothing left open, and what the user should know of them.

    Raises
    ------
    InputError
        When the user asks for more.
    """
    card, finish = predictor.model.card, finish or PostprocessConfig()
    settled = finish.settled(card.finish)
    of_the_model = finish.objects == "auto" and card.finish is not None
    beyond = _beyond_blocks(settled)
    if not beyond or in_whole_slices(settled, predictor, shape):
        reason = card.finish_reason if of_the_model else ""
        return settled, (reason,) if reason else ()
    plain = finish.changed("the blocks", objects="no").settled(card.finish)
    if of_the_model and not _beyond_blocks(plain):
        return plain, (
            f"a mask of classes: {beyond}, as the model keeps it, needs more than a "
            "block; --objects connected --core 0 numbers what touches",
        )
    raise InputError(
        f"A volume of {shape[0]} x {shape[1]} x {shape[2]} is predicted block by block,"
        f" where {beyond} cannot be done: leave it out, or take --objects connected "
        "--core 0, which numbers what touches."
    )


def in_whole_slices(
    finish: PostprocessConfig, predictor: Predictor, shape: Sequence[int]
) -> bool:
    """Return whether blocks are whole slices, each of which is finished by itself."""
    return (
        bool(_beyond_blocks(finish))
        and by_slice(finish, predictor.footprint.ndim)
        and shape[1] * shape[2] <= _LARGEST_SLICE
    )


def decided_tiles(predictor: Predictor, grid: Grid) -> PredictConfig:
    """Return the settings of a prediction with the size of its tiles decided.

    Whoever goes on, on whatever machine, then computes the same.
    """
    wanted = predictor.config
    shape = next(iter(grid)).halo
    sides = [part.stop - part.start for part in shape]
    capacity = choose(sides, predictor.footprint, wanted, predictor.device)
    left_open = [
        name for name in ("tile_size", "tile_slices") if getattr(wanted, name) is None
    ]
    on_cpu = predictor.device.device.type == "cpu"
    while on_cpu and left_open and capacity.bytes_of_tile > _TILE_BYTES:
        smaller = capacity.halved(left_open)
        if smaller is None:
            break
        capacity = smaller
    config = capacity.config
    tiles = {"tile_size": max(16, min(config.tile_size or 0, max(grid.block[1:])))}
    if predictor.footprint.ndim == 3:
        tiles["tile_slices"] = max(1, min(config.tile_slices or 0, grid.block[0]))
    chosen = {name: side for name, side in tiles.items() if name in left_open}
    return wanted.changed("the blocks", **chosen)


def _beyond_blocks(finish: PostprocessConfig) -> str:
    """Return what of settled settings cannot be joined across blocks, or ""."""
    found = [words for name, words in _UNDONE.items() if getattr(finish, name)]
    if finish.objects == "watershed":
        found.append("the watershed")
    if finish.numbers_objects and finish.core:
        found.append(f"finding objects above {finish.core:g}")
    return " and ".join(found)


def other_size(card: ModelCard, image: Volume) -> tuple[str, ...]:
    """Return a warning where the model learnt pixels of another size, if it did."""
    z, y, x = (1.0, *image.pixel_size)[-3:]
    words = difference(card, (z, y, x), image.unit)
    levels = "; choose the level that comes closest" if image.version else ""
    return (f"{words}: the mask will be poor{levels}.",) if words else ()
