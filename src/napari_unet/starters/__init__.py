"""Networks that know EM from the start: weights and cards, kept in the package."""

from napari_unet.starters.starter import STARTERS, Starter, find_starter, starter_at

__all__ = ["STARTERS", "Starter", "find_starter", "starter_at"]
