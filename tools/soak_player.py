"""The player of a soak: everything that people, and broken cables, send to a MIDI port.

`performance` is a function of its seed alone. As a process (python -m tools.soak_player) it is
played in real time into the program's port on JACK; its line of standard output, at the end, says
what was sent. JACK hands on whole messages only, so there is no running status to play.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import sys
import time
from collections.abc import Callable, Iterator

from jam.files import demo_tunes
from jam.midi.file import read_midi
from jam.performance.offline import key_strokes, melody_events

Event = tuple[float, list[int]]
"""Seconds from the start, MIDI bytes."""
SURPRISES = 0.12
"""Share of a tune's notes for which another one is played."""
STORM_HZ = 1000
LET_GO_S = 12.0
"""At the end all is let go, and so long nothing is played; then a single note asks who sounds."""
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_ON, _OFF, _POLY, _CONTROL, _PRESSURE, _BEND = 0x90, 0x80, 0xA0, 0xB0, 0xD0, 0xE0


def tune(bpm: float, seconds: float, seed: int = 1) -> Iterator[Event]:
    """A bundled tune over and over, a wrong note here and there, from beat 0 on."""
    song = read_midi(demo_tunes()[0])
    frame_s = 60 / bpm / song.tempo_map.meter_at(0).frames_per_beat
    events = key_strokes(song.melody())
    length = song.tempo_map.next_bar_frame(round(events[-1][0]))
    dice = random.Random(seed)
    offset = 0
    while offset * frame_s < seconds:
        played: dict[int, int] = {}
        for position, note_id, pitch, velocity in events:
            if velocity:
                wrong = dice.random() < SURPRISES
                played[note_id] = pitch + (dice.choice((-7, -3, -1, 1, 2, 6)) if wrong else 0)
            status = _ON if velocity else _OFF
            yield (offset + position) * frame_s, [status, played[note_id], velocity or 64]
        offset += length


