"""*Role*: the button with the menu of what the agent does besides its chords."""

from __future__ import annotations

from PyQt6.QtGui import QActionGroup
from PyQt6.QtWidgets import QMenu, QToolButton, QWidget

from jam.music.role import ACCOMPANIES, TRADES
from jam.settings import ROLE_LABELS, SETTINGS, JamSettings
from ui.settings.fields import describe
from ui.settings.model import SettingsModel

ROLE = "Role"
_TIP = "What the agent does besides its chords, from the next bar line on."


def role_words(settings: JamSettings) -> str:
    """What the button says: "Role", "Trades 4", "Solos"."""
    if settings.role == ACCOMPANIES:
        return ROLE
    if settings.role == TRADES:
        return f"Trades {settings.turn_bars}"
    return settings.role.capitalize()


class RoleButton(QToolButton):
    """Shows the role, and changes it."""

    def __init__(self, model: SettingsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        describe(self, "role", ROLE, _TIP)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._roles, self._turns, self._choruses = (QActionGroup(menu) for _ in range(3))
        for role, label in ROLE_LABELS.items():
            self._add(menu, self._roles, label, "role", role)
        menu.addSeparator()
        for choice in SETTINGS["turn_bars"].choices:
            self._add(menu, self._turns, f"Trade {choice.label}", "turn_bars", choice.value)
        menu.addSeparator()
        for choice in SETTINGS["role_choruses"].choices:
            label = f"For {choice.label}" if choice.value else choice.label
            self._add(menu, self._choruses, label, "role_choruses", choice.value)
        self.setMenu(menu)
        model.shown.connect(self._show)
        self._show(model.settings)

    def _add(
        self, menu: QMenu, group: QActionGroup, label: str, setting: str, value: object
    ) -> None:
        action = menu.addAction(label)
        assert action is not None
        action.setCheckable(True)
        action.setData((setting, value))
        group.addAction(action)
        action.triggered.connect(lambda _: self._choose(setting, value))

    def _choose(self, setting: str, value: object) -> None:
        values = {setting: value}
        if setting == "turn_bars":  # who chooses a length wants to trade
            values["role"] = TRADES
        self._model.change(**values)

    def _show(self, settings: JamSettings) -> None:
        for group in (self._roles, self._turns, self._choruses):
            for action in group.actions():
                setting, value = action.data()
                action.setChecked(getattr(settings, setting) == value)
        words = role_words(settings)
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(f"{ROLE}: {ROLE_LABELS[settings.role]}")
