"""The menu of the right mouse button on sliders and buttons: learn a MIDI control for this."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QAbstractSpinBox, QMenu, QWidget

from ui.controls.model import ControlsModel, place_words

LEARN, FORGET, ALL = "Learn a MIDI control", "Forget its MIDI control", "All MIDI controls …"


def offer_learning(
    widget: QWidget, target: str, model: ControlsModel, show_all: Callable[[], object]
) -> None:
    """Give a control of the window the menu. show_all: opens the list of all that is learnt."""
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    widget.customContextMenuRequested.connect(lambda at: _menu(widget, target, model, show_all, at))


def _menu(
    widget: QWidget, target: str, model: ControlsModel, show_all: Callable[[], object], at: QPoint
) -> None:
    edit = widget.lineEdit() if isinstance(widget, QAbstractSpinBox) else None
    own = edit.createStandardContextMenu() if edit is not None else None
    menu = own or QMenu(widget)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if own is not None:
        menu.addSeparator()
    menu.addAction(LEARN, lambda: model.learn(target))
    learnt = [one for one in model.of(target) if one.on]
    if learnt:
        menu.addAction(
            f"{FORGET} ({place_words(learnt[0])})".replace("&", "&&"), lambda: model.forget(target)
        )
    menu.addSeparator()
    menu.addAction(ALL, show_all)
    menu.popup(widget.mapToGlobal(at))
