"""What must be remembered of the rows before one, for one session: as `models.decoding.decoder` has
it for many, in a tenth of the time."""

from __future__ import annotations

from functools import lru_cache

from jam.music.grid import Place
from jam.music.rows import LOWEST_PITCH, Row, fold_pitch
from models.network import vocab

Memory = tuple[int, ...]
"""What must be remembered of the rows before one, as in the decoder, for one session."""
NO_MEMORY: Memory = (0, 0, 0, -1, 0, 0, -1, 0)


def remembered(memory: Memory, row: Row) -> Memory:
    """`models.decoding.decoder.remember` for one session: a tenth of the time."""
    pitch = 0 if row.melody.pitch is None else fold_pitch(row.melody.pitch)
    chord = vocab.chord_index(row.chord)
    before, last, _, melody_age, _, chord_before, chord_age, _ = memory
    onset = pitch != 0 and (row.melody.onset or pitch != before)
    interval = 0
    if onset and last > 0:
        reach = vocab.MAX_INTERVAL
        interval = min(max(pitch - last, -reach), reach) + reach + 1
    chord_onset = chord != 0 and (row.chord.onset or chord != chord_before)
    return (
        pitch,
        pitch if onset else last,
        interval,
        0 if onset or pitch != before else melody_age + 1,
        int(onset),
        chord,
        0 if chord_onset or chord != chord_before else chord_age + 1,
        int(chord_onset),
    )


def features(memory: Memory) -> tuple[int, ...]:
    """`models.decoding.decoder.memory_features` for one session, in the order of `vocab`."""
    pitch, _, interval, melody_age, onset, chord, chord_age, chord_onset = memory
    return (
        onset * 13 + (1 + pitch % 12 if pitch else 0),
        1 + (pitch - LOWEST_PITCH) // 6 if pitch else 0,
        interval,
        min(max(melody_age, 0), vocab.MAX_MELODY_AGE - 1),
        chord,
        min(max(chord_age, 0), vocab.MAX_CHORD_AGE - 1),
        chord_onset,
    )


@lru_cache(maxsize=1024)
def place_features(place: Place) -> tuple[int, ...]:
    """The features of a place in the metre, in the order of `vocab`, with bars counted on."""
    meter = place.meter
    return (
        place.frame_in_bar,
        meter.frames_per_bar,
        meter.frames_per_beat,
        place.frame_in_bar % meter.frames_per_beat,
        place.strength,
        place.bar,
    )
