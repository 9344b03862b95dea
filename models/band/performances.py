"""Performances as the band needs them: notes on the grid of beats, timing and touch as played.

Three corpora, each in its own folder: `groove` (drums to a click: Gillick et al., "Learning to
groove with inverse sequence transformations", 2019), `pop909` (the tracks PIANO of Wang et al.,
"POP909", 2020) and `wjd` (the bass on the beats of Pfleiderer et al., "Inside the Jazzomat",
2017: a pitch and the time of each beat, no loudness).
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median

from jam.errors import BadInput
from jam.messages.notes import Note
from jam.midi.smf import RawSong, parse_smf
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import Meter, nearest_frame
from jam.music.harte import parse_harte
from models.data.leadsheet import split_of


@dataclass(frozen=True, slots=True)
class Performance:
    """One part of a piece, from bar line to bar line. Frame 0 is a bar line.

    chords: one a frame where the corpus has them. tags: the corpus's words for the style.
    melody: what was played or sung over it, where the corpus has it.
    """

    corpus: str
    piece: str
    tags: str
    bpm: float
    meter: Meter
    notes: tuple[Note, ...]
    chords: tuple[Chord | None, ...] = ()
    melody: tuple[Note, ...] = ()

    @property
    def split(self) -> str:
        return split_of(self.corpus, self.piece)

    @property
    def frame_ms(self) -> float:
        return 60_000 / (self.bpm * self.meter.frames_per_beat)

    def bars(self) -> dict[int, list[Note]]:
        """The notes of every bar that has any, by the bar's number."""
        length = self.meter.frames_per_bar
        return {
            n: list(of)
            for n, of in groupby(self.notes, lambda note: nearest_frame(note.start_frame) // length)
        }


def groove(folder: Path, kind: str = "beat") -> Iterator[Performance]:
    """The drummers' beats or ("fill") fills. Velocity and timing are those of the kit."""
    with (folder / "info.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["beat_type"] == kind]
    for row in rows:
        path = folder / row["midi_filename"]
        if not path.is_file():
            continue
        song = parse_smf(path.read_bytes())
        per_frame = song.ticks_per_quarter / 4
        notes = (
            Note(n.start_tick / per_frame, n.end_tick / per_frame, n.pitch, n.velocity)
            for n in song.notes
        )
        meter = Meter.parse(row["time_signature"].replace("-", "/"))
        quarter_bpm = float(row["bpm"])
        yield Performance(
            "groove",
            Path(row["midi_filename"]).stem,
            row["style"],
            quarter_bpm * 4 / meter.frames_per_beat,
            meter,
            _ordered(notes),
        )


def pop909(folder: Path) -> Iterator[Performance]:
    """The pianos of the songs, on the beats that the corpus gives: the longest stretch in 4/4."""
    for song in sorted(p for p in folder.iterdir() if (p / "beat_midi.txt").is_file()):
        try:
            yield _pop909_song(song)
        except (BadInput, ValueError, IndexError):
            continue


def _pop909_song(song: Path) -> Performance:
    rows = [line.split() for line in (song / "beat_midi.txt").read_text().splitlines()]
    times = [float(row[0]) for row in rows]
    downbeats = [i for i, row in enumerate(rows) if float(row[2]) > 0]
    first, n_beats = _longest_in_four(downbeats)
    midi = parse_smf((song / f"{song.name}.mid").read_bytes())
    seconds_at = _seconds(midi)

    def frame_at(at_s: float) -> float:
        beat = min(max(bisect_right(times, at_s) - 1, 0), len(times) - 2)
        return 4 * (beat - first + (at_s - times[beat]) / (times[beat + 1] - times[beat]))

    def track(name: str) -> tuple[Note, ...]:
        number = midi.track_names.index(name)
        found = []
        for n in midi.notes:
            if n.track == number:
                start, end = frame_at(seconds_at(n.start_tick)), frame_at(seconds_at(n.end_tick))
                found.append(Note(start, end, n.pitch, n.velocity))
        return _ordered(n for n in found if 0 <= nearest_frame(n.start_frame) < 4 * n_beats)

    chords: list[Chord | None] = [None] * (4 * n_beats)
    for line in (song / "chord_midi.txt").read_text().splitlines():
        start_s, end_s, label = line.split()[:3]
        try:
            chord = parse_harte(label)[0]
        except ValueError:
            continue
        for frame in range(round(frame_at(float(start_s))), round(frame_at(float(end_s)))):
            if 0 <= frame < len(chords):
                chords[frame] = chord
    return Performance(
        "pop909",
        song.name,
        "pop",
        60 / median(b - a for a, b in pairwise(times)),
        Meter(4, 4),
        track("PIANO"),
        tuple(chords),
        track("MELODY"),
    )


def _longest_in_four(downbeats: list[int]) -> tuple[int, int]:
    """The first beat and the number of beats of the longest run of bars of four beats."""
    best = (0, 0)
    start = downbeats[0]
    for before, beat in pairwise(downbeats):
        if beat - before != 4:
            start = beat
        best = max(best, (beat - start, start))
    return best[1], best[0]


def _seconds(song: RawSong) -> Callable[[int], float]:
    """Tick to seconds."""
    tempos = sorted(song.tempos)
    if not tempos or tempos[0][0] > 0:
        tempos.insert(0, (0, 500_000))
    ticks = [tick for tick, _ in tempos]
    starts_s = [0.0]
    for (tick, tempo), (following, _) in pairwise(tempos):
        starts_s.append(starts_s[-1] + (following - tick) * tempo / 1e6 / song.ticks_per_quarter)

    def seconds(tick: int) -> float:
        i = bisect_right(ticks, tick) - 1
        return starts_s[i] + (tick - ticks[i]) * tempos[i][1] / 1e6 / song.ticks_per_quarter

    return seconds


def weimar(folder: Path, feels: tuple[str, ...] = ("SWING",)) -> Iterator[Performance]:
    """The bass lines of the solos in 4/4 of those rhythmic feels, a note a beat.

    Each note starts where its beat was marked: against the straight line through the beats
    within four of it, which is what the grid is here.
    """
    with (folder / "solos.csv").open(encoding="utf-8", newline="") as table:
        solos = {row["id"]: row for row in csv.DictReader(table)}
    melodies: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "events.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            melodies[row["id"]].append(row)
    with (folder / "beats.csv").open(encoding="utf-8", newline="") as table:
        for piece, rows in groupby(csv.DictReader(table), lambda row: row["id"]):
            solo = solos.get(piece)
            if solo is None or solo["rhythmfeel"] not in feels or solo["signature"] != "4/4":
                continue
            found = _weimar_solo(piece, solo, list(rows), melodies[piece])
            if found is not None:
                yield found


def weimar_swing(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Solos that swing: (id, quarters a minute, long eighth to short eighth, the median).

    Of the beats with two notes of which the first is on the beat.
    """
    with (folder / "solos.csv").open(encoding="utf-8", newline="") as table:
        swinging = {r["id"] for r in csv.DictReader(table) if r["rhythmfeel"] == "SWING"}
    beats: dict[str, list[float]] = defaultdict(list)
    notes: dict[str, list[float]] = defaultdict(list)
    for name, found in (("beats.csv", beats), ("events.csv", notes)):
        with (folder / name).open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                found[row["id"]].append(float(row["onset"]))
    for piece in sorted(swinging & beats.keys()):
        ratios = []
        onsets = sorted(notes[piece])
        for begin, end in pairwise(sorted(beats[piece])):
            near = (end - begin) / 8
            inside = onsets[bisect_left(onsets, begin - near) : bisect_left(onsets, end - near)]
            if len(inside) == 2 and abs(inside[0] - begin) < near:
                off = (inside[1] - inside[0]) / (end - begin)
                if 0.4 < off < 0.85:
                    ratios.append(off / (1 - off))
        if len(ratios) >= 20:
            beat_s = median(b - a for a, b in pairwise(sorted(beats[piece])))
            yield piece, 60 / beat_s, median(ratios)


def _weimar_solo(
    piece: str, solo: dict[str, str], rows: list[dict[str, str]], events: list[dict[str, str]]
) -> Performance | None:
    first = min(int(row["bar"]) for row in rows)
    times = {4 * (int(r["bar"]) - first) + int(r["beat"]) - 1: float(r["onset"]) for r in rows}
    n_beats = max(times) + 1
    beat_s = median(b - a for a, b in pairwise(times[beat] for beat in sorted(times)))
    chords: list[Chord | None] = [None] * (4 * n_beats)
    notes = []
    chord: Chord | None = None
    for row in rows:
        beat = 4 * (int(row["bar"]) - first) + int(row["beat"]) - 1
        label = (row["chord"] or "").strip()
        if label:
            try:
                chord = parse_symbol(label)[0]
            except ValueError:
                chord = None
        chords[4 * beat : 4 * beat + 4] = [chord] * 4
        if row["bass"].isdigit():
            late = _residual_s(times, beat) / beat_s * 4
            notes.append(Note(4 * beat + late, 4 * beat + 4.0, int(row["bass"]), 0))
    if not notes:
        return None
    melody = []
    for event in events:
        beat = 4 * (int(event["bar"]) - first) + int(event["beat"]) - 1
        start = 4 * (beat + (int(event["tatum"]) - 1) / int(event["division"]))
        if 0 <= start < len(chords):
            melody.append(Note(start, start + 1.0, round(float(event["pitch"])), 80))
    return Performance(
        "wjd",
        piece,
        solo["style"],
        60 / beat_s,
        Meter(4, 4),
        _ordered(notes),
        tuple(chords),
        _ordered(melody),
    )


def _residual_s(times: dict[int, float], beat: int) -> float:
    """How late a beat is against the straight line through its neighbours."""
    near = [(b - beat, times[b]) for b in range(beat - 4, beat + 5) if b in times]
    if len(near) < 5:
        return 0.0
    mean_b = sum(b for b, _ in near) / len(near)
    mean_s = sum(s for _, s in near) / len(near)
    slope = sum((b - mean_b) * (s - mean_s) for b, s in near) / sum(
        (b - mean_b) ** 2 for b, _ in near
    )
    return times[beat] - (mean_s - mean_b * slope)


def _ordered(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda n: (n.start_frame, n.pitch)))
