"""Columns beside those that labels have: what is known of each value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_unet.widgets.layers.annotations import class_names
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.marks import MEASURED
from napari_unet.widgets.layers.undo import StepWatch

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Labels
    from numpy.typing import NDArray

_INDEX = "index"


def add_measures(
    layer: Labels, values: NDArray[np.integer[Any]], columns: Mapping[str, Any]
) -> None:
    """Give a layer measures of its values, in place of those of before.

    Other columns of its features, and their rows, stay.

    Parameters
    ----------
    layer
        The labels.
    values
        The value of each row.
    columns
        The measures, by their titles.
    """
    # A table of pandas, which need not be imported to make another one.
    new = type(layer.features)({_INDEX: values, **columns})
    gone = {*columns, *layer.metadata.get(MEASURED, ())} - {_INDEX}
    kept = layer.features.drop(columns=[*gone], errors="ignore")
    if _INDEX not in kept:
        # As napari has it: the row of each value.
        kept = kept.assign(index=range(len(kept)))
    told = kept.drop(columns=_INDEX)
    if len(told.columns):
        whole = {name: object for name in columns if new[name].dtype.kind in "iu"}
        # Numbers of whole things stay so where a value is not measured.
        kept = kept[told.notna().any(axis=1)]
        new = kept.merge(new.astype(whole), on=_INDEX, how="outer")
    layer.features = new
    layer.metadata[MEASURED] = tuple(columns)


def follow_numbers(layer: Labels, new: Mapping[int, int]) -> None:
    """Give what is known of objects to the numbers that they have since the last step.

    It follows the step, when that is taken back and made again, until a table takes
    the place of these.

    Parameters
    ----------
    layer
        The labels.
    new
        The number of each object by that of before.
    """
    before = layer.features
    if before.empty or class_names(layer):
        return
    given = before if _INDEX in before else before.assign(index=range(len(before)))
    known = given[given[_INDEX].isin([0, *new])]
    after = known.assign(index=[new.get(one, one) for one in known[_INDEX]])
    told, done = StepWatch(layer), False
    shown = before

    def follow(changed: Labels) -> None:
        nonlocal shown, done
        is_done = told.is_done(changed)
        if is_done not in (None, done) and changed.features is shown:
            changed.features = after if is_done else before
            shown, done = changed.features, bool(is_done)

    LabelChanges.of(layer).edited.connect(follow)
    follow(layer)
