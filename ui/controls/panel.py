"""The list of MIDI controls: what each action and slider is learnt to, and what was moved last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby

from PyQt6.QtCore import QSignalBlocker, Qt
from PyQt6.QtGui import QHideEvent, QShowEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from jam.midi.controls import control_words, shown_device
from jam.midi.learnt import PROPOSED, TAKEOVERS, Learnt
from ui.controls.model import ControlsModel, Target, place_words, takes_over, turned_off
from ui.settings.fields import Choice, Switch, describe

KEY = "F9"
NOTHING_YET = "Move a fader, press a key or a pedal: it is shown here."
NO_MATCH = "Nothing matches."
_TARGET = Qt.ItemDataRole.UserRole
_WIDTH, _HEIGHT = 760, 620


def last_words(model: ControlsModel) -> str:
    """What was moved last, and what it does."""
    if (moved := model.last) is None:
        return NOTHING_YET
    words = (
        f"{control_words(moved.control)} · {shown_device(moved.control.device)}"
        f" · {round(127 * moved.position)}"
    )
    does = next((one for one in model.learnt if one.on and one.control == moved.learnt), None)
    return f"{words} → {model.title(does.target)}" if does is not None else words


def learning_words(model: ControlsModel) -> str:
    """What is waited for; "" for nothing."""
    if not model.learning:
        return ""
    return f"{model.title(model.learning)}: move or press a MIDI control now (Esc cancels)."


def found(targets: list[Target], words: str) -> list[Target]:
    """Those that have each of the words in their title or group."""
    wanted = words.lower().split()
    return [t for t in targets if all(word in f"{t.title} {t.group}".lower() for word in wanted)]


def proposal_words(model: ControlsModel, proposed: Learnt) -> str:
    """ "Sostenuto pedal: Keep the last bars, or let go"."""
    return f"{control_words(proposed.control)}: {model.title(proposed.target)}"


class ControlsPanel(QFrame):
    """Lies over the window, which goes on playing.

    closed: called when it is closed.
    """

    def __init__(self, model: ControlsModel, closed: Callable[[], object], parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._closed = model, closed
        self.setObjectName("help")
        self.setAccessibleName("MIDI controls")
        self.filter = QLineEdit()
        describe(self.filter, "filter_controls", "Filter the list", "Type what you look for.")
        self.filter.setPlaceholderText("Filter …")
        self.filter.setClearButtonEnabled(True)
        self.only_learnt = Switch("Only learnt")
        describe(self.only_learnt, "only_learnt", "Only learnt", "Hide what has no MIDI control.")
        close = self._button("Close", "close_controls", f"Close ({KEY}).", self.close_panel)
        title = QLabel("MIDI controls")
        title.setObjectName("title")
        head = QHBoxLayout()
        for widget in (title, self.filter, self.only_learnt, close):
            head.addWidget(widget)
        self.list = QTreeWidget()
        describe(self.list, "controls_list", "Actions and settings", "Double-click to learn.")
        self.list.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.list.setColumnCount(2)
        self.list.setHeaderLabels(["What it does", "MIDI control"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        if (header := self.list.header()) is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.learn = self._button(
            "Learn", "learn", "Then move or press a MIDI control.", self._learn_or_cancel
        )
        self.remove = self._button(
            "Remove", "forget_control", "Remove its MIDI controls (Ctrl+Z restores).", self._remove
        )
        self.use = Switch("Use")
        describe(self.use, "use_control", "Use", "Whether the MIDI control counts.")
        self.takeover = Choice([(label, name) for name, label in TAKEOVERS.items()])
        describe(
            self.takeover,
            "takeover",
            "How it takes over",
            "Pick up: when it passes the value. Jump: at once. Endless: for knobs without an end.",
        )
        self.takeover.setMinimumContentsLength(max(map(len, TAKEOVERS.values())))
        self.takeover.chosen.connect(self._take_over)
        self.reset = self._button(
            "Reset all", "reset_controls", "As at the first start (Ctrl+Z restores).", model.reset
        )
        foot = QHBoxLayout()
        for part in (self.learn, self.remove, self.use, self.takeover):
            foot.addWidget(part)
        foot.addStretch()
        foot.addWidget(self.reset)
        self.proposals = [(one, self._proposal(one)) for one in PROPOSED]
        offers = QHBoxLayout()
        for _, switch in self.proposals:
            offers.addWidget(switch)
        offers.addStretch()
        self.last = QLabel(NOTHING_YET)
        self.last.setObjectName("hint")
        self.last.setAccessibleName("Last moved")
        self.last.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        column.addLayout(foot)
        column.addLayout(offers)
        column.addWidget(self.last)
        self.filter.textChanged.connect(lambda _: self.fill())
        self.only_learnt.toggled.connect(lambda _: self.fill())
        self.use.clicked.connect(lambda _: self._turn_over())
        self.list.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.list.itemDoubleClicked.connect(lambda *_: self._learn_or_cancel())
        model.changed.connect(lambda _: self._if_shown(self.fill))
        model.learning_changed.connect(lambda: self._if_shown(self._show_chosen))
        model.last_changed.connect(lambda: self._if_shown(self._show_last))
        self.hide()

    def _button(self, text: str, name: str, tip: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        describe(button, name, text, tip)
        button.clicked.connect(lambda _: do())
        return button

    def _proposal(self, proposed: Learnt) -> Switch:
        """A switch that takes a proposal."""
        words = proposal_words(self._model, proposed)
        switch = Switch(words.replace("&", "&&"))
        name = f"propose-{proposed.control.number}"
        describe(switch, name, words, "Off: the pedal sounds as a pedal. (Ctrl+Z restores.)")
        switch.clicked.connect(partial(self._model.propose, proposed))
        return switch

    def _if_shown(self, do: Callable[[], object]) -> None:
        if self.isVisible():
            do()

    # Open and closed

    def toggle(self) -> None:
        if self.isVisible():
            self.close_panel()
        else:
            self.open_panel()

    def open_panel(self) -> None:
        self.filter.clear()
        self.fill()
        self.fit()
        self.show()
        self.raise_()
        self.filter.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_panel(self) -> None:
        self.hide()
        self._closed()

    def fit(self) -> None:
        """In the middle of the window, as large as is needed and possible."""
        if (parent := self.parentWidget()) is None:
            return
        scale = self.fontMetrics().height() / 17
        width = min(parent.width() - 40, round(_WIDTH * scale))
        height = min(parent.height() - 40, round(_HEIGHT * scale))
        left, top = (parent.width() - width) // 2, (parent.height() - height) // 2
        self.setGeometry(left, top, width, height)

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        self._model.watch(True)

    def hideEvent(self, a0: QHideEvent | None) -> None:
        super().hideEvent(a0)
        self._model.watch(False)

    # What is shown

    def fill(self) -> None:
        """List what the filter lets through; what was chosen stays chosen."""
        chosen, model = self.chosen, self._model
        targets = found(model.targets(), self.filter.text())
        if self.only_learnt.isChecked():
            targets = [target for target in targets if model.of(target.name)]
        with QSignalBlocker(self.list):
            self.list.clear()
            for group, some in groupby(targets, key=lambda target: target.group):
                parent = QTreeWidgetItem([group])
                parent.setFlags(Qt.ItemFlag.ItemIsEnabled)
                font = parent.font(0)
                font.setBold(True)
                parent.setFont(0, font)
                self.list.addTopLevelItem(parent)
                parent.setFirstColumnSpanned(True)
                for target in some:
                    item = QTreeWidgetItem([target.title, self._words(target.name)])
                    item.setData(0, _TARGET, target.name)
                    item.setToolTip(1, "\n".join(map(place_words, model.of(target.name))))
                    parent.addChild(item)
                    if target.name == chosen:
                        self.list.setCurrentItem(item)
            if not targets:
                nothing = QTreeWidgetItem([NO_MATCH])
                nothing.setFlags(Qt.ItemFlag.NoItemFlags)
                self.list.addTopLevelItem(nothing)
            self.list.expandAll()
        self._show_chosen()

    def _words(self, target: str) -> str:
        learnt = self._model.of(target)
        return ", ".join(self._one(one) for one in learnt)

    def _one(self, one: Learnt) -> str:
        words = place_words(one)
        if not one.on:
            return f"{words} (off)"
        return words if self._model.is_connected(one.control) else f"{words} (not connected)"

    @property
    def chosen(self) -> str:
        """The target that is chosen in the list, or ""."""
        item = self.list.currentItem()
        return (item.data(0, _TARGET) or "") if item is not None else ""

    def choose(self, target: str) -> None:
        """Choose a target of the list."""
        for i in range(self.list.topLevelItemCount()):
            group = self.list.topLevelItem(i)
            for k in range(group.childCount() if group is not None else 0):
                child = group.child(k) if group is not None else None
                if child is not None and child.data(0, _TARGET) == target:
                    self.list.setCurrentItem(child)

    def _show_chosen(self) -> None:
        model, learnt = self._model, self._model.of(self.chosen)
        self.learn.setText("Cancel" if model.learning else "Learn")
        self.learn.setAccessibleName(self.learn.text())
        self.learn.setEnabled(bool(model.learning or self.chosen))
        self.remove.setEnabled(bool(learnt))
        self.use.setEnabled(bool(learnt))
        with QSignalBlocker(self.use):
            self.use.setChecked(any(one.on for one in learnt))
        knobs = [one for one in learnt if takes_over(one)]
        self.takeover.setEnabled(bool(knobs))
        if knobs:
            self.takeover.show_value(knobs[-1].takeover)
        for one, switch in self.proposals:
            with QSignalBlocker(switch):
                switch.setChecked(model.uses(one))
        self._show_last()

    def _show_last(self) -> None:
        words = learning_words(self._model) or last_words(self._model)
        if self.last.text() != words:
            self.last.setText(words)

    # What is done

    def _learn_or_cancel(self) -> None:
        if self._model.learning:
            self._model.cancel()
        elif self.chosen:
            self._model.learn(self.chosen)

    def _remove(self) -> None:
        self._model.forget(self.chosen)

    def _turn_over(self) -> None:
        on = self.use.isChecked()
        for one in self._model.of(self.chosen):
            if one.on != on:
                self._model.replace(one, turned_off(one))

    def _take_over(self, how: str) -> None:
        for one in self._model.of(self.chosen):
            if takes_over(one):
                self._model.take_over(one, how)
