"""Players whose errors are known: what the telling of a take is checked against."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from jam.messages.notes import PlayedNote
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter, TempoMap
from jam.music.rows import ChordState, MelodyState, Row
from jam.music.song import Bar, ChordAt, Song
from jam.music.tune import with_tune

CHORDS = tuple(
    Chord(root, quality) for root, quality in ((0, "maj"), (9, "min"), (2, "min"), (7, "7"))
)
"""C Am Dm G7, a bar each, round and round."""
_STEPS = (0, 1, 2, 1)
_EXTRA = 10_000
"""Added to the number of a note: that of the one that is added after it."""


@dataclass(frozen=True, slots=True)
class Player:
    """What somebody does to the beat and to the notes.

    late_ms: always. jitter_ms: standard deviation around that. drag_bar, drag_ms: from that bar on
    (from 0) so much later with every bar. beat_ms: (beat from 1, ms) of one beat alone. swing:
    where the second eighth falls. wrong: numbers of notes that are a semitone off. missed: numbers
    of notes that are left out. added: after these notes another one, a sixteenth later.
    """

    late_ms: float = 0.0
    jitter_ms: float = 8.0
    drag_bar: int | None = None
    drag_ms: float = 0.0
    beat_ms: tuple[int, float] | None = None
    swing: float = 0.5
    wrong: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    bars: int = 16
    bpm: float = 110.0
    seed: int = 0


def played(player: Player) -> tuple[list[PlayedNote], TempoMap, list[Row]]:
    """Eighths over CHORDS, every note of its chord but the wrong ones; notes, tempo map, rows."""
    dice = random.Random(player.seed)
    meter = Meter(4, 4)
    tempo_map = TempoMap.constant(player.bpm, meter)
    notes: list[PlayedNote] = []
    rows: list[Row] = []
    for bar in range(player.bars):
        chord = CHORDS[bar % len(CHORDS)]
        tones = chord.pitch_classes
        for eighth in range(8):
            beat, off = divmod(eighth, 2)
            frame = bar * 16 + 4 * (beat + (player.swing if off else 0.0))
            late_ms = player.late_ms + dice.gauss(0.0, player.jitter_ms)
            if player.drag_bar is not None:
                late_ms += player.drag_ms * max(0, bar - player.drag_bar + 1)
            if player.beat_ms is not None and (beat + 1, off) == (player.beat_ms[0], 0):
                late_ms += player.beat_ms[1]
            number = 8 * bar + eighth
            pitch = _pitch(bar, eighth)
            if number in player.wrong:
                pitch = 60 + next(p for p in (1, 3, 6, 8, 10) if p not in tones)
            at_s = tempo_map.seconds_at(frame) + late_ms / 1000
            if number not in player.missed:
                notes.append(PlayedNote(number, pitch, 70, at_s, at_s + 0.15))
            if number in player.added:
                at_s += tempo_map.frame_s_at(frame)
                notes.append(PlayedNote(_EXTRA + number, pitch + 2, 70, at_s, at_s + 0.1))
        states = [ChordState(chord, f == 0) for f in range(16)]
        rows += [Row(MelodyState(60 + tones[0], f % 2 == 0), s) for f, s in enumerate(states)]
    return notes, tempo_map, rows


def _pitch(bar: int, eighth: int) -> int:
    tones = CHORDS[bar % len(CHORDS)].pitch_classes
    return 60 + tones[_STEPS[(eighth + bar) % 4] % len(tones)]


def the_tune(bars: int = 16) -> Song:
    """What the players play, as it is written: a song of so many bars with its melody."""
    song = Song(tuple(Bar((ChordAt(0, Symbol(c.symbol)),)) for c in CHORDS * (bars // len(CHORDS))))
    eighths = [(16.0 * bar + 2 * i, bar, i) for bar in range(bars) for i in range(8)]
    notes = [(at, at + 2, _pitch(bar, i), 70) for at, bar, i in eighths]
    return with_tune(song, notes, TempoMap.constant(110.0, Meter(4, 4)), 0)


def put_in(numbers: Sequence[int], later: float = 0.0) -> Sequence[tuple[int, float]]:
    """(bar from 0, beat from 1) of notes by their numbers, or so many beats after them."""
    return [(n // 8, 1 + (n % 8) / 2 + later) for n in numbers]


def wrong_at(player: Player) -> Sequence[tuple[int, float]]:
    """(bar from 0, beat from 1) of the wrong notes that were put in."""
    return put_in(player.wrong)
