"""What a jam leaves behind: its notes as MIDI or WAV, its chords as a chart of bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from jam.messages.notes import (
    CONTROLLER,
    Expression,
    ExpressionEvent,
    Note,
    PedalEvent,
    TimedExpression,
    TimedNote,
    by_part,
)
from jam.messages.snapshot import SessionLog, SongChange
from jam.midi.numbers import SUSTAIN
from jam.music.chord import pitch_name
from jam.music.grid import TempoMap, nearest_frame
from jam.music.rows import ChordState
from jam.performance.song_line import SongInPlay, symbols_of
from jam.settings import JamSettings


@dataclass(frozen=True, slots=True)
class Take:
    """A finished piece of music: notes of every part in frames, and the chord of every frame."""

    tempo_map: TempoMap
    parts: Mapping[str, Sequence[Note]]
    """By the part's name: "player", "chords", …"""
    chords: tuple[ChordState, ...]
    pedals: tuple[tuple[float, bool], ...] = ()
    """The player's sustain pedal: (frame, down)."""
    expression: tuple[tuple[float, Expression], ...] = ()
    """What else the player moved: (frame, control)."""
    symbols: tuple[tuple[int, str], ...] = ()
    """(frame, chord symbol as it was written) where a file had chords, which are a reduction."""
    signature: tuple[int, bool] | None = None
    """The key signature of that file: (sharps or minus flats, minor)."""

    def markers(self) -> list[tuple[float, str]]:
        """(frame, symbol) wherever a chord begins or none does: as written, else as reduced."""
        written = dict(self.symbols)
        return [
            (float(frame), written.get(frame) or (state.chord.symbol if state.chord else "N.C."))
            for frame, state in enumerate(self.chords)
            if frame in written
            or state.onset
            or (frame and state.chord is None and self.chords[frame - 1].chord)
        ]

    def timed_notes(self) -> Iterator[TimedNote]:
        """The notes of all parts in seconds of the tempo map, part by part."""
        at = self.tempo_map.seconds_at
        for notes in self.parts.values():
            for n in notes:
                yield TimedNote(n.part, n.pitch, n.velocity, at(n.start_frame), at(n.end_frame))

    def timed_expression(self) -> list[TimedExpression]:
        """What the player moved, the sustain pedal too, in seconds of the tempo map."""
        pedals = [(f, Expression(CONTROLLER, SUSTAIN, 127 * down)) for f, down in self.pedals]
        moved = sorted([*pedals, *self.expression], key=itemgetter(0))
        at = self.tempo_map.seconds_at
        return [TimedExpression(expression, at(frame)) for frame, expression in moved]


def on_the_grid(
    events: Iterable[ExpressionEvent], tempo_map: TempoMap
) -> tuple[tuple[float, Expression], ...]:
    """Controls in frames of a tempo map."""
    return tuple((tempo_map.position_at(event.at_s), event.expression) for event in events)


def live_symbols(
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    songs: Iterable[SongChange],
    first_frame: int = 0,
) -> tuple[tuple[int, str], ...]:
    """(frame, symbol) wherever a song had a chord written; the songs as they were recorded.

    first_frame: that of the first chord.
    """
    played = [
        (tempo_map.position_at(change.at_s), SongInPlay(change.song, change.first_bar))
        for change in songs
        if change.song is not None
    ]
    return symbols_of(chords, tempo_map, played, first_frame)


def chart_cells(
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    first_frame: int = 0,
    symbols: Iterable[tuple[int, str]] = (),
) -> list[str]:
    """One text a bar: a name where a chord begins, a dot on a beat where it goes on.

    first_frame: the bar line at which the chords given begin. symbols: as in `Take`.
    """
    written = dict(symbols)
    bars: list[list[str]] = []
    for frame, state in enumerate(chords, first_frame):
        place = tempo_map.place(frame)
        if place.frame_in_bar == 0:
            bars.append([])
        if state.onset and state.chord is not None:
            bars[-1].append(written.get(frame) or state.chord.symbol)
        elif place.strength:
            bars[-1].append("." if state.chord is not None else "-")
    return [" ".join(beats) for beats in bars]


