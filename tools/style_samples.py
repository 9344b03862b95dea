"""Every style on a bundled tune: MIDI, WAV, a picture of the piano roll, and a table of figures.

    python tools/style_samples.py OUT_FOLDER [--tune FILE.mid] [--style NAME]

Without --tune each style plays the bundled tune of its metre, with its song's chords and sections,
twice through. Peak: true peak, dB of full scale, before the limiter; down: what the limiter takes
off at most, dB. Loudness: of the whole and of each part alone, integrated, in LUFS (ITU-R
BS.1770-4, by pyloudnorm). Masked: the share of the melody's time in which more than so many of the
accompaniment's voices sound in the melody's own octave (six semitones below it to five above).
Movement: at each change of chord, how far the voices from C3 up are from the nearest voice of the
other chord, on average, in semitones; with --pop909 over the chords of that corpus, beside its true
piano parts.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import resample_poly

from jam.accompaniment import Arrangement, Memory, Style, accompany, all_styles, style_named, voice
from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor, ScriptedPredictor
from jam.audio.limiter import Limiter
from jam.charts.files import read_charts
from jam.errors import BadInput
from jam.files import demo_tunes
from jam.midi.file import read_midi
from jam.music.chord import QUALITIES, QUALITY_NAMES, Chord
from jam.music.grid import Meter, TempoMap
from jam.music.harte import parse_harte
from jam.music.place_in_form import place_in_form
from jam.music.rows import ChordState
from jam.music.song import Song
from jam.performance.conductor import Conductor
from jam.performance.offline import render
from jam.performance.take import Take
from jam.sessions.exports import write_take, write_take_sound
from jam.settings import JamSettings

PARTS = ("player", "chords", "bass", "drums")
_LOWEST_VOICE = 48
_BARS_A_ROW = 8
_OF_THEIR_METRE = {"waltz": 1, "jazz-waltz": 1, "gospel": 2}
"""Styles -> number of the bundled tune; all others play the first."""
_COLOURS = {"player": "#d9730d", "chords": "#3b7dd8", "bass": "#1d3f72", "drums": "#777777"}


@dataclass(frozen=True, slots=True)
class Loudness:
    """Of a style's sound files, in LUFS; of each part from its first onset to its last end."""

    whole: float
    parts: dict[str, float]
    true_peak_db: float
    """Below full scale, between the samples too (four times as many, ITU-R BS.1770-4, annex 2)."""
    turned_down_db: float
    """At most, by the limiter that plays live."""


def loudness(take: Take, settings: JamSettings, folder: Path, name: str) -> Loudness:
    """Write a take's WAV and measure it, and each of its parts."""
    files = write_take_sound(folder / f"{name}.wav", take, settings, with_stems=True)
    names = {part: "melody" if part == "player" else part for part in PARTS}
    at, parts = take.tempo_map.seconds_at, dict.fromkeys(PARTS, -math.inf)
    for file in files[1:]:
        part = next(p for p, track in names.items() if file.stem == f"{name}-{track}")
        notes = take.parts[part]
        samples, rate_hz = soundfile.read(file)
        first, last = (
            round(rate_hz * at(f)) for f in (notes[0].start_frame, max(n.end_frame for n in notes))
        )
        parts[part] = lufs(samples[first:last], rate_hz)
        file.unlink()
    samples, rate_hz = soundfile.read(files[0], dtype="float32")
    return Loudness(
        lufs(samples, rate_hz),
        parts,
        20 * math.log10(true_peak(samples, rate_hz)),
        turned_down_db(samples, rate_hz),
    )


def true_peak(samples: np.ndarray, rate_hz: int) -> float:
    """Of the sound that a converter makes of the samples; 1.0 is full scale."""
    seconds = (samples[i : i + rate_hz] for i in range(0, len(samples), rate_hz))
    return max(float(np.abs(resample_poly(second, 4, 1, axis=0)).max()) for second in seconds)


