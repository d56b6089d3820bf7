"""Forms made from the settings of config."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType, NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from magicgui.widgets import FloatSlider, create_widget
from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QSizePolicy, QWidget

from napari_unet.config import Settings
from napari_unet.widgets.qt.parts import steady

_OWN = "napari_unet_tooltip"
"""Property that holds the tooltip of a disabled widget as it was before."""


class SettingsForm(QWidget):
    """The editor of the fields of a settings object, in their order.

    A number that may be left out is "auto" at its lower end.

    Parameters
    ----------
    settings
        What is edited; fields that are not shown keep their values.
    exclude
        Names of fields that are not shown.
    sliders
        Names of numbers that have a slider on a line of its own, with its upper end.
    words
        What choices are called, by the names of the fields; as their values are when
        left out.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        settings: Settings,
        exclude: Collection[str] = (),
        *,
        sliders: Mapping[str, float] = MappingProxyType({}),
        words: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._settings = settings
        self._described = type(settings).model_fields
        self._editors: dict[str, Any] = {}
        self._labels: dict[str, QLabel] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, field in self._described.items():
            if name in exclude or not _can_show(field):
                continue
            value, end = getattr(settings, name), sliders.get(name)
            editor = _editor(name, field, value, end, words.get(name))
            editor.changed.connect(self._on_changed)
            native = steady(editor.native)
            if isinstance(native, QCheckBox):
                native.setText("")  # the label beside it says it already
            native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            native.setMinimumWidth(80)
            self._labels[name] = QLabel(field.title or name)
            tip = _with_words(field.description or "", words.get(name, {}))
            for part in (self._labels[name], native):
                part.setToolTip(tip)
            if name in sliders:
                layout.addRow(self._labels[name])
                layout.addRow(native)
            else:
                layout.addRow(self._labels[name], native)
            self._editors[name] = editor

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that are shown."""
        return tuple(self._editors)

    def rows(self, *names: str) -> QWidget:
        """Return the rows of some fields in a form of their own, to be shown elsewhere.

        They are still fields of this one.
        """
        apart = QWidget()
        rows = QFormLayout(apart)
        rows.setContentsMargins(0, 0, 0, 0)
        layout = self.layout()
        for name in names:
            editor = self._editors[name].native
            if isinstance(layout, QFormLayout):
                layout.takeRow(editor)
            rows.addRow(self._labels[name], editor)
        return apart

    def say_auto(self, name: str, words: str) -> None:
        """Say what a number is that is left out, in place of "auto"."""
        self._editors[name].native.setSpecialValueText(words)

    def value(self) -> Any:
        """Return the settings as they stand in the form."""
        given = {name: self._value(name) for name in self._editors}
        # Checked again: a spin box knows bounds, not what fits together.
        return self._settings.changed("the form", **given)

    def setValue(self, settings: Settings) -> None:  # noqa: N802
        """Show other settings of the same type."""
        self._settings = settings
        for name, editor in self._editors.items():
            value = getattr(settings, name)
            with editor.changed.blocked():
                editor.value = _shown(editor, value)
        self.valueChanged.emit(self.value())

    def refresh(self, reasons: Mapping[str, str]) -> None:
        """Disable the fields that cannot be used now, and say why in their tooltips.

        Parameters
        ----------
        reasons
            Why not, by the name of the field; all others can be used.
        """
        for name, editor in self._editors.items():
            for part in (self._labels[name], editor.native):
                explain(part, reasons.get(name, ""))

    def _value(self, name: str) -> Any:
        editor, field = self._editors[name], self._described[name]
        if not _is_optional(field):
            return editor.value
        # On the way to 512, a user types 5.
        plain = _plain(field)
        value = max(editor.value, _bounds(field, plain)["min"])
        return None if editor.value == editor.min else plain(value)

    def _on_changed(self, value: Any) -> None:
        self.valueChanged.emit(self.value())


def explain(widget: QWidget, reason: str) -> None:
    """Disable a widget and say why on top of its tooltip; without a reason, enable it.

    What was disabled by something else stays as it is.
    """
    own = widget.property(_OWN)
    if reason:
        own = widget.toolTip() if own is None else own
        widget.setProperty(_OWN, own)
        widget.setToolTip(f"{reason}\n\n{own}".strip())
        widget.setEnabled(False)
    elif own is not None:
        widget.setProperty(_OWN, None)
        widget.setToolTip(own)
        widget.setEnabled(True)


def _is_optional(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)


def _plain(field: FieldInfo) -> Any:
    """Return the type of a field without None."""
    if not _is_optional(field):
        return field.annotation
    return next(one for one in get_args(field.annotation) if one is not NoneType)


def _can_show(field: FieldInfo) -> bool:
    plain = _plain(field)
    return plain in (bool, int, float, str) or get_origin(plain) is Literal


def _shown(editor: Any, value: Any) -> Any:
    """Return what an editor shows of a value; a slider may end short of it."""
    if value is None:
        return editor.min
    if isinstance(editor, FloatSlider):
        return min(max(value, editor.min), editor.max)
    return value


def _with_words(description: str, words: Mapping[str, str]) -> str:
    """Put before every term that is explained what it is called in the form."""
    for term, word in words.items():
        named = re.escape(term) + (r"\b" if "_" in term else "(?=:)")
        if word != term:
            description = re.sub(rf"\b{named}", f"{word} ({term})", description)
    return description


def _editor(
    name: str,
    field: FieldInfo,
    value: Any,
    slider_end: float | None = None,
    words: Mapping[str, str] | None = None,
) -> Any:
    annotation = _plain(field)
    options: dict[str, Any] = {}
    if get_origin(annotation) is Literal:
        called = words or {}
        choices = get_args(annotation)
        options["choices"] = [(called.get(one, str(one)), one) for one in choices]
        annotation = type(value)
    elif annotation in (int, float):
        options = _bounds(field, annotation)
    if slider_end is not None:
        options |= {"max": slider_end, "widget_type": FloatSlider}
    if not _is_optional(field):
        made = create_widget(
            value=value, annotation=annotation, name=name, options=options
        )
        for row, (word, term) in enumerate(options.get("choices", ())):
            if word != term:
                made.native.setItemData(row, term, Qt.ItemDataRole.ToolTipRole)
        return made
    options["min"] -= options["step"]
    value = options["min"] if value is None else value
    # Of magicgui's editors of numbers, that of floats can show words instead.
    made = create_widget(value=value, annotation=float, name=name, options=options)
    made.native.setSpecialValueText("auto")
    if annotation is int:
        made.native.setDecimals(0)
    return made


def _bounds(field: FieldInfo, annotation: Any) -> dict[str, Any]:
    """Return limits and step of a number, from bounds and default of its field."""
    lows = [one.ge for one in field.metadata if isinstance(one, Ge)]
    low: Any = lows[0] if lows else 0
    # Sizes that start at 16 pixels go by sixteens, as networks do.
    step: Any = max(1, low) if annotation is int else _step(field.default)
    high: Any = 10**6
    for limit in field.metadata:
        if isinstance(limit, Gt):
            low = limit.gt + step
        elif isinstance(limit, Le):
            high = limit.le
        elif isinstance(limit, Lt):
            high = limit.lt - step
    # Spin boxes of Qt hold 32 bits.
    return {"min": low, "max": min(high, 2**31 - 1), "step": step}


def _step(default: float | None) -> float:
    """Return a step that changes a value by some percent; it also sets the digits."""
    if default is None or default <= 0:
        return 0.05
    return float(10 ** (math.floor(math.log10(default)) - 1))
