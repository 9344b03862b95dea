"""What a jam leaves behind: its notes as MIDI or WAV, its chords as a chart of bars."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jam.accompaniment import playable_style
from jam.errors import BadInput
from jam.grid import TempoMap
from jam.messages import PedalEvent, SessionLog, TimedNote
from jam.midi_file import Part, PartNote, write_midi
from jam.mix import mix
from jam.rows import ChordState
from jam.settings import JamSettings
from jam.synth import CHANNELS
from jam.wav import WavPedal, write_wav

_TRACKS = (("player", "Melody"), ("chords", "Chords"), ("bass", "Bass"), ("drums", "Drums"))


@dataclass(frozen=True, slots=True)
class Take:
    """A finished piece of music: notes of every part in frames, and the chord of every frame."""

    tempo_map: TempoMap
    parts: dict[str, tuple[PartNote, ...]]
    """By the part's name: "player", "chords", …"""
    chords: tuple[ChordState, ...]
    pedals: tuple[tuple[float, bool], ...] = ()
    """The player's sustain pedal: (frame, down)."""

    def timed_notes(self) -> list[TimedNote]:
        """The notes of all parts in seconds of the tempo map, part by part."""
        at = self.tempo_map.seconds_at
        return [
            TimedNote(part, n.pitch, n.velocity, at(n.start_frame), at(n.end_frame))
            for part, notes in self.parts.items()
            for n in notes
        ]


def check_output(path: str, suffixes: Sequence[str]) -> Path:
    """The path of a file to be written. Raises BadInput for another suffix or a missing folder."""
    file = Path(path)
    if file.suffix.lower() not in suffixes:
        raise BadInput(f"{file}: the name must end in {' or '.join(suffixes)}")
    if not file.parent.is_dir():
        raise BadInput(f"{file}: no such folder: {file.parent}")
    return file


def write_take(path: str | os.PathLike[str], take: Take, settings: JamSettings) -> None:
    """Write a take as MIDI (type 1, chord names as markers) or, by the name, as WAV."""
    if str(path).lower().endswith(".wav"):
        write_take_wav(Path(path), take, settings)
        return
    voices = mix(settings, playable_style(settings.accompaniment))
    parts = [
        Part(
            name,
            voices[part].program,
            CHANNELS[part],
            take.parts.get(part, ()),
            take.pedals if part == "player" else (),
        )
        for part, name in _TRACKS
        if take.parts.get(part) or part in ("player", "chords")
    ]
    markers = [
        (float(frame), state.chord.symbol if state.chord else "N.C.")
        for frame, state in enumerate(take.chords)
        if state.onset or (frame and state.chord is None and take.chords[frame - 1].chord)
    ]
    write_midi(path, parts, take.tempo_map, markers)


def write_take_wav(
    path: Path,
    take: Take,
    settings: JamSettings,
    with_stems: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write a take's sound, and beside it, on demand, each part alone ("jam-chords.wav"); their
    sum is the mix. Returns the files. `progress` as in `write_wav`.
    """
    voices = mix(settings, playable_style(settings.accompaniment))
    at = take.tempo_map.seconds_at
    start_s = min([at(0.0), *(note.start_s for note in take.timed_notes())])
    notes = [
        replace(n, start_s=n.start_s - start_s, end_s=n.end_s - start_s) for n in take.timed_notes()
    ]
    stems = {
        part: path.with_name(f"{path.stem}-{name.lower()}{path.suffix}")
        for part, name in _TRACKS
        if with_stems and take.parts.get(part)
    }
    write_wav(
        path,
        notes,
        {part: voice.volume for part, voice in voices.items()},
        {part: voice.program for part, voice in voices.items()},
        [WavPedal("player", down, at(frame) - start_s) for frame, down in take.pedals],
        stems,
        progress,
    )
    return [path, *stems.values()]


def chart_cells(
    chords: Sequence[ChordState], tempo_map: TempoMap, first_frame: int = 0
) -> list[str]:
    """One text a bar: a name where a chord begins, a dot on a beat where it goes on.

    first_frame: the bar line at which the chords given begin.
    """
    bars: list[list[str]] = []
    for frame, state in enumerate(chords, first_frame):
        place = tempo_map.place(frame)
        if place.frame_in_bar == 0:
            bars.append([])
        if state.onset and state.chord is not None:
            bars[-1].append(state.chord.symbol)
        elif place.strength:
            bars[-1].append("." if state.chord is not None else "-")
    return [" ".join(beats) for beats in bars]


def chord_chart(chords: Sequence[ChordState], tempo_map: TempoMap, bars_a_line: int = 4) -> str:
    """The chords by bar as a lead sheet shows them."""
    cells = chart_cells(chords, tempo_map)
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
        self._notes: dict[str, list[PartNote]] = {}
        self._open: dict[tuple[str, int], tuple[float, int, int]] = {}
        self.tempo_map: TempoMap | None = None
        """None before the first session."""
        self._pedals: list[tuple[float, bool]] = []
        self.chords: list[ChordState] = []

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
        for event in log.played:
            if isinstance(event, PedalEvent):
                self._pedals.append((log.tempo_map.position_at(event.at_s), event.down))
            else:
                self._note("player", event.note_id, event.pitch, event.velocity, event.at_s)
        for sounded in log.sounded:
            if sounded.part == "metronome":
                continue
            self._note(
                sounded.part, sounded.note_id, sounded.pitch, sounded.velocity,
                sounded.sent_s + sounded.lead_s,
            )  # fmt: skip

    def _note(self, part: str, note_id: int, pitch: int, velocity: int, at_s: float) -> None:
        assert self.tempo_map is not None
        position = self.tempo_map.position_at(at_s)
        if velocity:
            self._open[part, note_id] = (position, pitch, velocity)
        elif (began := self._open.pop((part, note_id), None)) is not None:
            start, pitch, loud = began
            self._notes.setdefault(part, []).append(PartNote(start, position, pitch, loud))

    def take(self) -> Take:
        """What was recorded so far. A note that is still held ends a beat after the last row."""
        tempo_map = self.tempo_map or TempoMap.constant(100.0, JamSettings().meter)
        parts = {part: list(notes) for part, notes in self._notes.items()}
        end = len(self.chords) + tempo_map.meter_at(len(self.chords)).frames_per_beat
        for (part, _), (start, pitch, velocity) in self._open.items():
            parts.setdefault(part, []).append(PartNote(start, max(end, start + 1), pitch, velocity))
        return Take(
            tempo_map,
            {part: tuple(sorted(notes, key=_start)) for part, notes in parts.items()},
            tuple(self.chords),
            tuple(self._pedals),
        )


def _start(note: PartNote) -> float:
    return note.start_frame