def melody_cells(notes: Iterable[Note], tempo_map: TempoMap, frames: range) -> list[str]:
    """One text a bar: the notes that begin in it, by name; "-" where none does."""
    bars: dict[int, list[str]] = {tempo_map.place(frame).bar: [] for frame in frames}
    for note in notes:
        frame = nearest_frame(note.start_frame)
        if frame in frames:
            bars[tempo_map.place(frame).bar].append(pitch_name(note.pitch))
    return [" ".join(names) or "-" for names in bars.values()]


def chord_chart(take: Take, bars_a_line: int = 4) -> str:
    """The chords by bar as a lead sheet shows them."""
    cells = chart_cells(take.chords, take.tempo_map, 0, take.symbols)
    if not cells:
        return "(no bar was played)"
    width = max(len(cell) for cell in cells)
    lines = []
    for first in range(0, len(cells), bars_a_line):
        row = " | ".join(cell.ljust(width) for cell in cells[first : first + bars_a_line])
        lines.append(f"{first + 1:>4} | {row} |")
    return "\n".join(lines)


class Recorder:
    """Gathers the logs of a session, to be written when it is over."""

    def __init__(self) -> None:
        self._session = 0
        self._clear()

    def _clear(self) -> None:
        self._notes: list[Note] = []
        self._open: dict[tuple[str, int], tuple[float, int, int]] = {}
        self.tempo_map: TempoMap | None = None
        """None before the first session."""
        self._pedals: list[tuple[float, bool]] = []
        self._controls: list[tuple[float, Expression]] = []
        self.chords: list[ChordState] = []
        self._songs: list[SongChange] = []

    def symbols(self, first: int = 0, end: int | None = None) -> tuple[tuple[int, str], ...]:
        """As in `Take`, of the frames from `first` to before `end`."""
        if self.tempo_map is None:
            return ()
        return live_symbols(self.chords[first:end], self.tempo_map, self._songs, first)

    def take_log(self, log: SessionLog) -> None:
        """Add a log. A new session's first log drops the one before."""
        if log.tempo_map is None:
            return
        if log.session != self._session:
            self._session = log.session
            self._clear()
        self.tempo_map = log.tempo_map
        for frame, row in log.rows:
            assert frame == len(self.chords)
            self.chords.append(row.chord)
        self._songs += log.songs
        for event in log.played:
            if isinstance(event, PedalEvent):
                self._pedals.append((log.tempo_map.position_at(event.at_s), event.down))
            elif isinstance(event, ExpressionEvent):
                self._controls += on_the_grid((event,), log.tempo_map)
            else:
                self._note("player", event.note_id, event.pitch, event.velocity, event.at_s)
        for sounded in log.sounded:
            if sounded.part == "metronome":
                continue
            self._note(
                sounded.part,
                sounded.note_id,
                sounded.pitch,
                sounded.velocity,
                sounded.sent_s + sounded.lead_s,
            )

    def _note(self, part: str, note_id: int, pitch: int, velocity: int, at_s: float) -> None:
        assert self.tempo_map is not None
        position = self.tempo_map.position_at(at_s)
        if velocity:
            self._open[part, note_id] = (position, pitch, velocity)
        elif (began := self._open.pop((part, note_id), None)) is not None:
            start, pitch, loud = began
            self._notes.append(Note(start, position, pitch, loud, part))

    def take(self) -> Take:
        """What was recorded so far. A note that is still held ends a beat after the last row."""
        tempo_map = self.tempo_map or TempoMap.constant(100.0, JamSettings().meter)
        end = len(self.chords) + tempo_map.meter_at(len(self.chords)).frames_per_beat
        held = [
            Note(start, max(end, start + 1), pitch, velocity, part)
            for (part, _), (start, pitch, velocity) in self._open.items()
        ]
        return Take(
            tempo_map,
            by_part(sorted([*self._notes, *held], key=_start)),
            tuple(self.chords),
            tuple(self._pedals),
            tuple(self._controls),
            self.symbols(),
        )


def _start(note: Note) -> float:
    return note.start_frame
