"""How well sung and played notes are heard: onsets and pitches, octaves, delay, processor.

    python tools/voice_ruler.py                       # all ranges and places, live and afterwards
    python tools/voice_ruler.py --ranges tenor --places dry
    python tools/voice_ruler.py --fluid               # sounds of the SoundFont in their place
    python tools/voice_ruler.py --seed 100            # other walks, vibrato, scoops, rooms, noise

Places: see PLACES in tools/support/sung.py (dry; a room with noise 35 dB below the voice; 20; 10).
What is sung is made from notes (tools/support/sung.py): the bundled tunes and walks through
scales. A note counts where its onset is within 50 ms and its pitch is right (as in MIREX); F1 is
over all notes. Octaves: notes heard an octave or more too high or low, of all. Delay: from the true
onset to the moment at which the note is known. A note that is corrected (a scoop) counts when it is
right. Off: of the onsets that were found. Processor: of one core, in real time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.midi.file import read_midi
from jam.voice.afterwards import transcribe
from jam.voice.pitch import HOP, PitchTracker
from jam.voice.ranges import RANGES, Range
from jam.voice.segmenter import Segmenter, gate_above
from tools.support.sung import (
    OF_RANGE,
    PLACES,
    PLAYED,
    RATE,
    TIMBRES,
    Fluid,
    TrueNote,
    fitted,
    melody,
    sung,
)

Sound = NDArray[np.float32]
TOLERANCE_S = 0.05
TUNES = Path(__file__).parents[1] / "assets" / "tunes"


@dataclass
class Score:
    """Notes counted over pieces."""

    true: int = 0
    heard: int = 0
    hits: int = 0
    octaves: int = 0
    delays_ms: list[float] = field(default_factory=list)
    off_ms: list[float] = field(default_factory=list)
    busy_s: float = 0.0
    sounds_s: float = 0.0

    def add(self, true: Sequence[TrueNote], heard: Sequence[tuple[float, int, float]]) -> None:
        """heard: (onset in s, pitch, when it was known in s)."""
        self.true += len(true)
        self.heard += len(heard)
        free = sorted(heard)
        for note in true:
            near = [h for h in free if abs(h[0] - note.start_s) <= TOLERANCE_S]
            right = [h for h in near if h[1] == note.pitch]
            if right:
                best = min(right, key=lambda h: abs(h[0] - note.start_s))
                free.remove(best)
                self.hits += 1
                self.off_ms.append(1000 * (best[0] - note.start_s))
                if best[2]:
                    self.delays_ms.append(1000 * (best[2] - note.start_s))
            elif any((h[1] - note.pitch) % 12 == 0 for h in near):
                self.octaves += 1

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.heard)

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.true)

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, self.true + self.heard)

    def line(self) -> str:
        delays = sorted(self.delays_ms) or [0.0]
        worst = delays[int(0.95 * (len(delays) - 1))]
        return (
            f"{self.f1:.2f} | {self.precision:.2f} | {self.recall:.2f} | "
            f"{100 * self.octaves / max(1, self.true):.1f} % | "
            + (f"{statistics.median(delays):.0f}, {worst:.0f} ms | " if worst > 0 else "| ")
            + f"{statistics.median(self.off_ms or [0.0]):+.0f} ms | "
            f"{100 * self.busy_s / max(1e-9, self.sounds_s):.1f} %"
        )


def pieces(
    wanted: Range, n_walks: int = 2, n_tunes: int = 3, seed: int = 0
) -> list[list[TrueNote]]:
    """The bundled tunes' first notes, moved into a range, and walks through it, drawn by a seed."""
    out = []
    for path in sorted(TUNES.glob("*.mid"))[:n_tunes]:
        song = read_midi(path)
        notes = [
            TrueNote(
                1.0 + song.tempo_map.seconds_at(n.start_frame),
                1.0 + song.tempo_map.seconds_at(n.end_frame),
                n.pitch,
                n.velocity,
            )
            for n in song.notes[:36]
        ]
        out.append(fitted(notes, wanted.low, wanted.high))
    out += [
        melody(wanted.low + 3, wanted.high - 3, seed + i, bpm=90 + 15 * i) for i in range(n_walks)
    ]
    return out