class _Scenes:
    """Each method is something that a player does: events from second 0 on, in any order."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.beat_s = 60 / 100
        self.tonic = 0
        self._tunes = [melody_events(read_midi(path)) for path in demo_tunes()]

    def note(self, at_s: float, pitch: int, velocity: float, length_s: float) -> Iterator[Event]:
        pitch, velocity = min(max(pitch, 21), 108), round(min(max(velocity, 1), 127))
        yield at_s, [_ON, pitch, velocity]
        yield at_s + max(0.02, length_s), [_OFF, pitch, 64]

    def phrase_of_a_tune(self) -> Iterator[Event]:
        """Some seconds out of a tune, with wrong notes."""
        dice, events = self.dice, self.dice.choice(self._tunes)
        first = dice.randrange(len(events) // 2)
        start_s = events[first].at_s
        shift: dict[int, int] = {}
        for event in events[first : first + dice.randint(16, 120)]:
            if event.velocity:
                wrong = dice.random() < SURPRISES
                shift[event.note_id] = dice.choice((-2, -1, 1, 6)) if wrong else 0
            if event.note_id not in shift:
                continue
            pitch = event.pitch + shift[event.note_id]
            yield event.at_s - start_s, [_ON if event.velocity else _OFF, pitch, event.velocity]

    def improvisation(self) -> Iterator[Event]:
        """A line over a scale that swells and fades, legato or not, with grace notes."""
        dice = self.dice
        if dice.random() < 0.2:
            self.tonic = dice.randrange(12)
        step, at_s, n = dice.randint(26, 36), 0.0, dice.randint(8, 48)
        for i in range(n):
            octave, degree = divmod(step, 7)
            pitch = 12 * octave + _MAJOR[degree] + self.tonic + 12 * (octave < 4)
            pitch += dice.choice((-1, 1)) if dice.random() < 0.06 else 0
            length_s = self.beat_s * dice.choice((0.25, 0.5, 0.5, 0.5, 1.0, 1.5))
            loud = 50 + 55 * (1 - abs(2 * i / n - 1)) + dice.gauss(0, 6)
            if dice.random() < 0.1:  # an ornament
                before_s, grace = max(0, at_s - 0.05), pitch + dice.choice((-1, 2))
                yield from self.note(before_s, grace, loud - 10, 0.04)
            late_s = dice.gauss(0, 0.015)
            overlap = dice.choice((0.6, 0.9, 1.0, 1.2))
            yield from self.note(max(0, at_s + late_s), pitch, loud, length_s * overlap)
            at_s += length_s
            step = min(max(step + dice.choice((-2, -1, -1, 0, 1, 1, 2, 4)), 24), 44)

    def two_hands(self) -> Iterator[Event]:
        """A line above chords of the left hand."""
        dice = self.dice
        line = list(self.improvisation())
        end_s, at_s = max(at for at, _ in line), 0.0
        yield from line
        while at_s < end_s:
            root = 48 + (self.tonic + dice.choice((0, 0, 5, 7, 9))) % 12
            for i, interval in enumerate((0, 4, 7)):
                yield from self.note(at_s + 0.01 * i, root + interval, 55, 3.8 * self.beat_s)
            at_s += 4 * self.beat_s

    def trill(self) -> Iterator[Event]:
        for i in range(self.dice.randint(10, 60)):
            yield from self.note(0.07 * i, 72 + 2 * (i % 2), 70, 0.08)

    def struck_again(self) -> Iterator[Event]:
        """Keys that go down again and again and come up once, or not at all."""
        for i in range(self.dice.randint(4, 30)):
            yield 0.15 * i, [_ON, 60 + i % 3, 80]
        if self.dice.random() < 0.7:
            for pitch in (60, 61, 62):
                yield 6.0, [_OFF, pitch, 0]

    def never_struck(self) -> Iterator[Event]:
        """Note-offs of keys that never went down."""
        for i in range(40):
            yield 0.05 * i, [_OFF + i % 3, 30 + i, 10] if i % 2 else [_ON, 30 + i, 0]

    def held(self) -> Iterator[Event]:
        """A chord that is not let go for long, if ever."""
        for pitch in (55, 59, 62, 67):
            yield 0.0, [_ON, pitch, 75]
            if self.dice.random() < 0.6:
                yield self.dice.uniform(8, 40), [_OFF, pitch, 0]

    def pedal(self) -> Iterator[Event]:
        """A line with the pedal: whole, half, fluttering, or left down."""
        line = list(self.improvisation())
        yield from line
        end_s = max(at for at, _ in line)
        at_s = 0.0
        while at_s < end_s:
            for value in self.dice.choice(((127, 0), (70, 55, 64, 63, 0), range(0, 128, 4), (90,))):
                yield at_s, [_CONTROL, 64, value]
                at_s += self.dice.uniform(0.02, 1.5)
        if self.dice.random() < 0.6:
            yield end_s, [_CONTROL, 64, 0]

    def wheels(self) -> Iterator[Event]:
        """Pitch bend, modulation and aftertouch beside a line."""
        yield from self.improvisation()
        for i in range(300):
            yield 0.01 * i, [_BEND, (37 * i) % 128, (64 + i) % 128]
            yield 0.01 * i, [_CONTROL, 1, i % 128]
            yield 0.01 * i, [(_PRESSURE, _POLY)[i % 2], 60, i % 128][: 2 + i % 2]
        yield 3.0, [_BEND, 0, 64]

    def storm(self) -> Iterator[Event]:
        """A thousand events a second, as of a cat on the keys or a loop in the cables."""
        for i in range(STORM_HZ * self.dice.randint(2, 5)):
            pitch = self.dice.randint(21, 108)
            yield i / STORM_HZ, [(_ON, _OFF)[self.dice.random() < 0.5], pitch, pitch]

    def noise(self) -> Iterator[Event]:
        """Any channel message on any channel."""
        for i in range(600):
            status = self.dice.choice((_ON, _OFF, _POLY, _CONTROL, 0xC0, _PRESSURE, _BEND))
            size = 1 if status in (0xC0, _PRESSURE) else 2
            data = [self.dice.randrange(128) for _ in range(size)]
            yield 0.008 * i, [status | self.dice.randrange(16), *data]

    def clocks(self) -> Iterator[Event]:
        """A sequencer's clock, active sensing, song position and select, start and stop."""
        yield 0.0, [0xFA]
        for i in range(480):
            yield i * self.beat_s / 24, [0xF8]
            if i % 12 == 0:
                yield i * self.beat_s / 24, [0xFE]
        yield 2.0, [0xF2, 5, 6]
        yield 2.1, [0xF3, 7]
        yield 2.2, [0xFC]
        yield from self.phrase_of_a_tune()

    def exclusive(self) -> Iterator[Event]:
        """System exclusive messages, short and long."""
        for i in range(20):
            size = self.dice.choice((1, 4, 60, 500))
            yield 0.1 * i, [0xF0, *(self.dice.randrange(128) for _ in range(size)), 0xF7]