def turned_down_db(samples: np.ndarray, rate_hz: int, block: int = 256) -> float:
    """How far the live limiter turns sound down at most, in dB."""
    limiter, least = Limiter(rate_hz), 1.0
    for start in range(0, len(samples), block):
        limiter.process(samples[start : start + block].copy())
        least = min(least, limiter.gain)
    return 20 * math.log10(least)


def lufs(samples: np.ndarray, rate_hz: int) -> float:
    """Integrated loudness of stereo samples; minus infinity for silence."""
    if len(samples) < rate_hz:
        samples = np.pad(samples, ((0, rate_hz - len(samples)), (0, 0)))
    return float(pyloudnorm.Meter(rate_hz).integrated_loudness(samples))


def masked(take: Take, more_than: int) -> float:
    """Share of the melody's sounding frames with more voices than that in its own octave."""
    chords = take.parts["chords"]
    count = total = 0
    for note in take.parts["player"]:
        for frame in range(math.ceil(note.start_frame), math.ceil(note.end_frame)):
            near = {
                c.pitch
                for c in chords
                if c.start_frame <= frame < c.end_frame and -6 <= c.pitch - note.pitch <= 5
            }
            total += 1
            count += len(near) > more_than
    return count / max(total, 1)


def nearest(before: Iterable[int], after: Iterable[int]) -> float | None:
    """Mean distance from each voice to the nearest one of the other chord; None without any."""
    one = sorted({p for p in before if p >= _LOWEST_VOICE})
    two = sorted({p for p in after if p >= _LOWEST_VOICE})
    if not one or not two:
        return None
    there = [min(abs(p - q) for q in one) for p in two]
    back = [min(abs(p - q) for q in two) for p in one]
    return (sum(there) / len(there) + sum(back) / len(back)) / 2


def movement(take: Take) -> float:
    """Mean movement of a take's voices from each chord to the next."""
    starts = [f for f, s in enumerate(take.chords) if s.onset] + [len(take.chords)]
    pitches: list[set[int]] = [
        {n.pitch for n in take.parts["chords"] if start <= n.start_frame < end}
        for start, end in pairwise(starts)
    ]
    found = [
        moved
        for (before, after), frame in zip(pairwise(pitches), starts[1:], strict=False)
        if take.chords[frame].chord != take.chords[frame - 1].chord
        and (moved := nearest(before, after)) is not None
    ]
    return sum(found) / max(len(found), 1)


def pop909_movement(folder: Path, limit: int) -> dict[str, float]:
    """Mean movement over the chords of POP909: of its pianists, of our voicing, of root position.

    A pianist's voices at a change: what sounds in the half second before it, and what is struck
    in the half second from it on.
    """
    found: dict[str, list[float]] = {"pianists": [], "jam": [], "root position": []}
    for song in sorted(p for p in folder.iterdir() if (p / "chord_midi.txt").is_file())[:limit]:
        try:
            midi = read_midi(song / f"{song.name}.mid")
        except BadInput:
            continue
        at = midi.tempo_map.seconds_at
        notes = sorted(
            (at(n.start_frame), at(n.end_frame), n.pitch) for n in midi.notes if n.part == "PIANO"
        )
        _add_song(found, notes, (song / "chord_midi.txt").read_text().splitlines())
    return {name: sum(values) / max(len(values), 1) for name, values in found.items()}


def _add_song(
    found: dict[str, list[float]], notes: list[tuple[float, float, int]], lines: list[str]
) -> None:
    starts = [start for start, _, _ in notes]
    before: Chord | None = None
    ours: tuple[int, ...] | None = None
    for line in lines:
        start_s, _, label = line.split()
        try:
            chord, _ = parse_harte(label)
        except ValueError:
            chord = None
        if chord is None or chord == before:
            before = chord
            continue
        voicing = voice(chord, ours)
        if before is not None and ours is not None:
            at_s = float(start_s)
            first, last = bisect_left(starts, at_s - 4.0), bisect_left(starts, at_s + 0.45)
            moved = nearest(
                (p for s, e, p in notes[first:last] if s < at_s - 0.05 and e > at_s - 0.5),
                (p for s, _, p in notes[first:last] if s >= at_s - 0.05),
            )
            if moved is not None:
                found["pianists"].append(moved)
                found["jam"].append(nearest(ours[1:], voicing[1:]) or 0.0)
                found["root position"].append(nearest(_block(before), _block(chord)) or 0.0)
        before, ours = chord, voicing


