"""Every mode of practice tried on the real program: python tools/practice_pictures.py OUT

Starts Xvfb, jackd and the program in its window as `tools/pictures.py` does; a player on JACK plays
what a musician would in that mode, another client listens at the program's MIDI output. For each
mode there are pictures from the midst of it, and in words: which notes were left sounding, how far
from the grid the band and the agent's melody came out, in which bars the melody was, and what the
session in the library says of tempo, plans that were late, and the melody's notes. `--list` names
the modes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from jam.audio.synth import CHANNELS
from jam.music.grid import TempoMap
from jam.practice.report import sentences
from jam.roles.phrase import SOLO
from jam.sessions.library import Library
from jam.sessions.practised import report_of_session
from tools.pictures import _GRAB, PREFER, ROOT, Keyboard, machine, player_process, running
from tools.support.jack import RATE, recorder

BPM = 112
BAR_S = 4 * 60 / BPM
ECHO_S = 0.02
"""So much of an echo is spent on the way."""
BEHIND_S = 0.2
"""From the player's own start to the count-in's first click, about: its messages wait so long."""
SONG = "key: C\ntempo: {bpm}\n| Dm7 | G7 | Cmaj7 | A7 |\n"
TUNE = (
    "melody: 1 D4@0+4 F4@4+4 A4@8+4 C5@12+4\nmelody: 2 B4@0+8 G4@8+8\n"
    "melody: 3 C3@0+8 E4@0+4 G4@4+4 C3@8+8 B4@8+8\nmelody: 4 C#3@0+16 A4@0+4 G4@4+4 E4@8+8\n"
)
PHRASE = ((0, 62), (1, 65), (2, 69), (3, 72), (4, 71), (6, 67))
"""(eighth of a bar, pitch)"""

TIMED = ("chords", "bass", SOLO)
"""Parts whose notes are looked for at the program's MIDI output, to the millisecond."""
Message = tuple[float, list[int]]
"""(bar, MIDI)"""


def notes(bar: float, eighth: float, pitches: list[int], eighths: float = 0.9) -> list[Message]:
    """Messages of notes that begin with an eighth of a bar; bar 1 is the first after a count-in."""
    at = bar + eighth / 8
    off = at + eighths / 8
    return [
        *((at, [0x90, p, 84 if eighth % 2 == 0 else 66]) for p in pitches),
        *((off, [0x80, p, 0]) for p in pitches),
    ]


def phrase(bar: int, up: int = 0) -> list[Message]:
    return [m for eighth, pitch in PHRASE for m in notes(bar, eighth, [pitch + up])]


def melody(bars: int, order: tuple[int, ...] = (0, 1, 2, 3)) -> list[Message]:
    """The tune of TUNE, its bars in this order, but for a note that is left out in bar 5 and one
    that is wrong in bar 6."""
    found: list[Message] = []
    for bar in range(bars):
        for line in TUNE.splitlines():
            number, *words = line.removeprefix("melody: ").split()
            if int(number) != order[bar % len(order)] + 1:
                continue
            for i, word in enumerate(words):
                name, _, rest = word.partition("@")
                frame, length = (int(x) for x in rest.split("+"))
                if bar == 4 and i == 1:
                    continue  # left out
                wrong = 1 if bar == 5 and i == 0 else 0
                found += notes(1 + bar, frame / 2, [_PITCH[name] + wrong], 0.45 * length)
    return found


_PITCH = {
    "C3": 48, "C#3": 49, "D4": 62, "E4": 64, "F4": 65, "G4": 67, "A4": 69, "B4": 71, "C5": 72,
}  # fmt: skip


def turns(bars: int, length: int, first: int = 0) -> list[Message]:
    """Phrases in every second turn of so many bars."""
    return [
        m
        for b in range(bars)
        if b // length % 2 == first
        for m in phrase(1 + b, (0, 2, -3, 5)[b % 4])
    ]


def chords(bars: int) -> list[Message]:
    return [m for b in range(bars) for m in notes(1 + b, 0, [50, 53, 57], 7)]


