"""Edits by hand in review: notes and chords chosen, moved, stretched, typed, quantised, transposed.

What is edited is what is chosen in the roll, or where nothing is, what is looped. Runs on: the
window's thread; what is written the library's thread does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QInputDialog, QWidget

from jam.errors import BadInput
from jam.messages.notes import Note
from jam.music.grid import nearest_frame
from jam.performance import by_hand
from jam.performance.take import Take
from jam.sessions.session import Level, Made
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.review.rewriting_bar import PARTS, RewritingBar
from ui.review.roll import Roll
from ui.review.roll_choice import Chosen, Drag
from ui.review.selected_bars import SelectedBars
from ui.review.take_edits import TakeEdits

NOTHING_CHOSEN = "Nothing is selected: click a note or chord, or press Alt+. for the next note."
_NEW_VELOCITY = 80
_SAME_S = 1e-4
"""Nearer than this two notes of a pitch are the same one."""


def _several(n: int, what: str) -> str:
    return what if n == 1 else f"{n} {what}s"


def words_of(chosen: Chosen) -> str:
    """ "3 notes", "note", "2 chords", "3 notes, chord"."""
    parts = ((len(chosen.notes), "note"), (len(chosen.chords), "chord"))
    return ", ".join(_several(n, what) for n, what in parts if n)


class ByHand(QObject):
    """parent: dialogs open over its window."""

    def __init__(
        self,
        model: ReviewModel,
        bar: RewritingBar,
        roll: Roll,
        edits: TakeEdits,
        news: NewsBar,
        bars: SelectedBars,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._model, self._bar, self._roll = model, bar, roll
        self._edits, self._news, self._bars, self._parent = edits, news, bars, parent
        self._changed: list[Note] = []
        """The notes of the last edit, as they are now: they stay chosen."""
        self._changed_chords: list[int] = []
        bar.quantise_wanted.connect(self.quantise)
        bar.transpose_wanted.connect(self.transpose)
        bar.chord_wanted.connect(self.ask_chord)
        bar.notes_wanted.connect(self.edit_notes)
        roll.chord_wanted.connect(self.ask_chord)
        roll.dragged.connect(self._on_drag)
        roll.note_drawn.connect(self._on_drawn)
        model.front_changed.connect(self._on_front)

    # What is chosen

    def edit_notes(self, on: bool) -> None:
        """Notes and chords are chosen and moved with the mouse, or not any more."""
        if on and not self._bar.isVisible():
            self._bar.show()
        self._roll.edits_notes = on
        self._bar.show_notes_edited(on)
        if not on:
            self._roll.choose(Chosen())

    def toggle_notes(self) -> None:
        self.edit_notes(not self._roll.edits_notes)

    def select_note(self, by: int, adds: bool = False) -> None:
        """The next note of the player, or the one before; alone, or (adds) with what is chosen."""
        content, chosen = self._model.content, self._roll.chosen
        if content is None:
            return
        notes = [note for note in content.notes if note.part == "player"]
        at_s = self._model.player.position_s
        if chosen.notes:
            at_s = chosen.notes[-1 if by > 0 else 0].start_s
        later = [n for n in notes if n.start_s > at_s] if by > 0 else []
        earlier = [n for n in notes if n.start_s < at_s] if by < 0 else []
        for note in later[:1] or earlier[-1:]:
            there = Chosen((note,))
            self._roll.choose(chosen.joined(there) if adds else there)
            self._roll.bring_into_sight(note.start_s, note.end_s)

    def select_all(self) -> None:
        """The player's notes in the loop, the chords there, or both, as the bar says."""
        content, state = self._model.content, self._model.player.state
        if content is None or state is None:
            return
        part = PARTS[self._bar.part.currentIndex()][1]
        first_s, last_s = state.loop or (content.start_s, content.end_s)
        notes = [n for n in content.notes if n.part == "player" and first_s <= n.start_s < last_s]
        chords = [c for c in content.chords if first_s <= c.start_s < last_s]
        chosen = Chosen(
            tuple(notes if part != "chords" else ()), tuple(chords if part != "melody" else ())
        )
        self._roll.choose(chosen)
        self._model.told.emit(f"Selected: {words_of(chosen) or 'nothing'}")

    def _on_front(self, _: bool) -> None:
        """What was edited stays chosen where it is now."""
        session, content = self._model.session, self._model.content
        changed, chords = self._changed, self._changed_chords
        self._changed, self._changed_chords = [], []
        if session is None or content is None or not (changed or chords):
            self._roll.choose(Chosen())
            return
        at = session.tempo_map.seconds_at
        places = {(n.part, n.pitch, round(at(n.start_frame) / _SAME_S)) for n in changed}
        onsets = {round(at(frame) / _SAME_S) for frame in chords}
        self._roll.choose(
            Chosen(
                tuple(
                    n
                    for n in content.notes
                    if (n.part, n.pitch, round(n.start_s / _SAME_S)) in places
                ),
                tuple(c for c in content.chords if round(c.start_s / _SAME_S) in onsets),
            )
        )

    # What is done to it

    def _change(
        self,
        words: str,
        notes: Callable[[Take, list[Note]], tuple[Take, list[Note]]],
        chords: Callable[[Take, list[int]], tuple[Take, list[int]]] | None = None,
    ) -> None:
        """What is chosen is changed as one edit. notes, chords: from the take and those that are
        chosen in it, notes or frames in which chords begin, to the take and what becomes of
        them."""
        session, chosen = self._model.session, self._roll.chosen
        if session is None:
            return
        if not chosen:
            self._model.told.emit(NOTHING_CHOSEN)
            return
        wanted = [(n.part, n.pitch, n.start_s) for n in chosen.notes]
        at = session.tempo_map.position_at
        onsets = [nearest_frame(at(c.start_s)) for c in chosen.chords]

        def changed(take: Take) -> Take:
            stays: list[Note] = []
            frames: list[int] = []
            if wanted:
                take, stays = notes(take, by_hand.notes_near(take, wanted))
            if onsets and chords is not None:
                take, frames = chords(take, onsets)
            self._changed, self._changed_chords = stays, frames
            return take

        levels: list[Level] = []
        if any(note.part == "player" for note in chosen.notes):
            levels.append("melody")
        if onsets:
            levels.append("chords")
        if any(note.part != "player" for note in chosen.notes):
            levels.append("texture")
        self._edits.apply(
            f"{words_of(chosen)} {words}", changed, [Made(level, "by hand") for level in levels]
        )

    def change(self, frames: int = 0, semitones: int = 0, longer: int = 0) -> None:
        """Move or transpose what is chosen, or stretch its notes."""
        taken = self._model.take
        if taken is None:
            return

        def note(old: Note) -> Note:
            there = by_hand.moved(old, frames, semitones)
            return by_hand.stretched(there, there.end_frame + longer) if longer else there

        def notes(take: Take, chosen: list[Note]) -> tuple[Take, list[Note]]:
            return by_hand.notes_changed(take, chosen, note), [note(old) for old in chosen]

        def chords(take: Take, onsets: list[int]) -> tuple[Take, list[int]]:
            settings, seed = taken.settings, taken.seed
            if semitones:
                take = by_hand.chords_transposed(take, onsets, semitones, settings, seed)
            if frames:
                take = by_hand.chords_moved(take, onsets, frames, settings, seed)
            return take, [frame + frames for frame in onsets]

        self._change("stretched" if longer else "moved", notes, chords)

    def _on_drag(self, drag: Drag) -> None:
        """By whole frames: notes stay as early or late as they were."""
        session, chosen = self._model.session, self._roll.chosen
        if session is None or not chosen:
            return
        at = session.tempo_map.position_at
        starts = [n.end_s if drag.ends else n.start_s for n in chosen.notes]
        from_s = min([*starts, *(c.start_s for c in chosen.chords)])
        by = round(at(from_s + drag.by_s) - at(from_s))
        if drag.ends:
            self.change(longer=by)
        elif by or drag.semitones:
            self.change(by, drag.semitones)

    def delete(self) -> None:
        """Delete what is chosen; where a chord was, the one before lasts on."""
        taken = self._model.take
        if taken is None:
            return

        def notes(take: Take, chosen: list[Note]) -> tuple[Take, list[Note]]:
            return by_hand.notes_changed(take, chosen, lambda _: None), []

        def chords(take: Take, onsets: list[int]) -> tuple[Take, list[int]]:
            return by_hand.chords_deleted(take, onsets, taken.settings, taken.seed), []

        self._change("deleted", notes, chords)

    def quantise(self) -> None:
        """Draw the notes that are chosen, or the player's in the loop, to the grid."""
        frames, grid = self._bars.frames, self._bar.grid
        if frames is None:
            return
        strength, size = self._bar.strength.number(), grid.values[grid.currentIndex()]
        if self._roll.chosen.notes:

            def notes(take: Take, chosen: list[Note]) -> tuple[Take, list[Note]]:
                before = set(chosen)
                new = by_hand.quantised(take, frames, strength, size, chosen)
                parts = {note.part for note in chosen}
                there = [n for part in parts for n in new.parts[part]]
                old = {n for part in parts for n in take.parts[part]} - before
                return new, [n for n in there if n not in old]

            self._change("quantised", notes)
            return
        words = f"quantised, {self._bars.where}"
        self._edits.apply(
            words,
            lambda take: by_hand.quantised(take, frames, strength, size),
            (Made("melody", words),),
        )

    def transpose(self, semitones: int) -> None:
        """Move what is chosen, or the selected part of the loop, up or down."""
        frames, taken = self._bars.frames, self._model.take
        if frames is None or taken is None:
            return
        if self._roll.chosen:
            self.change(semitones=semitones)
            return
        part = PARTS[self._bar.part.currentIndex()][1]
        words = f"transposed by {semitones:+d}, {self._bars.where}"
        made = [Made(level, words) for level in ("melody", "chords") if part in (level, "both")]
        self._edits.apply(
            words,
            lambda take: by_hand.transposed(
                take, frames, semitones, taken.settings, taken.seed, part
            ),
            made,
        )

    # What is new

    def ask_chord(self, at_s: float | None = None) -> None:
        """Ask for the name of the chord at a place (None: the one chosen, or at the playhead)."""
        session, content = self._model.session, self._model.content
        if session is None or content is None:
            return
        if at_s is None:
            chosen = self._roll.chosen.chords
            at_s = chosen[0].start_s + _SAME_S if chosen else self._model.player.position_s
        now = next((c.symbol for c in content.chords if c.start_s <= at_s < c.end_s), "")
        dialog = QInputDialog(self._parent.window())
        dialog.setWindowTitle("Chord")
        dialog.setLabelText("Chord (Dm7, Bbmaj7, N.C.); nothing deletes it:")
        dialog.setTextValue(now.replace("♭", "b").replace("♯", "#"))
        dialog.textValueSelected.connect(partial(self.write_chord, at_s))
        dialog.open()

    def write_chord(self, at_s: float, text: str) -> None:
        """This chord from the beat at a place to where the chord there ends; "" deletes it."""
        session, taken = self._model.session, self._model.take
        if session is None or taken is None:
            return
        try:
            chord = by_hand.read_chord(text)
        except BadInput as error:
            self._news.tell(f"{error}.", alert=True)
            return
        tempo_map = session.tempo_map
        frame = max(0, int(tempo_map.position_at(at_s) + 1e-6))
        place = tempo_map.place(frame)
        beat = frame - place.frame_in_bar % place.meter.frames_per_beat

        def written(take: Take) -> Take:
            span = by_hand.chord_span(take, frame)
            if not text.strip():
                return by_hand.chords_deleted(take, [frame], taken.settings, taken.seed)
            first = span.start if take.chords[span.start].chord is not None else beat
            frames = range(first, span.stop)
            return by_hand.chord_written(take, frames, chord, taken.settings, taken.seed)

        words = f"chord {text.strip()}" if text.strip() else "chord deleted"
        self._edits.apply(words, written, (Made("chords", "by hand"),))

    def _on_drawn(self, at_s: float, pitch: int) -> None:
        """A note of a beat was drawn."""
        session = self._model.session
        if session is None:
            return
        frame = max(0, int(session.tempo_map.position_at(at_s)))
        beat = session.tempo_map.meter_at(frame).frames_per_beat
        note = Note(float(frame), float(frame + beat), pitch, _NEW_VELOCITY, "player")

        def added(take: Take) -> Take:
            self._changed, self._changed_chords = [note], []
            return by_hand.added(take, note)

        self._edits.apply("note added", added, (Made("melody", "by hand"),))

    def add_note(self) -> None:
        """A note at the playhead, as high as what is chosen or the last one before."""
        content, at_s = self._model.content, self._model.player.position_s
        if content is None:
            return
        before = [n for n in content.notes if n.part == "player" and n.start_s <= at_s]
        notes = self._roll.chosen.notes
        self._on_drawn(at_s, notes[0].pitch if notes else before[-1].pitch if before else 67)
