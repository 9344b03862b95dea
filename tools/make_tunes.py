"""Writes the demo tunes of assets/tunes: melodies long out of copyright, played like a person.

    python tools/make_tunes.py [FOLDER]

A note is written as name, octave and length in sixteenths ("c#5:2"; "r:4" is a rest), a bar
ends with "|". Dynamics and small irregularities come from a pinned random generator, so the
same files are written every time.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from jam.messages.notes import Note
from jam.midi.file import Part, write_midi
from jam.music.chord import pitch_class
from jam.music.grid import Meter, TempoMap


@dataclass(frozen=True)
class Tune:
    file: str
    meter: str
    bpm: float
    bars: str


TUNES = (
    Tune(
        "1-auld-lang-syne.mid",
        "4/4",
        116,
        """
        r:12 g4:4 |
        c5:6 c5:2 c5:4 e5:4 | d5:6 c5:2 d5:4 e5:4 | c5:6 c5:2 e5:4 g5:4 | a5:12 a5:4 |
        g5:6 e5:2 e5:4 c5:4 | d5:6 c5:2 d5:4 e5:4 | c5:6 a4:2 a4:4 g4:4 | c5:12 a5:4 |
        g5:6 e5:2 e5:4 c5:4 | d5:6 c5:2 d5:4 a5:4 | g5:6 e5:2 e5:4 g5:4 | a5:12 a5:4 |
        g5:6 e5:2 e5:4 c5:4 | d5:6 c5:2 d5:4 e5:4 | c5:6 a4:2 a4:4 g4:4 | c5:12 g4:4 |

        c5:4 c5:2 b4:2 c5:4 e5:4 | d5:4 c5:2 d5:2 e5:2 f5:2 e5:2 d5:2 |
        c5:4 c5:2 d5:2 e5:4 g5:4 | a5:12 a5:2 b5:2 |
        c6:4 g5:2 e5:2 f5:2 e5:2 d5:2 c5:2 | d5:4 c5:2 d5:2 e5:4 d5:2 e5:2 |
        c5:4 b4:2 a4:2 b4:2 a4:2 g4:4 | c5:12 a5:4 |
        g5:4 f5:2 e5:2 e5:2 d5:2 c5:4 | d5:4 c5:2 d5:2 e5:2 g5:2 a5:4 |
        g5:4 e5:2 d5:2 e5:2 f5:2 g5:4 | a5:12 a5:2 b5:2 |
        c6:4 g5:2 e5:2 f5:2 e5:2 d5:2 c5:2 | d5:6 c5:2 d5:4 e5:4 |
        c5:6 a4:2 a4:4 b4:4 | c5:16 |
        """,
    ),
    Tune(
        "2-amazing-grace.mid",
        "3/4",
        92,
        """
        r:8 d4:4 |
        g4:8 b4:2 g4:2 | b4:8 a4:4 | g4:8 e4:4 | d4:8 d4:4 |
        g4:8 b4:2 g4:2 | b4:8 a4:4 | d5:12 | d5:8 b4:4 |
        d5:6 b4:2 d5:2 b4:2 | g4:8 d4:4 | e4:6 g4:2 g4:2 e4:2 | d4:8 d4:4 |
        g4:8 b4:2 g4:2 | b4:8 a4:4 | g4:12 | g4:8 d4:4 |

        g4:8 b4:2 g4:2 | b4:6 c5:2 b4:2 a4:2 | g4:8 e4:4 | d4:8 d4:4 |
        g4:6 a4:2 b4:2 g4:2 | b4:8 a4:4 | d5:12 | d5:8 b4:4 |
        d5:6 b4:2 d5:2 b4:2 | g4:8 d4:4 | e4:6 g4:2 g4:2 e4:2 | d4:8 d4:4 |
        g4:6 a4:2 b4:2 g4:2 | b4:6 c5:2 b4:2 a4:2 | g4:12 | g4:12 |
        """,
    ),
    Tune(
        "3-greensleeves.mid",
        "6/8",
        66,
        """
        r:10 a4:2 |
        c5:4 d5:2 e5:3 f5:1 e5:2 | d5:4 b4:2 g4:3 a4:1 b4:2 |
        c5:4 a4:2 a4:3 g#4:1 a4:2 | b4:4 g#4:2 e4:4 a4:2 |
        c5:4 d5:2 e5:3 f5:1 e5:2 | d5:4 b4:2 g4:3 a4:1 b4:2 |
        c5:3 b4:1 a4:2 g#4:3 f#4:1 g#4:2 | a4:6 a4:4 r:2 |
        g5:6 g5:3 f#5:1 e5:2 | d5:4 b4:2 g4:3 a4:1 b4:2 |
        c5:4 a4:2 a4:3 g#4:1 a4:2 | b4:4 g#4:2 e4:6 |
        g5:6 g5:3 f#5:1 e5:2 | d5:4 b4:2 g4:3 a4:1 b4:2 |
        c5:3 b4:1 a4:2 g#4:3 f#4:1 g#4:2 | a4:6 a4:4 r:2 |
        """,
    ),
)


def read_bars(tune: Tune) -> list[tuple[int, int, int]]:
    """(start_frame, end_frame, pitch) of every note; checks that every bar is full."""
    per_bar = Meter.parse(tune.meter).frames_per_bar
    notes = []
    frame = 0
    for bar in tune.bars.strip().rstrip("|").split("|"):
        bar_end = frame + per_bar
        for word in bar.split():
            name, length = word.split(":")
            if name != "r":
                pitch = 12 * (int(name[-1]) + 1) + pitch_class(name[:-1])
                notes.append((frame, frame + int(length), pitch))
            frame += int(length)
        if frame != bar_end:
            raise ValueError(f"{tune.file}: the bar {bar.strip()!r} has not {per_bar} sixteenths")
    return notes


def played(notes: list[tuple[int, int, int]], meter: Meter, dice: random.Random) -> list[Note]:
    """The notes as a person plays them: stress, phrases of four bars, a little unevenness."""
    phrase = 4 * meter.frames_per_bar
    mean_pitch = sum(pitch for _, _, pitch in notes) / len(notes)
    result = []
    for start, end, pitch in notes:
        stress = (0, 4, 7, 10)[meter.strength(start % meter.frames_per_bar)]
        swell = 10 * math.sin(math.pi * (start % phrase) / phrase)
        velocity = round(66 + stress + swell + 0.6 * (pitch - mean_pitch) + dice.gauss(0, 2.5))
        at = max(0.0, start + dice.gauss(0, 0.05))
        held = (end - start) * dice.uniform(0.86, 0.97)
        result.append(Note(at, at + held, pitch, max(30, min(120, velocity))))
    return result


def main(folder: Path) -> None:
    for tune in TUNES:
        meter = Meter.parse(tune.meter)
        notes = played(read_bars(tune), meter, random.Random(tune.file))
        part = Part("Melody", 0, 0, tuple(notes))
        write_midi(folder / tune.file, [part], TempoMap.constant(tune.bpm, meter))


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "assets" / "tunes"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
