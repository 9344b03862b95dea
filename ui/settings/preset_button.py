"""The button with the presets: choose, save, delete."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from jam.errors import BadInput
from ui.settings.fields import describe
from ui.settings.model import SettingsModel
from ui.settings.presets import BUILT_IN, Presets

RENAME = "Rename"


class PresetButton(QPushButton):
    """Says which preset holds; its menu is made anew whenever it opens."""

    def __init__(self, presets: Presets, model: SettingsModel) -> None:
        super().__init__()
        self._presets = presets
        describe(
            self, "presets", "Presets", "Load a preset, or save your settings as one (Ctrl+S)."
        )
        self._menu = QMenu(self)
        self._menu.setAccessibleName("Presets")
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self.fill)
        self.setMenu(self._menu)
        model.shown.connect(lambda _: self.show_current())
        presets.changed.connect(lambda _: self.show_current())
        self.show_current()

    def show_current(self) -> None:
        name = self._presets.current()
        short = name if len(name) < 28 else name[:26] + "…"
        text = f"Preset: {short}" if name else "Presets"
        if self.text() != text:
            self.setText(text.replace("&", "&&"))

    def fill(self) -> None:
        """List the presets as they are now."""
        menu, presets = self._menu, self._presets
        menu.clear()
        current = presets.current()
        for number, name in enumerate(presets.names, 1):
            if number == len(BUILT_IN) + 1:
                menu.addSeparator()
            entry = self._entry(menu, name, BUILT_IN.get(name, ("Your preset.",))[0])
            if number <= 9:
                entry.setText(f"{entry.text()}\tCtrl+{number}")
            entry.setCheckable(True)
            entry.setChecked(name == current)
            entry.triggered.connect(lambda _, name=name: presets.choose(name))
        menu.addSeparator()
        tip = "Save the current music settings."
        self._entry(menu, "Save as…\tCtrl+S", tip).triggered.connect(lambda _: self.ask_name())
        if presets.own:
            self._own_menu(
                "Replace", "Replace this preset with the current settings.", presets.save
            )
            self._own_menu(RENAME, "Give this preset another name.", self.ask_new_name)
            self._own_menu("Delete", "Delete this preset (Ctrl+Z restores it).", presets.delete)

    @staticmethod
    def _entry(menu: QMenu, text: str, tip: str) -> QAction:
        entry = menu.addAction(text.replace("&", "&&"))
        assert entry is not None
        entry.setToolTip(tip)
        return entry

    def _own_menu(self, title: str, tip: str, run: Callable[[str], object]) -> None:
        menu = self._menu.addMenu(title)
        assert menu is not None
        menu.setAccessibleName(f"{title} a preset")
        for name in sorted(self._presets.own, key=str.casefold):
            self._entry(menu, name, tip).triggered.connect(lambda _, name=name: run(name))

    def ask_name(self) -> None:
        """Open the question for a name; the music goes on meanwhile."""
        NameDialog(self._presets, self.window()).open()

    def ask_new_name(self, name: str) -> None:
        """Ask for another name of a preset."""
        NameDialog(self._presets, self.window(), name).open()


class NameDialog(QDialog):
    """Asks for a preset's name, and says in place what is wrong with it.

    renamed: the preset that gets another name; "" saves the settings as they are now.
    """

    def __init__(self, presets: Presets, parent: QWidget | None, renamed: str = "") -> None:
        super().__init__(parent)
        self._presets, self._renamed = presets, renamed
        self.setWindowTitle(f"Rename {renamed}" if renamed else "Save preset")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        label = QLabel("Preset &name")
        self.name = QLineEdit()
        self.name.setAccessibleName("Preset name")
        self.name.setText(renamed)
        self.name.selectAll()
        if not renamed:
            self.name.setToolTip("A preset of the same name is replaced.")
        self.name.setMaxLength(60)
        self.name.setMinimumWidth(280)
        label.setBuddy(self.name)
        self.fault = QLabel()
        self.fault.setObjectName("hint")
        self.fault.setWordWrap(True)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        for kind, tip in (
            (kinds.Save, "Save the preset."),
            (kinds.Cancel, "Close without saving."),
        ):
            if (button := buttons.button(kind)) is not None:
                button.setToolTip(tip)
                button.setAccessibleName(button.text().replace("&", ""))
        for widget in (label, self.name, self.fault, buttons):
            column.addWidget(widget)
        self.name.textChanged.connect(self._on_text)
        self._on_text("")

    def _on_text(self, text: str) -> None:
        exists = not self._renamed and text.strip() in self._presets.own
        self.fault.setText("This replaces the preset of that name." if exists else "")

    def accept(self) -> None:
        try:
            if self._renamed:
                self._presets.rename(self._renamed, self.name.text())
            else:
                self._presets.save(self.name.text())
        except BadInput as error:
            self.fault.setText(str(error))
            return
        super().accept()
