"""Every style on a bundled tune: MIDI, WAV, a picture of the piano roll, and a table of figures.

    python tools/style_samples.py OUT_FOLDER [--tune FILE.mid] [--style NAME] [--bars FIRST LAST]

Loudness: of each part alone, integrated, in LUFS (ITU-R BS.1770-4, by pyloudnorm), and of the whole
file. Masked:
the share of the melody's time in which more than so many of the accompaniment's voices sound in
the melody's own octave (six semitones below it to five above). Movement: at each change of
chord, how far the voices from C3 up are from the nearest voice of the other chord, on average,
in semitones; with --pop909 over the chords of that corpus, beside its true piano parts.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
import wave
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyloudnorm

from jam.accompaniment import Style, all_styles, style_named, voice
from jam.agent.anticipation import Anticipator
from jam.agent.rules import ScriptedPredictor
from jam.audio.mixer import mix
from jam.audio.sound_file import write_sound
from jam.cli.main import load_predictor
from jam.errors import BadInput
from jam.files import demo_tunes
from jam.messages.notes import Note
from jam.midi.file import MidiSong, read_midi
from jam.music.chord import QUALITIES, QUALITY_NAMES, Chord
from jam.music.harte import parse_harte
from jam.music.rows import ChordState
from jam.performance.conductor import Conductor
from jam.performance.offline import render
from jam.performance.take import Take
from jam.sessions.exports import write_take
from jam.settings import JamSettings

PARTS = ("player", "chords", "bass", "drums")
_LOWEST_VOICE = 48
_COLOURS = {"player": "#d9730d", "chords": "#3b7dd8", "bass": "#1d3f72", "drums": "#777777"}


def loudness_db(take: Take, part: str, settings: JamSettings, style: Style, folder: Path) -> float:
    """Integrated loudness of a part alone in LUFS, from its first onset to its last."""
    notes = take.parts.get(part, ())
    if not notes:
        return -math.inf
    at, voices = take.tempo_map.seconds_at, mix(settings, style)
    begin_s = at(notes[0].start_frame)
    end_s = max(at(n.end_frame) for n in notes) - begin_s
    path = folder / "part.wav"
    write_sound(
        path,
        [
            replace(n, start_s=n.start_s - begin_s, end_s=n.end_s - begin_s)
            for n in take.timed_notes()
            if n.part == part
        ],
        {part: voices[part].volume},
        {part: voices[part].program},
    )
    with wave.open(str(path)) as sound:
        samples = np.frombuffer(sound.readframes(round(end_s * sound.getframerate())), "<i2")
        return lufs(samples, sound.getframerate())


def lufs(samples: np.ndarray, rate_hz: int) -> float:
    """Integrated loudness of interleaved 16-bit stereo samples; minus infinity for silence."""
    stereo = samples.reshape(-1, 2) / 32768.0
    if len(stereo) < rate_hz:
        stereo = np.pad(stereo, ((0, rate_hz - len(stereo)), (0, 0)))
    return float(pyloudnorm.Meter(rate_hz).integrated_loudness(stereo))


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


def draw(take: Take, title: str, path: Path, first_bar: int, n_bars: int) -> None:
    """The piano roll of some bars as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tempo_map = take.tempo_map
    first, last = tempo_map.bar_start(first_bar), tempo_map.bar_start(first_bar + n_bars)
    figure, axes = plt.subplots(figsize=(15, 5))
    for part in PARTS:
        for note in take.parts.get(part, ()):
            if note.end_frame > first and note.start_frame < last:
                width = max(note.end_frame - note.start_frame - 0.1, 0.3)
                pitch = note.pitch - 26 if part == "drums" else note.pitch
                axes.barh(
                    pitch,
                    width,
                    0.85,
                    note.start_frame,
                    align="center",
                    color=_COLOURS[part],
                    alpha=0.3 + note.velocity / 190,
                )
    for bar in range(first_bar, first_bar + n_bars + 1):
        axes.axvline(tempo_map.bar_start(bar), color="#999999", linewidth=0.8)
    for frame in range(first, min(last, len(take.chords))):
        state = take.chords[frame]
        if state.onset and state.chord is not None:
            axes.text(frame, 88, state.chord.symbol, fontsize=8)
    axes.set(xlim=(first, last), ylim=(8, 92), title=title, ylabel="MIDI pitch (drums: −26)")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def sample(
    style: Style, song: MidiSong, folder: Path, agent: str, bars: tuple[int, int] = (2, 10)
) -> str:
    """Write one style's files; returns its line of the table."""
    settings = JamSettings(accompaniment=style.name)
    predictor, _ = load_predictor(agent)
    take = render(song, predictor, settings, 1)
    write_take(folder / f"{style.name}.mid", take, settings)
    write_take(folder / f"{style.name}.wav", take, settings)
    with wave.open(str(folder / f"{style.name}.wav")) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        whole = lufs(samples, sound.getframerate())
    peak = np.abs(samples.astype(int)).max() / 32768
    with tempfile.TemporaryDirectory() as temporary:
        loud = [loudness_db(take, part, settings, style, Path(temporary)) for part in PARTS]
    title = f"{style.title} ({style.name})"
    draw(take, title, folder / f"{style.name}.png", bars[0] - 1, bars[1] - bars[0] + 1)
    n_bars = take.tempo_map.place(len(take.chords)).bar - settings.listen_bars
    played: list[Sequence[Note]] = [take.parts.get(part, ()) for part in PARTS[1:]]
    levels = " ".join(f"{level:7.1f}" if level > -200 else "      –" for level in loud)
    per_bar = " ".join(f"{len(notes) / n_bars:6.1f}" for notes in played)
    return (
        f"{style.name:<10} {peak:5.2f} {whole:6.1f} {levels}  {per_bar}  {masked(take, 0):6.1%}"
        f" {masked(take, 1):6.1%}  {movement(take):5.2f}"
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


def _say(what: str, spent_ms: list[float]) -> None:
    median, late = np.percentile(spent_ms, [50, 99])
    print(f"{what}: {median:.2f} ms, 99 % under {late:.2f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files go; made where it isn't")
    parser.add_argument("--tune", type=Path, help="a melody (the first bundled tune)")
    parser.add_argument("--style", action="append", help="only this one; may be repeated")
    parser.add_argument("--agent", choices=("auto", "rules"), default="rules")
    parser.add_argument(
        "--bars",
        type=int,
        nargs=2,
        default=(2, 10),
        metavar=("FIRST", "LAST"),
        help="what is drawn (2 10); of 9 24 the second half is the third phrase, which rises",
    )
    parser.add_argument("--pop909", type=Path, help="the corpus's folder of songs")
    parser.add_argument("--songs", type=int, default=1000, help="at most so many of them")
    parser.add_argument("--times", action="store_true", help="only what the work costs")
    args = parser.parse_args()
    if args.times:
        times()
        return 0
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
        song = read_midi(args.tune or demo_tunes()[0])
        styles = [style_named(n) for n in args.style] if args.style else all_styles()[0]
    except (BadInput, OSError) as error:
        print(f"style_samples: {error}", file=sys.stderr)
        return 2
    print(
        "style       peak | LUFS: all, melody, chords, bass, drums | notes a bar: chords, bass,"
        " drums | masked by > 0, > 1 | movement"
    )
    for style in styles:
        bars = (args.bars[0], max(args.bars))
        print(sample(style, song, args.folder, args.agent, bars), flush=True)
    if args.pop909:
        for name, moved in pop909_movement(args.pop909, args.songs).items():
            print(f"movement at POP909's changes, {name}: {moved:.2f} semitones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
