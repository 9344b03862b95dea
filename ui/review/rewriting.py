"""Rewriting in review: bars composed again, proposals heard and accepted, levels, edits by hand.

What is selected are the bars of the loop, or the bar at the playhead. Runs on: the window's thread;
the composing is a job in a process of its own, what is written the library's thread does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QInputDialog, QWidget

from jam.accompaniment import playable_style
from jam.errors import BadInput
from jam.messages.notes import Note, TimedNote
from jam.music.grid import nearest_frame
from jam.music.instruments import INSTRUMENTS
from jam.music.palette import read_palette
from jam.performance import by_hand
from jam.performance.rewriting import RewriteWish, Selection, with_band, with_performance
from jam.performance.take import Take
from jam.sessions.session import Level, Made
from jam.sessions.tasks import Proposal, made_by
from ui.common.text import newest_levels
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.review.playback_actions import PlaybackActions
from ui.review.rewriting_bar import PARTS, RewritingBar
from ui.review.roll import Roll
from ui.review.take_edits import TakeEdits
from ui.review.tasks import Tasks

NO_REWRITER = "Nothing here can compose bars again."
NO_PROPOSALS = "No proposals: press R to compose these bars again."
NO_NOTE = "No note is selected: click one, or press Alt+. for the next one."
NOTHING_FREE = "Nothing to compose here: notes that go beyond these bars fill them."
_CHORD_INSTRUMENTS = (0, 4, 5, 11, 16, 24, 26, 48, 50, 89)
"""Of General MIDI, for the band's chords."""


