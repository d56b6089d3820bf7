"""The names of all scores, what they are called, and what each is good for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Group = Literal["pixels", "objects", "borders"]


@dataclass(frozen=True)
class Measure:
    """One score.

    Attributes
    ----------
    name
        Its key in files.
    title
        What users read.
    sentence
        Which question it answers.
    group
        Whether pixels, objects or the borders between them are compared.
    best
        The value of a perfect prediction; the other end is worse.
    """

    name: str
    title: str
    sentence: str
    group: Group
    best: int = 1


# Title and sentence of each, by its name.
_WORDS: dict[Group, dict[str, tuple[str, str]]] = {
    "pixels": {
        "iou": (
            "IoU",
            "Area that prediction and truth share, of the area of either; also called "
            "Jaccard index. Good for areas such as lungs; hardly sees a broken "
            "membrane.",
        ),
        "dice": (
            "Dice",
            "As IoU, milder: twice the shared area, of both areas added up.",
        ),
        "accuracy": (
            "Accuracy",
            "Share of the pixels whose class is right; high by itself where one class "
            "fills the image.",
        ),
        "pixel_error": ("Pixel error", "Share of the pixels that are wrong."),
        "precision": (
            "Precision",
            "Share of the predicted area that is right: low where too much is found.",
        ),
        "recall": (
            "Recall",
            "Share of the true area that was found: low where much is missed.",
        ),
        "specificity": (
            "Specificity",
            "Share of the true background that was left alone.",
        ),
    },
    "objects": {
        "v_rand": (
            "Rand F-score",
            "Whether pixels of one cell stay together and others apart, after "
            "thinning of the borders: the score of the ISBI 2012 challenge, and the "
            "first to look at where cells are to be told apart.",
        ),
        "v_rand_split": (
            "Rand, splits",
            "Its part that falls when one cell is cut into several.",
        ),
        "v_rand_merge": (
            "Rand, merges",
            "Its part that falls when several cells run together.",
        ),
        "v_info": (
            "Information F-score",
            "As the Rand F-score, but small cells count nearly as much as large ones.",
        ),
        "v_info_split": (
            "Information, splits",
            "Its part that falls when one cell is cut into several.",
        ),
        "v_info_merge": (
            "Information, merges",
            "Its part that falls when several cells run together.",
        ),
        "rand_error": (
            "Rand error",
            "Share of all pairs of pixels that are together on one side only, "
            "background included.",
        ),
        "adapted_rand_error": (
            "Adapted Rand error",
            "1 less a Rand F-score for which predicted background is one more object.",
        ),
        "voi": (
            "Variation of information",
            "Bits that are lost and made up between both ways to cut the image into "
            "cells.",
        ),
        "voi_split": ("Variation, splits", "Its part from cells cut apart."),
        "voi_merge": ("Variation, merges", "Its part from cells joined."),
    },
    "borders": {
        "warping_error": (
            "Warping error",
            "Share of the pixels at which a border is broken or made up; a border "
            "that is only shifted costs nothing.",
        ),
        "surface_distance": (
            "Surface distance",
            "Mean distance between predicted and true outlines, in pixels.",
        ),
        "surface_distance_95": (
            "Surface distance, 95 %",
            "All but the worst twentieth of the outlines lie closer than this, in "
            "pixels.",
        ),
    },
}
_PERFECT_AT_0 = {
    "pixel_error",
    "rand_error",
    "adapted_rand_error",
    "voi",
    "voi_split",
    "voi_merge",
    "warping_error",
    "surface_distance",
    "surface_distance_95",
}


def written(value: float, name: str) -> str:
    """Write a score with four digits after the point; the warping error with six."""
    if math.isnan(value):
        return "-"
    return f"{value:.6f}" if name == "warping_error" else f"{value:.4f}"


def figure(value: float, name: str = "") -> str:
    """Write a score with about three digits, for a narrow table."""
    if math.isnan(value):
        return "-"
    if name.startswith(("surface", "voi")):
        return f"{value:.2f}"
    return f"{value:#.2g}" if name == "warping_error" else f"{value:.3f}"


MEASURES: dict[str, Measure] = {
    name: Measure(name, *words, group, 0 if name in _PERFECT_AT_0 else 1)
    for group, rows in _WORDS.items()
    for name, words in rows.items()
}
"""All of them by name, in the order in which they are shown."""

PIXELS, OBJECTS, BORDERS = (tuple(rows) for rows in _WORDS.values())
"""Their names, by what is compared."""

SHOWN = ("v_rand", "v_info", "iou", "dice", "warping_error")
"""Those that a narrow table has room for."""