def _block(chord: Chord) -> list[int]:
    """Root position, close, the root from C3 to B3."""
    return [48 + chord.root + interval for interval in QUALITIES[chord.quality][0]]


def draw(take: Take, title: str, path: Path, chart: Song | None, first: int, last: int) -> None:
    """The piano roll of bars `first` to before `last` as a PNG, eight bars in a row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tempo_map = take.tempo_map
    starts = range(first, last, _BARS_A_ROW)
    n_played = min(last, len(chart.chorus.bars)) if chart else last
    figure, rows = plt.subplots(len(starts), figsize=(17, 3.6 * len(starts)), squeeze=False)
    for axes, bar in zip(rows[:, 0], starts, strict=True):
        edges = [tempo_map.bar_start(b) for b in range(bar, min(bar + _BARS_A_ROW, last) + 1)]
        for part in PARTS:
            for note in take.parts.get(part, ()):
                if note.end_frame <= edges[0] or note.start_frame >= edges[-1]:
                    continue
                axes.barh(
                    note.pitch - 26 if part == "drums" else note.pitch,
                    max(note.end_frame - note.start_frame - 0.1, 0.3),
                    0.85,
                    note.start_frame,
                    align="center",
                    color=_COLOURS[part],
                    alpha=0.3 + note.velocity / 190,
                )
        for number, edge in enumerate(edges):
            axes.axvline(edge, color="#999999", linewidth=0.8)
            place = chart and number + bar < n_played and place_in_form(chart, bar + number)
            if place and place.bar == 0:
                axes.axvline(edge, color="#b00020", linewidth=2)
                axes.text(edge, 93, place.section, color="#b00020", fontsize=9)
        for frame in range(edges[0], min(edges[-1], len(take.chords))):
            state = take.chords[frame]
            if state.onset and state.chord is not None:
                axes.text(frame, 87, state.chord.symbol, fontsize=8)
        width = _BARS_A_ROW * (edges[1] - edges[0])
        axes.set(xlim=(edges[0], edges[0] + width), ylim=(8, 98))
        axes.set_ylabel("MIDI pitch (drums: −26)", fontsize=7)
    rows[0, 0].set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def sample(style: Style, tune: Path, folder: Path) -> str:
    """Write one style's files; returns its line of the table."""
    settings = JamSettings(accompaniment=style.name, listen_bars=0)
    written = tune.with_suffix(".txt")
    chart = read_charts(written)[0].song if written.is_file() else None
    take = render(read_midi(tune), RuleBasedPredictor(), settings, 1, chart=chart)
    write_take(folder / f"{style.name}.mid", take, settings)
    loud = loudness(take, settings, folder, style.name)
    n_bars = take.tempo_map.place(len(take.chords) - 1).bar + 1
    draw(take, f"{style.title} ({style.name})", folder / f"{style.name}.png", chart, 0, n_bars)
    levels = " ".join(
        f"{level:6.1f}" if level > -200 else "     –" for level in loud.parts.values()
    )
    per_bar = " ".join(f"{len(take.parts.get(part, ())) / n_bars:5.1f}" for part in PARTS[1:])
    return (
        f"{style.name:<11} {loud.true_peak_db:5.1f} {loud.turned_down_db:5.1f} {loud.whole:6.1f}"
        f" {levels}  {per_bar}  {masked(take, 0):6.1%} {masked(take, 1):6.1%}"
        f"  {movement(take):5.2f}"
    )