def apart(notes: Sequence[TrueNote], by_s: float) -> list[TrueNote]:
    """The notes, each ended so long before the next begins, but for no more than half of it."""
    nexts = [*(n.start_s for n in notes[1:]), float("inf")]
    return [
        n._replace(end_s=max((n.start_s + n.end_s) / 2, min(n.end_s, next_s - by_s)))
        for n, next_s in zip(notes, nexts, strict=True)
    ]


def live(sound: Sound, wanted: Range) -> tuple[list[tuple[float, int, float]], float]:
    """What is heard live, and how long that took. The first second is silence: it sets the gate."""
    tracker = PitchTracker(wanted)
    begun_s = time.process_time()
    segmenter, levels, heard = None, [], []
    for first in range(0, len(sound) - HOP, HOP):
        at_s = (first + HOP) / RATE
        hop = tracker.hear(sound[first : first + HOP], at_s)
        if at_s < 0.6:
            levels.append(hop.level_db)
            continue
        if segmenter is None:
            segmenter = Segmenter(max(-55.0, gate_above(levels)), tracker.lag_s)
        for event in segmenter.hear(hop):
            if event.velocity:
                heard.append((event.at_s, event.pitch, at_s))
            elif heard and event.at_s < heard[-1][0]:
                heard.pop()  # a scoop, corrected
    return heard, time.process_time() - begun_s


def afterwards(sound: Sound, wanted: Range) -> tuple[list[tuple[float, int, float]], float]:
    """What is heard in the whole recording, and how long that took."""
    begun_s = time.process_time()
    notes = transcribe(sound, RATE, wanted)
    busy_s = time.process_time() - begun_s
    return [(n.start_s, n.pitch, 0.0) for n in notes], busy_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranges", nargs="*", help="or names of the SoundFont's sounds")
    parser.add_argument("--places", nargs="*", default=list(PLACES))
    parser.add_argument("--walks", type=int, default=1, help="walks through the scale")
    parser.add_argument("--tunes", type=int, default=3, help="bundled tunes")
    parser.add_argument("--fluid", action="store_true", help="General MIDI's sounds instead")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--apart", type=float, default=0.0, help="seconds from note to note")
    parser.add_argument("--notes", type=int, help="no more of each piece")
    args = parser.parse_args()
    print(
        "| range | place | how | F1 | precise | recall | octaves | delay, 95 % | off | processor |"
    )
    print("|---|---|---|--:|--:|--:|--:|--:|--:|--:|")
    ways = {"live": live, "after": afterwards}
    total = {(place, way): Score() for place in args.places for way in ways}
    sounds = PLAYED if args.fluid else {name: (None, name) for name in OF_RANGE}
    for name in args.ranges or sounds:
        program, range_ = sounds[name]
        wanted = RANGES[range_]
        made = [
            apart(p[: args.notes], args.apart)
            for p in pieces(wanted, args.walks, args.tunes, args.seed)
        ]
        scores = {key: Score() for key in total}
        for place in args.places:
            for i, notes in enumerate(made):
                timbre = TIMBRES[OF_RANGE[name]] if program is None else Fluid(program)
                sound = sung(notes, timbre, PLACES[place], seed=args.seed + i)
                for way, hear in ways.items():
                    heard, busy_s = hear(sound, wanted)
                    for score in (scores[place, way], total[place, way]):
                        score.add(notes, heard)
                        score.busy_s += busy_s
                        score.sounds_s += len(sound) / RATE
            for way in ways:
                print(f"| {name} | {place} | {way} | {scores[place, way].line()} |", flush=True)
    for (place, way), score in total.items():
        print(f"| all | {place} | {way} | {score.line()} |")


if __name__ == "__main__":
    main()
