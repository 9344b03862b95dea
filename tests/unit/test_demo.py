"""The demo's player: it follows the session, and holds no key when the session has stopped."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from jam.audio.mixer import Sound
from jam.clock import FakeClock
from jam.engine.demo import TunePlayer
from jam.files import demo_tunes
from jam.messages.commands import KeyInput
from jam.messages.notes import NoteEvent
from jam.messages.snapshot import Snapshot
from jam.midi.file import read_midi
from jam.music.grid import TempoMap
from jam.settings import JamSettings
from jam.stage.player import Player

SONG = read_midi(demo_tunes()[0])
SETTINGS = JamSettings(bpm=SONG.tempo_map.bpm_at(0))
FIRST_S = 1.0
"""When frame 0 begins."""


class Stage:
    """The stage's own player; its snapshots come late. Sessions: from when to when."""

    def __init__(
        self, clock: FakeClock, sessions: list[tuple[float, float]], late_s: float
    ) -> None:
        self.clock, self.sessions, self.late_s = clock, sessions, late_s
        self.player = Player(clock, threading.Event(), Sound())
        self.tune = TunePlayer(self.send, self.snapshot, SONG, clock)
        self.end_s = sessions[-1][1] + 2.0

    def send(self, command: object) -> None:
        if isinstance(command, KeyInput):
            self.player.computer_key(command.pitch, command.velocity, command.at_s)

    def snapshot(self) -> Snapshot | None:
        now_s = self.clock.now_s()
        if now_s > self.end_s:
            self.tune.close()
        for start_s, end_s in self.sessions:
            if start_s <= now_s - self.late_s < end_s:
                tempo_map = TempoMap.constant(SETTINGS.bpm, SETTINGS.meter, start_s)
                return Snapshot(1, True, "playing", now_s, tempo_map, SETTINGS)
        tempo_map = TempoMap.constant(SETTINGS.bpm, SETTINGS.meter)
        return Snapshot(1, False, "stopped", now_s, tempo_map, SETTINGS)

    def run(self) -> list[NoteEvent]:
        self.tune.run()
        return [event for event in self.player.played if isinstance(event, NoteEvent)]


def held_at_the_end(events: list[NoteEvent]) -> set[int]:
    held: set[int] = set()
    for event in events:
        (held.add if event.velocity else held.discard)(event.note_id)
    return held


@pytest.mark.parametrize("late_s", [0.0, 0.017, 0.06])
def test_nothing_sounds_when_it_is_stopped_just_as_a_note_begins(late_s: float) -> None:
    """A sweep of the moment of the stop over the beginnings of notes, and of what lies between."""
    strokes = [FIRST_S + SONG.tempo_map.seconds_at(n.start_frame) for n in SONG.melody()[:6]]
    stops = {s + ms / 1000 for s in strokes for ms in (-70, -50, -30, -10, -1, 0, 1, 5, 20, 50, 70)}
    for stop_s in sorted(stops):
        stage = Stage(FakeClock(), [(FIRST_S, stop_s)], late_s)
        events = stage.run()
        assert held_at_the_end(events) == set()
        # What it didn't know of the stop, and the time between two looks.
        assert all(event.at_s <= stop_s + late_s + 0.051 for event in events)


def test_it_lets_go_when_it_is_closed() -> None:
    note, at = SONG.melody()[0], SONG.tempo_map.seconds_at
    start_s, end_s = FIRST_S + at(note.start_frame), FIRST_S + at(note.end_frame)
    for closed_s in (start_s + 0.001, (start_s + end_s) / 2, end_s, end_s + 0.001):
        stage = Stage(FakeClock(), [(FIRST_S, 60.0)], 0.0)
        stage.end_s = closed_s
        events = stage.run()
        assert events and held_at_the_end(events) == set()


def test_it_begins_anew_with_every_session() -> None:
    """Whether a stop was seen between the two or not."""
    n = 5
    for pause_s in (0.0, 1.0):
        first_end_s = 6.0
        again_s = first_end_s + pause_s
        stage = Stage(FakeClock(), [(FIRST_S, first_end_s), (again_s, again_s + 5.0)], 0.0)
        struck = [event for event in stage.run() if event.velocity]
        tune = [note.pitch for note in SONG.melody()[:n]]
        assert [event.pitch for event in struck[:n]] == tune
        second = [event for event in struck if event.at_s >= again_s]
        assert [event.pitch for event in second[:n]] == tune
        assert second[0].at_s == pytest.approx(
            again_s + SONG.tempo_map.seconds_at(SONG.melody()[0].start_frame), abs=0.051
        )


def test_it_follows_the_tempo_of_the_session() -> None:
    stage = Stage(FakeClock(), [(FIRST_S, 8.0)], 0.0)
    slow = replace(SETTINGS, bpm=SETTINGS.bpm / 2)
    told = stage.snapshot

    def slowly() -> Snapshot | None:
        snapshot = told()
        assert snapshot is not None
        return replace(snapshot, tempo_map=TempoMap.constant(slow.bpm, slow.meter, FIRST_S))

    tune = TunePlayer(stage.send, slowly, SONG, stage.clock)
    stage.tune = tune
    struck = [event for event in stage.run() if event.velocity]
    expected = [FIRST_S + 2 * SONG.tempo_map.seconds_at(n.start_frame) for n in SONG.melody()]
    assert [e.at_s for e in struck] == pytest.approx(expected[: len(struck)], abs=1e-6)
    assert len(struck) >= 3