def gaps(bars: int) -> list[Message]:
    """A phrase in the first bar of every two, rest in the second."""
    return [m for b in range(0, bars, 2) for m in phrase(1 + b, (0, 2, -3, 5)[b // 2 % 4])]


def wrong_once(bars: int) -> list[Message]:
    """Something else in the first turn of those that ask for a phrase to be repeated."""
    return [m for b in (2, 3) for m in notes(1 + b, 1, [61, 63])]


def roots(bars: int) -> list[Message]:
    """Root and third of every second chord of SONG: half of them are found."""
    named = ([50, 53], [55, 59], [48, 52], [57, 61])
    return [m for b in range(0, bars, 2) for m in notes(1 + b, 1, named[b % 4], 2)]


@dataclass(frozen=True)
class Trial:
    """options: of the command line. play: the player's messages for so many bars. shots: bars
    (counted with the count-in) at which a picture is taken. keys: (bar, key) that is pressed."""

    options: tuple[str, ...]
    play: Callable[[int], list[Message]]
    song: str = ""
    bars: int = 12
    shots: tuple[float, ...] = (3.6, 6.4)
    keys: tuple[tuple[float, str], ...] = ()
    tempi: tuple[float, ...] = (BPM,)
    """Of the choruses of four bars, as they are expected; the last one goes on."""
    echo_bars: float = 0.0
    """The player plays by ear what the agent played so many bars before."""

    def seconds(self, bar: float) -> float:
        """From the count-in's first click on; bar 1 is the first after it."""
        found, left = min(bar, 1.0) * BAR_S, max(0.0, bar - 1)
        for i, bpm in enumerate(self.tempi):
            part = left if i + 1 == len(self.tempi) else min(left, 4.0)
            found, left = found + part * 240 / bpm, left - part
        return found


def _with_tune(loop: str = "") -> str:
    head, _, body = SONG.partition("\n|")
    return f"{head}\n{loop}{TUNE}|{body}"


CLICKS = "--metronome", "--volume", "0", "--band-volume", "0", "--clicks"
TRIALS = {
    "accompanies": Trial((), lambda n: turns(n, 64), bars=8),
    "trades-2": Trial(("--role", "trades", "--turns", "2"), lambda n: turns(n, 2), SONG),
    "trades-4": Trial(
        (), lambda n: [m for b in range(n) if b // 4 != 2 for m in phrase(1 + b)],
        SONG, 14, (6.4, 9.4),
        ((0.5, "Control_L+Alt_L+4"),),
    ),
    "trades-8": Trial(
        ("--role", "trades", "--turns", "8"), lambda n: turns(n, 8), SONG, 18, (9.5, 12.4)
    ),
    "solos": Trial(("--role", "solos"), chords, SONG),
    "solos-for-2": Trial(
        ("--role", "solos", "--role-for", "2"), chords, SONG, 12, (8.5, 9.8)
    ),
    "fills": Trial(("--role", "fills"), gaps, SONG, shots=(4.15, 6.3)),
    "leads": Trial(("--role", "leads"), chords, SONG),
    "leads-tune": Trial(("--role", "leads"), chords, _with_tune()),
    "asks": Trial(
        ("--role", "asks", "--turns", "2"), wrong_once, SONG, 14, (4.5, 8.4), echo_bars=2.0
    ),
    "tune": Trial((), melody, _with_tune(), shots=(3.4, 5.5)),
    "tune-left": Trial(("--plays", "left"), melody, _with_tune(), shots=(3.5, 4.2)),
    "tune-all": Trial(
        ("--plays", "all"), lambda n: notes(1, 0, [50]), _with_tune(), shots=(3.5, 4.2)
    ),
    "wait": Trial(("--wait",), melody, _with_tune(), 4, (2.9, 4.5), tempi=(70,)),
    "loop": Trial((), lambda n: melody(n, (1, 2)), _with_tune("loop: 2-3\n"), shots=(3.5, 5.5)),
    "loop-by-key": Trial(
        (), lambda n: turns(n, 64), SONG.replace("| Cmaj7", "|\n[B]\n| Cmaj7"), 13, (5.5,),
        ((2.5, "Control_L+Shift_L+o"), (7.2, "Control_L+Shift_L+o")),
    ),
    "tempo-turn": Trial(
        ("--tempo-rise", "turn", "--tempo-step", "10"), lambda n: turns(n, 64), SONG, 13, (9.5,),
        tempi=(112, 122, 132, 142),
    ),
    "tempo-well": Trial(
        ("--tempo-rise", "well", "--tempo-step", "10"), melody, _with_tune(), 13, (9.5,),
        tempi=(112, 122, 122, 132),
    ),
    "keys": Trial(("--song-keys", "fourths"), lambda n: turns(n, 64), SONG, 13, (4.5, 8.5)),
    "find-chords": Trial(("--find-chords",), roots, SONG, 9, (1.5, 3.5)),
    "click-2-4": Trial(
        (*CLICKS, "backbeat"), lambda n: turns(n, 64), bars=6, shots=(3.5,)
    ),
    "click-alternate": Trial(
        (*CLICKS, "alternate"), lambda n: turns(n, 64), bars=8, shots=(3.5,)
    ),
    "click-fading": Trial(
        (*CLICKS, "fading"), lambda n: turns(n, 64), bars=18, shots=(3.5,)
    ),
}  # fmt: skip


def told(recording: Path, session_file: Path) -> Iterator[str]:
    """What came out, in words."""
    midi = [(at_s, bytes.fromhex(data)) for at_s, data in json.loads(recording.read_text())]
    parts = {channel: part for part, channel in CHANNELS.items()}
    sounding: dict[tuple[int, int], float] = {}
    begun: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    for at_s, data in midi:
        if len(data) != 3:
            continue
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == 0xB0 and data[1] in (120, 123):
            sounding = {k: v for k, v in sounding.items() if k[0] != channel}
        elif kind == 0x90 and data[2]:
            sounding[channel, data[1]] = at_s
            begun[parts.get(channel, str(channel))].append((at_s, data[1], data[2]))
        elif kind in (0x80, 0x90):
            sounding.pop((channel, data[1]), None)
    yield f"left sounding: {sorted(sounding) or 'nothing'}"
    with Library(session_file) as library:
        if not (infos := library.sessions()):
            yield "nothing was recorded"
            return
        session = library.session(infos[0].id)
    tempo_map, take = session.tempo_map, session.takes[0].take
    tempi = [f"{s.bpm:.4g} from frame {s.start_frame}" for s in tempo_map.segments]
    yield f"tempo: {', '.join(tempi[:8])}{f' and {len(tempi) - 8} more' if tempi[8:] else ''}"
    heard = [row.chord.chord for row in session.rows]
    lines = [tempo_map.bar_start(bar) for bar in range(tempo_map.place(len(heard)).bar)]
    symbols = [chord.symbol if (chord := heard[line]) else "-" for line in lines]
    yield f"harmony by bar: {' '.join(symbols)}"
    planned = {
        part: [(tempo_map.seconds_at(n.start_frame), n.pitch) for n in take.parts.get(part, ())]
        for part in begun
    }
    offset_s = _offset(begun, planned)
    for part, found in sorted(begun.items()):
        notes = take.parts.get(part, ())
        bars = Counter(tempo_map.place(max(0, round(n.start_frame))).bar + 1 for n in notes)
        words = f"{part}: {len(found)} notes came out"
        if part == "metronome":
            words += f" as loud as {sorted({v for _, _, v in found}, reverse=True)}"
        elif notes:
            where = " ".join(f"{bar}:{n}" for bar, n in sorted(bars.items()))
            words += f", {len(notes)} recorded, by bar {where}"
        if part in TIMED and notes:
            off_ms = [
                1000 * min((at_s - offset_s - s for s, p in planned[part] if p == pitch), key=abs)
                for at_s, pitch, _ in found
                if any(p == pitch for _, p in planned[part])
            ]
            size = sorted(map(abs, off_ms))
            words += (
                f"; off the plan by {median(size):.1f} ms, 95 % {size[int(0.95 * len(size))]:.1f}"
            )
        yield words
    if not session.settings[-1][1].agent_volume:
        yield f"clicks, bar:beats: {_clicks(recording, offset_s, tempo_map)}"
    late = session.counters[-1][1] if session.counters else None
    yield f"plans late: {late.late_plans if late else 0} of {late.plans if late else 0}"
    yield from sentences(report_of_session(session))


def _clicks(recording: Path, offset_s: float, tempo_map: TempoMap) -> str:
    """Where in the sound something begins, nothing but the metronome being heard; how loud."""
    sound = np.abs(np.load(recording.with_suffix(".npy"))).max(axis=1)
    step = RATE // 200
    loud = sound[: len(sound) // step * step].reshape(-1, step).max(axis=1)
    found: dict[int, list[str]] = defaultdict(list)
    off_ms = []
    last = -99
    for i in range(len(loud)):
        if loud[i] < 0.003 or i - last < 20 or loud[i] < 2 * loud[max(0, i - 3) : i].max(initial=0):
            continue
        last = i
        position = tempo_map.position_at(i / 200 - offset_s)
        beat = round(position / 4)
        off_ms.append(1000 * (i / 200 - offset_s - tempo_map.seconds_at(4 * beat)))
        bar, number = divmod(beat, 4)
        found[bar + 1].append(f"{number + 1}({loud[i : i + 4].max():.2f})")
    said = " ".join(f"{bar}:{','.join(beats)}" for bar, beats in sorted(found.items()))
    return f"{said or 'none'}; off the beat by {median(off_ms or [0]):.0f} ms in the middle"


def _offset(
    begun: dict[str, list[tuple[float, int, int]]], planned: dict[str, list[tuple[float, int]]]
) -> float:
    """The recording's second at which the session's first bar begins: most notes agree on it."""
    apart = [
        at_s - planned_s
        for part in TIMED
        for at_s, pitch, _ in begun.get(part, ())
        for planned_s, other in planned.get(part, ())
        if other == pitch
    ]
    if not apart:
        return 0.0
    ((bin_, _),) = Counter(round(a / 0.02) for a in apart).most_common(1)
    return median(a for a in apart if abs(a - 0.02 * bin_) < 0.03)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--modes", nargs="+", choices=TRIALS, default=list(TRIALS))
    parser.add_argument("--list", action="store_true", help="name the modes")
    parser.add_argument("--before", type=float, default=10.0, help="seconds until it is up (10)")
    args = parser.parse_args()
    if args.list or args.out is None:
        print("\n".join(TRIALS))
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    out = args.out.resolve()
    for name in args.modes:
        trial(name, TRIALS[name], out, args.before)
    return 0


def trial(name: str, what: Trial, out: Path, before_s: float) -> None:
    """One mode, in a machine of its own."""
    width, height = 1280, 720
    with machine((width, height), realtime=True) as environment:
        place = ["20", "20", str(width), str(height), str(BPM), "dark", "1.0"]
        subprocess.run([sys.executable, "-c", PREFER, *place], env=environment, check=True)
        command = [sys.executable, "-m", "jam", "window", "--midi-api", "jack", *what.options]
        if what.song:
            file = out / f"{name}.txt"
            file.write_text(f"title: {name}\n{what.song.format(bpm=BPM)}", encoding="utf-8")
            command += ["--song", str(file)]
        with running(command, environment, cwd=ROOT) as jam:
            keyboard = Keyboard(environment["DISPLAY"])
            time.sleep(before_s)
            keyboard.point_at(20 + width // 2, 20 + height // 2)

            def shoot(label: str) -> None:
                where = [str(out / f"{label}.png"), str(width), str(height)]
                subprocess.run([sys.executable, "-c", _GRAB, *where], env=environment, check=True)

            played = sorted(what.play(what.bars), key=lambda m: m[0])
            messages = [(BEHIND_S + what.seconds(bar), data) for bar, data in played]
            with (
                recorder(environment, out) as recording,
                player_process(environment, messages),
                ExitStack() as stack,
            ):
                if what.echo_bars:
                    heard = str(CHANNELS[SOLO]), str(what.echo_bars * BAR_S - ECHO_S)
                    ear = [sys.executable, "-m", "tools.support.jack_echo", *heard]
                    stack.enter_context(running(ear, environment, cwd=ROOT, stdin=subprocess.PIPE))
                keyboard.point_at(24 + width // 2, 24 + height // 2)
                time.sleep(0.1)
                keyboard.press("space")
                began_s = time.monotonic()
                done = [(bar, True, str(bar)) for bar in what.shots]
                done += [(bar, False, key) for bar, key in what.keys]
                for bar, is_shot, word in sorted(done):
                    time.sleep(max(0.0, what.seconds(bar) - (time.monotonic() - began_s)))
                    shoot(f"{name}-{word}") if is_shot else keyboard.press(word)
                time.sleep(max(0.0, what.seconds(what.bars + 1.3) - (time.monotonic() - began_s)))
                keyboard.press("space")
                time.sleep(1.5)
            if jam.poll() is not None:
                raise SystemExit(f"{name}: jam has ended with {jam.returncode}")
        library = Path(environment["XDG_DATA_HOME"]) / "jam" / "sessions.sqlite3"
        print(f"\n{name}")
        for line in told(recording.with_suffix(".json"), library):
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