def times(n_frames: int = 600) -> None:
    """Print what the work costs in processor time: a voicing, and all notes of a plan."""
    roll = random.Random(1)
    chords = [Chord(roll.randrange(12), roll.choice(QUALITY_NAMES)) for _ in range(n_frames)]
    spent_ms: list[float] = []
    before: tuple[int, ...] | None = None
    for chord in chords:
        start_s = time.thread_time()
        before = voice.__wrapped__(chord, before)
        spent_ms.append(1000 * (time.thread_time() - start_s))
    _say("a voicing", spent_ms)
    styles = all_styles()[0]
    gc.collect()
    gc.freeze()  # as the stage does once it is up
    arranged = {style.name: bar_times_ms(style, chords) for style in styles}
    slowest = max(arranged, key=lambda name: float(np.median(arranged[name])))
    _say("arranging a bar, all styles", [ms for spent in arranged.values() for ms in spent])
    _say(f"arranging a bar, {slowest}, the slowest", arranged[slowest])
    script = [ChordState(chords[f // 8], f % 8 == 0) for f in range(n_frames)]
    for name, beats in (("piano", 4), ("pop", 4), ("swing", 4), ("pop", 16)):
        settings = JamSettings(accompaniment=name, listen_bars=0, lookahead_beats=beats)
        conductor, agent = Conductor(settings, 0.0), Anticipator(ScriptedPredictor(script))
        spent_ms = []
        for frame in range(n_frames):
            now_s = conductor.tempo_map.seconds_at(frame + 0.5)
            conductor.advance(now_s)
            plan = agent.plan(conductor.request())
            start_s = time.thread_time()
            conductor.take(plan, now_s)
            spent_ms.append(1000 * (time.thread_time() - start_s))
        _say(f"a plan of {beats} beats, {name}", spent_ms)


def bar_times_ms(style: Style, chords: Sequence[Chord], n_bars: int = 48) -> list[float]:
    """What each bar costs that is arranged after another, with two chords in it."""
    tempo_map, memory = TempoMap.constant(120.0, Meter(4, 4)), Memory()
    line = [ChordState(chords[f // 8], f % 8 == 0) for f in range(16 * n_bars)]
    arrangement = Arrangement(((0, style),), feel=1.0, seed=1)
    spent_ms = []
    for start in range(0, len(line), 16):
        start_s = time.thread_time()
        made = accompany(line[: start + 16], tempo_map, arrangement, memory, start, start, {})
        spent_ms.append(1000 * (time.thread_time() - start_s))
        memory.keep(made.notes, made.drafts, made.voicings, start + 16, start - 64)
    return spent_ms


def _say(what: str, spent_ms: list[float]) -> None:
    median, late = np.percentile(spent_ms, [50, 99])
    print(f"{what}: {median:.2f} ms, 99 % under {late:.2f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files go; made where it isn't")
    parser.add_argument("--tune", type=Path, help="a melody; NAME.txt beside it is its song")
    parser.add_argument("--style", action="append", help="only this one; may be repeated")
    parser.add_argument("--pop909", type=Path, help="the corpus's folder of songs")
    parser.add_argument("--songs", type=int, default=1000, help="at most so many of them")
    parser.add_argument("--times", action="store_true", help="only what the work costs")
    args = parser.parse_args()
    if args.times:
        times()
        return 0
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
        tunes = [args.tune] if args.tune else demo_tunes()
        styles = [style_named(n) for n in args.style] if args.style else all_styles()[0]
    except (BadInput, OSError) as error:
        print(f"style_samples: {error}", file=sys.stderr)
        return 2
    print(
        "style        peak  down | LUFS: all, melody, chords, bass, drums | notes a bar: chords,"
        " bass, drums | masked by > 0, > 1 | movement"
    )
    for style in styles:
        tune = tunes[0] if args.tune else tunes[_OF_THEIR_METRE.get(style.name, 0)]
        print(sample(style, tune, args.folder), flush=True)
    if args.pop909:
        for name, moved in pop909_movement(args.pop909, args.songs).items():
            print(f"movement at POP909's changes, {name}: {moved:.2f} semitones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
