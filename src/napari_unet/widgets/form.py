"""Forms made from the settings of config."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from magicgui.widgets import create_widget
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QSizePolicy, QWidget

from napari_unet.config import Settings


class SettingsForm(QWidget):
    """The editor of some fields of a settings object.

    Parameters
    ----------
    settings
        What is edited; fields that are not shown keep their values.
    fields
        Names of the fields to show, in order; all that can be shown when left out.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        settings: Settings,
        fields: Sequence[str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        described = type(settings).model_fields
        self._editors: dict[str, Any] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in fields or [n for n, f in described.items() if _can_show(f)]:
            editor = _editor(name, described[name], getattr(settings, name))
            editor.changed.connect(self._on_changed)
            native = editor.native
            if isinstance(native, QCheckBox):
                native.setText("")  # the label beside it says it already
            native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            native.setMinimumWidth(80)
            label = QLabel(described[name].title or name)
            for part in (label, native):
                part.setToolTip(described[name].description or "")
            layout.addRow(label, native)
            self._editors[name] = editor

    def value(self) -> Any:
        """Return the settings as they stand in the form."""
        given = {name: editor.value for name, editor in self._editors.items()}
        # Checked again: a spin box knows bounds, not what fits together.
        data = {**self._settings.model_dump(by_alias=True), **given}
        return type(self._settings).read(data, "the form")

    def setValue(self, settings: Settings) -> None:  # noqa: N802
        """Show other settings of the same type."""
        self._settings = settings
        for name, editor in self._editors.items():
            with editor.changed.blocked():
                editor.value = getattr(settings, name)
        self.valueChanged.emit(self.value())

    def _on_changed(self, value: Any) -> None:
        self.valueChanged.emit(self.value())


def _can_show(field: FieldInfo) -> bool:
    plain = field.annotation in (bool, int, float, str)
    return plain or get_origin(field.annotation) is Literal


def _editor(name: str, field: FieldInfo, value: Any) -> Any:
    annotation = field.annotation
    options: dict[str, Any] = {}
    if get_origin(annotation) is Literal:
        options["choices"] = list(get_args(annotation))
        annotation = type(value)
    elif annotation in (int, float):
        options = _bounds(field, annotation)
    return create_widget(value=value, annotation=annotation, name=name, options=options)


def _bounds(field: FieldInfo, annotation: Any) -> dict[str, Any]:
    """Return limits and step of a number, from bounds and default of its field."""
    step: Any = 1 if annotation is int else _step(field.default)
    low: Any = 0
    high: Any = 10**6
    for limit in field.metadata:
        if isinstance(limit, Ge):
            low = limit.ge
        elif isinstance(limit, Gt):
            low = limit.gt + step
        elif isinstance(limit, Le):
            high = limit.le
        elif isinstance(limit, Lt):
            high = limit.lt - step
    # Spin boxes of Qt hold 32 bits.
    return {"min": low, "max": min(high, 2**31 - 1), "step": step}


def _step(default: float) -> float:
    """Return a step that changes a value by some percent; it also sets the digits."""
    if default <= 0:
        return 0.05
    return float(10 ** (math.floor(math.log10(default)) - 1))