_ODDS: tuple[tuple[Callable[[_Scenes], Iterator[Event]], float], ...] = (
    (_Scenes.phrase_of_a_tune, 6),
    (_Scenes.improvisation, 6),
    (_Scenes.two_hands, 3),
    (_Scenes.pedal, 2),
    (_Scenes.trill, 1),
    (_Scenes.struck_again, 1),
    (_Scenes.never_struck, 0.5),
    (_Scenes.held, 1),
    (_Scenes.wheels, 1),
    (_Scenes.storm, 1.5),
    (_Scenes.noise, 1),
    (_Scenes.clocks, 0.8),
    (_Scenes.exclusive, 0.5),
)


def let_go(events: Iterator[Event], at_s: float) -> Iterator[Event]:
    """The events, and at the end the release, twice, of every key and pedal that is down."""
    down: set[tuple[int, int]] = set()
    pedals: set[int] = set()
    for event in events:
        yield event
        status, *values = event[1]
        kind, channel = status & 0xF0, status & 0xF
        if kind == _ON and values[1]:
            down.add((channel, values[0]))
        elif kind in (_ON, _OFF):
            down.discard((channel, values[0]))
        elif kind == _CONTROL and values[0] == 64:
            pedals.add(channel)
    for again_s in (0.0, 0.5):
        for channel, pitch in sorted(down):
            yield at_s + again_s, [_OFF | channel, pitch, 0]
        for channel in sorted(pedals):
            yield at_s + again_s, [_CONTROL | channel, 64, 0]


def people(seed: int, seconds: float) -> Iterator[Event]:
    """Scene after scene, with pauses between them in which the partner comes to its cadence."""
    dice = random.Random(seed)
    scenes = _Scenes(dice)
    makers, odds = zip(*_ODDS, strict=True)
    waiting: list[Event] = []
    at_s = 0.0
    while at_s < seconds:
        make = dice.choices(makers, odds)[0]
        scene = [(at_s + event_s, data) for event_s, data in make(scenes)]
        lasts_s = max(event_s for event_s, _ in scene) - at_s
        if make is _Scenes.held:  # the music goes on over it
            lasts_s = 1.0
        at_s += lasts_s + dice.choice((0.0, 0.1, 0.6, 1.2, 3.0, dice.uniform(4, 30)))
        waiting = sorted([*waiting, *scene], key=lambda event: event[0])
        due = [event for event in waiting if event[0] < min(at_s, seconds)]
        yield from due
        waiting = [event for event in waiting if min(at_s, seconds) <= event[0] < seconds]


def performance(player: str, seed: int, seconds: float, bpm: float) -> Iterator[Event]:
    """All that is sent, in order of time. player: "people" or "tune" (`bpm` is the tune's)."""
    events = tune(bpm, seconds, seed) if player == "tune" else people(seed, seconds)
    yield from let_go((event for event in events if event[0] < seconds), seconds)
    yield seconds + LET_GO_S, [_ON, 60, 40]
    yield seconds + LET_GO_S + 0.3, [_OFF, 60, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("player", choices=("people", "tune"))
    parser.add_argument("seed", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("bpm", type=float)
    args = parser.parse_args()
    import rtmidi

    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="player")
    names = port.get_ports()
    port.open_port(next(i for i, name in enumerate(names) if name.endswith("jam in")))
    print("playing", flush=True)
    n_events = n_notes = 0
    start_s = time.perf_counter()
    for at_s, data in performance(args.player, args.seed, args.seconds, args.bpm):
        wait_s = start_s + at_s - time.perf_counter()
        if wait_s > 0 and select.select([sys.stdin], [], [], wait_s)[0]:
            break  # told to end
        port.send_message(data)
        n_events += 1
        n_notes += data[0] & 0xF0 == _ON and data[2] > 0
    time.sleep(0.2)
    port.close_port()
    print(json.dumps({"events": n_events, "notes": n_notes}))


if __name__ == "__main__":
    main()
