"""POP909: performed pop songs, with beats and chords as text beside the MIDI file.

Wang et al., "POP909: a pop-song dataset for music arrangement generation" (ISMIR 2020). A
folder a song: `NNN.mid` with a track MELODY, `beat_midi.txt` (seconds, first beat of a group of
two or three, first beat of the bar), `chord_midi.txt` (start s, end s, chord after Harte).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from jam.errors import BadInput
from jam.files import decoded
from jam.midi.smf import RawSong, parse_smf
from jam.music.grid import Meter
from jam.music.harte import parse_harte
from jam.music.swing import straightened
from models.corpora.draft import Draft, DraftChord, DraftNote
from models.corpora.files import Files

NAME = "pop909"
_LONGEST_BAR_BEATS = 5
_MAX_LINES = 20_000
"""Of beats, of chords."""


def pieces(files: Files) -> list[str]:
    """The folders, each a song."""
    return sorted({p.split("/")[-2] for p in files.paths("beat_midi.txt") if "/" in p})


def read(files: Files, piece: str) -> Iterator[Draft]:
    """The one draft of a song. Raises BadInput."""
    beats = _table(files, f"{piece}/beat_midi.txt")
    chords = _table(files, f"{piece}/chord_midi.txt")
    try:
        times_s = [float(row[0]) for row in beats]
        groups = [i for i, row in enumerate(beats) if float(row[1]) > 0]
        downbeats = [i for i, row in enumerate(beats) if float(row[2]) > 0]
        changes = [(float(row[0]), row[2]) for row in chords]
        if not all(map(math.isfinite, [*times_s, *(at_s for at_s, _ in changes)])):
            raise ValueError
    except (ValueError, IndexError):
        raise BadInput("beat_midi.txt or chord_midi.txt: damaged line") from None
    if len(times_s) < 2 or not all(b > a for a, b in pairwise(times_s)):
        raise BadInput("beat_midi.txt: the beats are not in order")
    # The last column groups by four or six beats; songs in three are told by the column before.
    group_sizes = Counter(b - a for a, b in pairwise(groups)).most_common(1)
    triple = bool(group_sizes) and group_sizes[0][0] == 3
    bars, pad_beats = bars_of_beats(len(times_s), groups if triple else downbeats)

    def beat_at(at_s: float) -> float:
        beat = min(max(bisect_right(times_s, at_s) - 1, 0), len(times_s) - 2)
        length_s = times_s[beat + 1] - times_s[beat]
        return pad_beats + beat + (at_s - times_s[beat]) / length_s

    melody = melody_notes_s(parse_smf(files.read(f"{piece}/{piece}.mid")))
    in_beats = [(beat_at(start), beat_at(end), pitch) for start, end, pitch in melody]
    frames_per_beat, notes = straight_or_triplets(in_beats)
    draft = Draft(
        NAME,
        piece,
        bars=[Meter(3 * size, 8) if frames_per_beat == 6 else Meter(size, 4) for size in bars],
        notes=[DraftNote(s * frames_per_beat, e * frames_per_beat, p) for s, e, p in notes],
        chords=[],
        style="pop",
        bpm=round(60 / median(b - a for a, b in pairwise(times_s)), 2),
    )
    for at_s, label in changes:
        try:
            chord, _ = parse_harte(label)
        except ValueError:
            draft.dropped["chords not read"] += 1
            continue
        draft.chords.append(DraftChord(round(beat_at(at_s)) * frames_per_beat, chord, label))
    yield draft


def _table(files: Files, path: str) -> list[list[str]]:
    lines = decoded(files.read(path)).splitlines()
    if len(lines) > _MAX_LINES:
        raise BadInput(f"{path}: more than {_MAX_LINES} lines")
    return [line.split(maxsplit=3) for line in lines if line.strip()]


def bars_of_beats(n_beats: int, downbeats: list[int]) -> tuple[list[int], int]:
    """The size of every bar in beats, and how many silent beats to put before the first beat.

    What stands before the first downbeat becomes the end of a whole bar. A bar longer than five
    beats is one whose downbeat was not marked: it is cut into bars of the usual size.
    """
    sizes = [b - a for a, b in pairwise(downbeats)]
    usual = Counter(sizes).most_common(1)[0][0] if sizes else 4
    usual = usual if usual <= _LONGEST_BAR_BEATS else 4
    lead = downbeats[0] if downbeats else 0
    pad = -lead % usual
    bars = [usual] * ((lead + pad) // usual)
    for size in [*sizes, n_beats - lead - sum(sizes)]:
        left = size
        while left > _LONGEST_BAR_BEATS:
            bars.append(usual)
            left -= usual
        if left:
            bars.append(left)
    bars[-1] = max(bars[-1], usual)  # the last bar is filled with silence
    return bars, pad


def melody_notes_s(song: RawSong) -> list[tuple[float, float, int]]:
    """(start_s, end_s, pitch) of the track MELODY. Raises BadInput without one."""
    if "MELODY" not in song.track_names:
        raise BadInput("no track MELODY")
    track = song.track_names.index("MELODY")
    tempos = sorted(song.tempos)
    if not tempos or tempos[0][0] > 0:
        tempos.insert(0, (0, 500_000))
    starts_s = [0.0]
    for (tick, tempo), (next_tick, _) in pairwise(tempos):
        starts_s.append(starts_s[-1] + (next_tick - tick) * tempo / 1e6 / song.ticks_per_quarter)
    ticks = [tick for tick, _ in tempos]

    def seconds(tick: int) -> float:
        i = bisect_right(ticks, tick) - 1
        return starts_s[i] + (tick - ticks[i]) * tempos[i][1] / 1e6 / song.ticks_per_quarter

    return [
        (seconds(n.start_tick), seconds(n.end_tick), n.pitch)
        for n in song.notes
        if n.track == track
    ]


Note = tuple[float, float, int]
"""(start, end, pitch), in beats."""

_NEAR = 0.05

_TRIPLET_SHARE = 0.5


def straight_or_triplets(notes: Sequence[Note]) -> tuple[int, list[Note]]:
    """Frames a beat (4, or 6 where most onsets off the beat are triplets), and the notes.

    Where the late eighth is the only triplet place in use, the beat is swung: it stays at 4
    frames and the notes are straightened.
    """
    places = [start % 1.0 for start, _, _ in notes]
    first, half, late, quarters = (
        sum(any(abs(p - place) < _NEAR for place in at) for p in places)
        for at in ((1 / 3, 1 / 6), (1 / 2,), (2 / 3, 5 / 6), (1 / 4, 3 / 4))
    )
    off_beat = first + half + late + quarters
    if not off_beat or (first + late) / off_beat < _TRIPLET_SHARE:
        return 4, list(notes)
    if first > late / 4:
        return 6, list(notes)
    return 4, [(straightened(s), straightened(e), p) for s, e, p in notes]
