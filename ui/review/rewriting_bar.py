"""The bar of rewriting: what is composed again, the proposals, the levels, edits by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from jam.agent.rewriting import A_LITTLE, WHOLLY, RewrittenPart
from jam.music.key import key_name
from jam.sessions.session import Level
from ui.common.flow import ElidedLabel, FlowLayout, SizedLabel, expanding, together
from ui.settings.fields import Choice, Slider, describe

MOST_SHOWN = 6
"""So many proposals side by side."""
PARTS: tuple[tuple[str, RewrittenPart], ...] = (
    ("Chords", "chords"),
    ("Melody", "melody"),
    ("Both", "both"),
)
SHARES = (("Wholly", WHOLLY), ("A little", A_LITTLE))
AS_IT_WAS = "As it was"
KEYS = (("Any key", None), *((key_name((t, m)), (t, m)) for m in (False, True) for t in range(12)))
GRIDS = (("16ths", 1), ("8ths", 2), ("Beats", 4))


class RewritingBar(QFrame):
    """Hidden until it is wanted."""

    compose_wanted = pyqtSignal()
    proposal_chosen = pyqtSignal(int)
    """-1: as it was."""
    accepted = pyqtSignal()
    kept = pyqtSignal()
    discarded = pyqtSignal()
    part_chosen = pyqtSignal(object)
    again_wanted = pyqtSignal(str)
    """A level is to be made anew."""
    quantise_wanted = pyqtSignal()
    transpose_wanted = pyqtSignal(int)
    """By so many semitones."""
    chord_wanted = pyqtSignal()
    notes_wanted = pyqtSignal(bool)
    """Notes are edited with the mouse, or not any more."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("details")
        self.where = SizedLabel("bars 88–88")
        self.where.clear()
        self.where.setObjectName("value")
        self.where.setAccessibleName("Bars that are composed again")
        self.part = Choice(PARTS)
        self.share = Choice(SHARES)
        self.temperature = Slider(0.2, 2.0, 0.1, lambda value: f"{value:.1f}")
        self.temperature.setFixedWidth(80)
        self.key = Choice(KEYS)
        self.palette_ = QLineEdit()
        self.palette_.setPlaceholderText("any chords")
        self.palette_.setFixedWidth(100)
        self.count = Choice([(f"{n} proposals", n) for n in (2, 4, 6)])
        self.compose = self._button(
            "Compose again", "Compose these bars again; the rest stays as it is (R).",
            self.compose_wanted.emit,
        )  # fmt: skip
        self.proposals = [
            self._button(
                f"Proposal {i + 1}" if i >= 0 else "As it was",
                "Hear this one, round and round.",
                partial(self.proposal_chosen.emit, i),
                True,
            )
            for i in range(-1, MOST_SHOWN)
        ]
        self.accept = self._button(
            "Accept", "Put this into the take (Ctrl+Enter).", self.accepted.emit
        )
        self.keep = self._button("Keep as a take", "Keep it as a take of its own (Ctrl+K).",
                                 self.kept.emit)  # fmt: skip
        self.discard = self._button("Discard", "Leave everything as it was (Ctrl+Backspace).",
                                    self.discarded.emit)  # fmt: skip
        self.levels: dict[Level, ElidedLabel] = {}
        self.again: dict[Level, QPushButton] = {}
        self.strength = Slider(0.1, 1.0, 0.1, lambda value: f"{round(100 * value)} %")
        self.strength.setFixedWidth(80)
        self.strength.show_number(1.0)
        self.grid = Choice(GRIDS)
        self.notes = QPushButton("Edit notes")
        self.notes.setCheckable(True)
        self.notes.toggled.connect(self.notes_wanted.emit)
        describe(
            self.notes,
            "edit_notes",
            "Edit notes",
            "Drag notes to move them, their ends to stretch them; double-click adds one (I).",
        )
        for choice, letters in (
            (self.part, 6),
            (self.share, 6),
            (self.count, 8),
            (self.grid, 5),
            (self.key, 7),
        ):
            choice.setMinimumContentsLength(letters)
        for widget in (self.part, self.share, self.count, self.grid, self.key, self.palette_,
                       self.temperature, self.strength):  # fmt: skip
            widget.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._describe()
        self._lay_out()
        self.temperature.show_number(1.0)
        self.count.show_value(4)
        self.part.chosen.connect(self.part_chosen)
        self.show_proposals(())
        self.hide()

    def _describe(self) -> None:
        for widget, name, caption, tip in (
            (self.part, "part", "Part", "What is composed again (C)."),
            (self.share, "share", "How much", "How much of it is drawn anew."),
            (
                self.temperature,
                "temperature",
                "Temperature of proposals",
                "0.2 is strict, 2 is wild.",
            ),
            (self.key, "key", "Key of proposals", "What is new keeps to this key."),
            (self.palette_, "palette", "Chords of proposals", "Chords or qualities: Dm7, maj, 7."),
            (self.count, "count", "How many", "How many proposals to choose from."),
            (self.strength, "strength", "Strength", "How far notes are drawn to the grid."),
            (self.grid, "grid", "Grid", "To what notes are drawn."),
        ):
            describe(widget, f"rewriting_{name}", caption, tip)

    def _button(
        self, text: str, tip: str, clicked: Callable[[], object], checkable: bool = False
    ) -> QPushButton:
        button = QPushButton(text)
        describe(button, "rewriting_button", text, tip)
        button.setCheckable(checkable)
        button.clicked.connect(lambda _: clicked())
        return button

    def _lay_out(self) -> None:
        first, second, third, fourth = (FlowLayout() for _ in range(4))
        first.addWidget(together(self.compose, self.where, self.part))
        first.addWidget(together(self.share, self.count))
        first.addWidget(
            together(_hint("Temperature"), self.temperature, self.temperature.value_label)
        )
        first.addWidget(together(self.key, self.palette_))
        for button in self.proposals:
            second.addWidget(button)
        second.addWidget(together(self.accept, self.keep, self.discard))
        tips: tuple[tuple[Level, str], ...] = (
            ("texture", "another voicing and texture of the same chords."),
            ("performance", "the same notes with another timing and touch."),
            ("sound", "other instruments for the same notes, in the whole take."),
            ("mix", "other volumes of chords, bass and drums, in the whole take."),
        )
        third.addWidget(_hint("Again"))
        for level, tip in tips:
            label = ElidedLabel(9)
            label.setObjectName("hint")
            self.levels[level] = label
            self.again[level] = self._button(
                level.capitalize(), f"{level.capitalize()} again: {tip}",
                partial(self.again_wanted.emit, level),
            )  # fmt: skip
            third.addWidget(together(self.again[level], expanding(label)))
        fourth.addWidget(
            together(
                self._button("Quantise", "Draw your notes to the grid.", self.quantise_wanted.emit),
                self.grid,
                self.strength,
                self.strength.value_label,
            )
        )
        steps = ((-12, "−8va"), (-1, "−1"), (1, "+1"), (12, "+8va"))
        fourth.addWidget(
            together(
                _hint("Transpose"),
                *(
                    self._button(
                        text,
                        f"Transpose by {abs(n)} semitones {'up' if n > 0 else 'down'}.",
                        partial(self.transpose_wanted.emit, n),
                    )
                    for n, text in steps
                ),
            )
        )
        chord = self._button(
            "Chord …", "Type the chord at the playhead (H).", self.chord_wanted.emit
        )
        fourth.addWidget(together(chord, self.notes))
        self.offers = QWidget()
        self.offers.setObjectName("row")
        self.offers.setLayout(second)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 12, 6)
        column.setSpacing(5)
        column.addLayout(first)
        column.addWidget(self.offers)
        column.addLayout(third)
        column.addLayout(fourth)

    # What it shows

    def show_where(self, words: str) -> None:
        if self.where.text() != words:
            self.where.setText(words)

    def show_proposals(self, likelihoods: Sequence[float], chosen: int = -1) -> None:
        """Each with its likelihood; none hides them."""
        self.offers.setVisible(bool(likelihoods))
        for i, button in enumerate(self.proposals, -1):
            button.setVisible(i < len(likelihoods))
            text = AS_IT_WAS if i < 0 else f"{i + 1}"
            if 0 <= i < len(likelihoods):
                text = f"{i + 1}   {likelihoods[i]:.2f}".replace("-", "−")
                describe(
                    button,
                    "proposal",
                    f"Proposal {i + 1}",
                    f"Proposal {i + 1}: {likelihoods[i]:.2f} nats a frame, given the rest (N).",
                )
            button.setText(text)
            with QSignalBlocker(button):
                button.setChecked(i == chosen)
        for button in (self.accept, self.keep):
            button.setEnabled(chosen >= 0)
        for widget in (self.offers, self):  # their texts are other ones, and there is a row more
            if (layout := widget.layout()) is not None:
                layout.invalidate()
                layout.activate()
        self.updateGeometry()

    def show_levels(self, words: Mapping[Level, str]) -> None:
        for level, label in self.levels.items():
            label.setText(words.get(level, ""))

    def show_notes_edited(self, on: bool) -> None:
        with QSignalBlocker(self.notes):
            self.notes.setChecked(on)


def _hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("hint")
    return label
