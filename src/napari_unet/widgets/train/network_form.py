"""The choice of a network, and the settings that it has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QLabel, QWidget

from napari_unet.config import NETWORKS, NetworkConfig, UNetConfig
from napari_unet.config.networks import other_network
from napari_unet.widgets.choose.choice_words import CHOICES
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.parts import NarrowBox, in_column, in_row

_TIP = (
    "Which network learns. The U-Net is what the program is made for; the others are "
    "those that it is compared with."
)


class NetworkForm(QWidget):
    """The editor of the settings of a network of any kind, a form for each.

    Parameters
    ----------
    exclude
        Names of fields that are not shown.

    Attributes
    ----------
    network
        Which network it is.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(self, exclude: Collection[str] = ()) -> None:
        super().__init__()
        self._exclude = ("name", *exclude)
        self.network, self._label = NarrowBox(), QLabel("Network")
        for name, kind in NETWORKS.items():
            self.network.addItem(kind.title, name)
        for part in (self._label, self.network):
            part.setToolTip(_TIP)
        first = in_row(self._label, self.network, stretch=(0, 1))
        self._column = in_column(self, first)
        self._forms: dict[str, SettingsForm] = {}
        self._show(UNetConfig())
        self.network.currentIndexChanged.connect(self._on_network)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that are shown, of the network that is chosen."""
        return ("name", *self._form.fields)

    def value(self) -> Any:
        """Return the settings as they stand in the form."""
        return self._form.value()

    def setValue(self, settings: Any) -> None:  # noqa: N802
        """Show the settings of a network."""
        with QSignalBlocker(self.network):
            self.network.setCurrentIndex(self.network.findData(settings.name))
        self._show(settings)
        self.valueChanged.emit(self.value())

    def refresh(self, reasons: Mapping[str, str]) -> None:
        """Disable what cannot be used now, and say why in its tooltip.

        Parameters
        ----------
        reasons
            Why not, by the name of the field; all others can be used.
        """
        for part in (self._label, self.network):
            explain(part, reasons.get("name", ""))
        self._form.refresh(reasons)

    @property
    def _form(self) -> SettingsForm:
        return self._forms[self.network.currentData()]

    def _show(self, settings: NetworkConfig) -> None:
        """Show the form of a network, which is made when it is first wanted."""
        if settings.name not in self._forms:
            form = SettingsForm(settings, self._exclude, words=CHOICES)
            form.valueChanged.connect(self.valueChanged)
            self._forms[settings.name] = form
            self._column.addWidget(form)
        with QSignalBlocker(self._form):
            self._form.setValue(settings)
        for name, form in self._forms.items():
            form.setVisible(name == settings.name)

    def _on_network(self, _index: int) -> None:
        """Show another network, for the same data and of the same size."""
        name = self.network.currentData()
        before = next(form for form in self._forms.values() if form.isVisibleTo(self))
        was: NetworkConfig = before.value()
        self._show(other_network(name, was))
        self.valueChanged.emit(self.value())