class Rewriting(QObject):
    """parent: dialogs open over its window."""

    def __init__(
        self,
        model: ReviewModel,
        bar: RewritingBar,
        roll: Roll,
        edits: TakeEdits,
        tasks: Tasks,
        playback: PlaybackActions,
        news: NewsBar,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._model, self._bar, self._roll = model, bar, roll
        self._edits, self._tasks, self._playback, self._news = edits, tasks, playback, news
        self._parent = parent
        self.proposals: list[Proposal] = []
        self.chosen = -1
        """Which of them is heard; -1: none, it is as it was."""
        self._wish: RewriteWish | None = None
        self._shown: object = None
        bar.compose_wanted.connect(self.compose)
        bar.proposal_chosen.connect(self.choose)
        bar.accepted.connect(self.accept)
        bar.kept.connect(self.keep)
        bar.discarded.connect(self.discard)
        bar.part_chosen.connect(lambda _: self.follow())
        bar.again_wanted.connect(self.again)
        bar.quantise_wanted.connect(self.quantise)
        bar.transpose_wanted.connect(self.transpose)
        bar.chord_wanted.connect(self.ask_chord)
        bar.notes_wanted.connect(self.edit_notes)
        roll.chord_wanted.connect(self.ask_chord)
        roll.note_dragged.connect(self._on_note)
        roll.note_drawn.connect(self._on_drawn)
        roll.chord_dragged.connect(self._on_chord_edge)
        roll.loop_drawn_on.connect(self._on_drawn_on)
        model.front_changed.connect(self._on_front)

    # What is selected

    @property
    def bars(self) -> tuple[int, int] | None:
        """The first and the last bar of the loop, or the bar at the playhead twice."""
        session, state = self._model.session, self._model.player.state
        if session is None or state is None:
            return None
        tempo_map = session.tempo_map
        first_s, last_s = state.loop or (self._model.player.position_s,) * 2
        first = max(0, nearest_frame(tempo_map.position_at(first_s) - 0.49))
        last = max(first, nearest_frame(tempo_map.position_at(last_s)) - 1)
        return tempo_map.place(first).bar, tempo_map.place(last).bar

    @property
    def selection(self) -> Selection | None:
        part = PARTS[self._bar.part.currentIndex()][1]
        return None if self.bars is None else Selection(*self.bars, part)

    @property
    def _frames(self) -> range | None:
        """Those of the loop; without one, all that there is."""
        session, state = self._model.session, self._model.player.state
        if session is None or state is None:
            return None
        if state.loop is None:
            return range(-(10**6), 10**9)
        first_s, last_s = state.loop
        at = session.tempo_map.position_at
        return range(nearest_frame(at(first_s)), nearest_frame(at(last_s)))

    def follow(self) -> None:
        """Show what is selected; called as often as the screen is drawn."""
        session, selection = self._model.session, self.selection
        shown = None
        if self._bar.isVisible() and session is not None and selection is not None:
            frames = selection.frames(session.tempo_map)
            at = session.tempo_map.seconds_at
            shown = (at(frames.start), at(frames.stop)), selection.chords, selection.melody
            self._bar.show_where(selection.words)
        if shown != self._shown:
            self._shown = shown
            self._roll.show_selection(shown)

    def toggle(self) -> None:
        """Show or hide the bar."""
        self._bar.setVisible(not self._bar.isVisible())
        if not self._bar.isVisible():
            self.edit_notes(False)
            self.discard()
        self.follow()

    def next_part(self) -> None:
        """Chords, melody, both."""
        part = self._bar.part
        part.setCurrentIndex((part.currentIndex() + 1) % part.count())
        self._model.told.emit(f"Compose again: {part.currentText().lower()}")

    def resize_selection(self, bars: int) -> None:
        """So many bars more, or less, at its end."""
        session, selected = self._model.session, self.bars
        if session is None or selected is None:
            return
        tempo_map = session.tempo_map
        first, last = selected
        end = tempo_map.bar_start(max(first, last + bars) + 1)
        at = tempo_map.seconds_at
        self._playback.set_loop((at(tempo_map.bar_start(first)), at(end)))

    def _on_drawn_on(self, part: str) -> None:
        """The loop was drawn on the lane of the chords, or among the notes."""
        if self._bar.isVisible():
            self._bar.part.show_value(part)

    # Composing

    def compose(self) -> None:
        """Open the bar; where it is open, have the selection composed again."""
        session, taken, selection = self._model.session, self._model.take, self.selection
        if session is None or taken is None or selection is None:
            return
        if not self._bar.isVisible():
            self.toggle()
            return
        if not self._tasks.can_compose:
            self._model.told.emit(NO_REWRITER)
            return
        bar = self._bar
        try:
            palette = read_palette(bar.palette_.text())
        except BadInput as error:
            self._news.tell(f"{error}.", alert=True)
            return
        self.discard()
        wish = RewriteWish(
            selection,
            bar.count.values[bar.count.currentIndex()],
            bar.share.values[bar.share.currentIndex()],
            bar.temperature.number(),
            bar.key.values[bar.key.currentIndex()],
            palette,
            secrets.randbelow(100_000),
        )

        def then(found: list[Proposal]) -> None:
            if self._model.session is None or self._model.take != taken:
                return
            if not found:
                self._news.tell(NOTHING_FREE)
                return
            self._news.hide()
            self.proposals, self._wish = found, wish
            frames = selection.frames(session.tempo_map)
            at = session.tempo_map.seconds_at
            self._playback.set_loop((at(frames.start), at(frames.stop)))
            self._roll.bring_into_sight(at(frames.start), at(frames.stop))
            self.choose(0)
            if not self._model.player.playing:
                self._playback.play_pause()

        self._tasks.compose(wish, taken.settings, then)

    def choose(self, number: int) -> None:
        """Hear and see this proposal; -1: what is there now."""
        if not self.proposals:
            self._model.told.emit(NO_PROPOSALS)
            return
        self.chosen = number
        self._bar.show_proposals([p.likelihood for p in self.proposals], number)
        self._model.preview(self.proposals[number].take if number >= 0 else None)

    def step(self, by: int) -> None:
        """The next proposal, or the one before; after the last comes what was there."""
        n = len(self.proposals) + 1
        self.choose((self.chosen + 1 + by) % n - 1)

    def accept(self) -> None:
        """Put the proposal into the take."""
        wish = self._wish
        if not 0 <= self.chosen < len(self.proposals) or wish is None:
            self._model.told.emit(NO_PROPOSALS)
            return
        take, made = self.proposals[self.chosen].take, made_by(wish)
        self._forget()
        self._edits.apply(f"{wish.selection.words} composed again", lambda _: take, made)

    def keep(self) -> None:
        """Keep the proposal as a take of its own."""
        wish, taken = self._wish, self._model.take
        if not 0 <= self.chosen < len(self.proposals) or wish is None or taken is None:
            self._model.told.emit(NO_PROPOSALS)
            return
        name = f"{wish.selection.words.capitalize()}, {wish.selection.part} {self.chosen + 1}"
        take = self.proposals[self.chosen].take
        self._forget()
        self._edits.keep(name, take, made_by(wish), taken.settings)

    def discard(self) -> None:
        """Leave everything as it was."""
        if self.proposals:
            self._forget()
            self._model.preview(None)

    def _forget(self) -> None:
        self.proposals, self.chosen, self._wish = [], -1, None
        self._bar.show_proposals(())

    def _on_front(self, _: bool) -> None:
        if self.proposals and not self._model.previews:
            self._forget()
        self._roll.select(None)
        if (taken := self._model.take) is not None:
            self._bar.show_levels(newest_levels(taken))

    # Levels

    def again(self, level: Level) -> None:
        """One level anew in the selection; those above it stay."""
        taken, frames, session = self._model.take, self._frames, self._model.session
        if taken is None or frames is None or session is None:
            return
        seed, where = secrets.randbelow(100_000), self._where
        settings, style = taken.settings, playable_style(taken.settings.accompaniment)
        if level == "sound":
            program = _CHORD_INSTRUMENTS[seed % len(_CHORD_INSTRUMENTS)]
            made = Made("sound", INSTRUMENTS[program], seed)
            changed = settings.changed(agent_program=program)
            self._edits.apply(made.words, lambda take: take, (made,), changed)
            return
        change = with_band if level == "texture" else with_performance
        words = f"{style.title}, {where}, seed {seed}"

        def anew(take: Take) -> Take:
            return change(take, _within(take, frames), settings, seed)

        self._edits.apply(f"{level} again", anew, (Made(level, words, seed),))

    @property
    def _where(self) -> str:
        state = self._model.player.state
        selection = self.selection
        whole = state is None or state.loop is None or selection is None
        return "everywhere" if whole or selection is None else selection.words

    # By hand

    def edit_notes(self, on: bool) -> None:
        """Notes and chords are moved with the mouse, or not any more."""
        if on and not self._bar.isVisible():
            self._bar.show()
        self._roll.edits_notes = on
        self._bar.show_notes_edited(on)
        if not on:
            self._roll.select(None)

    def toggle_notes(self) -> None:
        self.edit_notes(not self._roll.edits_notes)

    def quantise(self) -> None:
        """Draw the notes of the loop to the grid."""
        frames, grid = self._frames, self._bar.grid
        if frames is None:
            return
        strength, size = self._bar.strength.number(), grid.values[grid.currentIndex()]
        words = f"quantised, {self._where}"
        self._edits.apply(
            words,
            lambda take: by_hand.quantised(take, frames, strength, size),
            (Made("melody", words),),
        )

    def transpose(self, semitones: int) -> None:
        """Move the selected part of the loop up or down."""
        frames, taken = self._frames, self._model.take
        if frames is None or taken is None:
            return
        part = PARTS[self._bar.part.currentIndex()][1]
        words = f"transposed by {semitones:+d}, {self._where}"
        made = [Made(level, words) for level in ("melody", "chords") if part in (level, "both")]
        self._edits.apply(
            words,
            lambda take: by_hand.transposed(
                take, frames, semitones, taken.settings, taken.seed, part
            ),
            made,
        )

    def ask_chord(self, at_s: float | None = None) -> None:
        """Ask for the name of the chord at a place (None: the playhead)."""
        session, content = self._model.session, self._model.content
        if session is None or content is None:
            return
        at_s = self._model.player.position_s if at_s is None else at_s
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
                return by_hand.chord_deleted(take, frame, taken.settings, taken.seed)
            first = span.start if take.chords[span.start].chord is not None else beat
            frames = range(first, span.stop)
            return by_hand.chord_written(take, frames, chord, taken.settings, taken.seed)

        words = f"chord {text.strip()}" if text.strip() else "chord deleted"
        self._edits.apply(words, written, (Made("chords", "by hand"),))

    def _on_chord_edge(self, from_s: float, to_s: float) -> None:
        session, taken = self._model.session, self._model.take
        if session is None or taken is None:
            return
        at = session.tempo_map.position_at
        onset, to_frame = nearest_frame(at(from_s)), nearest_frame(at(to_s))
        if onset == to_frame:
            return
        self._edits.apply(
            "chord moved",
            lambda take: by_hand.chord_edge_moved(
                take, onset, to_frame, taken.settings, taken.seed
            ),
            (Made("chords", "by hand"),),
        )

    def _on_note(self, old: TimedNote, new: TimedNote | None) -> None:
        """A note was dragged: by whole frames, as early or late as it was."""
        session = self._model.session
        if session is None:
            return
        at = session.tempo_map.position_at
        by = 0.0 if new is None else round(at(new.start_s) - at(old.start_s))
        longer = 0.0
        if new is not None:
            longer = round(at(new.end_s) - at(old.end_s) - by)

        def change(note: Note) -> Note | None:
            if new is None:
                return None
            there = by_hand.moved(note, by, new.pitch - old.pitch)
            return by_hand.stretched(there, there.end_frame + longer) if longer else there

        self._change_note(old, "note deleted" if new is None else "note moved", change)

    def _change_note(
        self, old: TimedNote, words: str, change: Callable[[Note], Note | None]
    ) -> None:
        def changed(take: Take) -> Take:
            note = by_hand.note_near(take, old.part, old.pitch, old.start_s)
            return by_hand.note_changed(take, note, change(note))

        level: Level = "melody" if old.part == "player" else "texture"
        self._edits.apply(words, changed, (Made(level, "by hand"),))

    def _on_drawn(self, at_s: float, pitch: int) -> None:
        """A note of a beat was drawn."""
        session = self._model.session
        if session is None:
            return
        frame = max(0, int(session.tempo_map.position_at(at_s)))
        beat = session.tempo_map.meter_at(frame).frames_per_beat
        note = Note(float(frame), float(frame + beat), pitch, 80, "player")
        self._edits.apply(
            "note added", lambda take: by_hand.added(take, note), (Made("melody", "by hand"),)
        )

    def add_note(self) -> None:
        """A note at the playhead, as high as the one that is selected or the last one before."""
        content, at_s = self._model.content, self._model.player.position_s
        if content is None:
            return
        before = [n for n in content.notes if n.part == "player" and n.start_s <= at_s]
        selected = self._roll.selected
        pitch = selected.pitch if selected else before[-1].pitch if before else 67
        self._on_drawn(at_s, pitch)

    def select_note(self, by: int) -> None:
        """The next note of the player, or the one before."""
        content, selected = self._model.content, self._roll.selected
        if content is None:
            return
        notes = [note for note in content.notes if note.part == "player"]
        at_s = selected.start_s if selected else self._model.player.position_s
        later = [n for n in notes if n.start_s > at_s] if by > 0 else []
        earlier = [n for n in notes if n.start_s < at_s] if by < 0 else []
        if found := later[:1] or earlier[-1:]:
            self._roll.select(found[0])

    def change_note(self, frames: int = 0, semitones: int = 0, longer: int = 0) -> None:
        """Move or stretch the note that is selected."""
        selected, session = self._roll.selected, self._model.session
        if selected is None or session is None:
            self._model.told.emit(NO_NOTE)
            return

        def change(note: Note) -> Note:
            there = by_hand.moved(note, frames, semitones)
            return by_hand.stretched(there, there.end_frame + longer) if longer else there

        self._change_note(selected, "note changed", change)

    def delete_note(self) -> None:
        """Delete the note that is selected."""
        if (selected := self._roll.selected) is None:
            self._model.told.emit(NO_NOTE)
        else:
            self._on_note(selected, None)


def _within(take: Take, frames: range) -> range:
    return range(max(0, frames.start), min(frames.stop, len(take.chords)))
