"""The last time through a song: after its chorus a cadence and rest, and then from the top."""

from __future__ import annotations

import pytest

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.charts.text import read_text
from jam.messages.notes import NoteEvent
from jam.music.chord import Chord
from jam.performance.conductor import Conductor
from jam.settings import JamSettings

SONG = "key: F\n| F | Bb | F | C7 |"
CHORUS = 64


class Jam:
    def __init__(self, song: str = SONG) -> None:
        settings = JamSettings(listen_bars=0, metronome=False)
        self.conductor = Conductor(settings, 0.0)
        self.agent = Anticipator(RuleBasedPredictor())
        self.conductor.use_song(read_text(song).song, -1.0, 0)

    def s(self, frame: float) -> float:
        return self.conductor.tempo_map.seconds_at(frame)

    def until(self, frame: int, playing: bool = True) -> None:
        while (now := len(self.conductor.rows)) < frame:
            if playing and now % 4 == 0:
                self.conductor.play(NoteEvent(now, 72, 80, self.s(now)))
                self.conductor.play(NoteEvent(now, 72, 0, self.s(now + 0.4)))
            if self.conductor.advance(self.s(now + 0.6)):
                plan = self.agent.plan(self.conductor.request())
                self.conductor.take(plan, self.s(now + 0.6))

    def last(self) -> None:
        self.conductor.cue("last", self.s(len(self.conductor.rows)))

    def chords(self, first: int, end: int) -> set[Chord | None]:
        return {state.chord for state in self.conductor.chord_line()[first:end]}


F, C7 = Chord(5, "maj"), Chord(0, "7")


def test_the_last_chorus_is_played_out_and_the_tonic_ends_it() -> None:
    jam = Jam()
    jam.until(CHORUS + 20)
    jam.last()
    place = jam.conductor.place_in_form(CHORUS + 20)
    assert place is not None and place.chorus == 1 and place.is_last
    jam.until(2 * CHORUS + 40)
    assert jam.chords(2 * CHORUS - 16, 2 * CHORUS) == {C7}
    assert jam.chords(2 * CHORUS, 2 * CHORUS + 16) == {F}
    assert jam.chords(2 * CHORUS + 16, 2 * CHORUS + 40) == {None}


def test_asked_twice_it_goes_on() -> None:
    jam = Jam()
    jam.until(20)
    jam.last()
    jam.until(30)
    jam.last()
    jam.until(2 * CHORUS)
    assert jam.chords(CHORUS + 16, CHORUS + 32) == {Chord(10, "maj")}


def test_who_plays_again_after_a_rest_has_it_from_the_top() -> None:
    jam = Jam()
    jam.last()
    jam.until(CHORUS + 16)
    jam.until(CHORUS + 50, playing=False)
    jam.until(CHORUS + 140)
    playing = jam.conductor.playing
    assert playing is not None
    first = 16 * playing.first_bar
    assert CHORUS + 50 < first <= CHORUS + 80
    assert jam.chords(first, first + 16) == {F}
    assert jam.chords(first + 16, first + 32) == {Chord(10, "maj")}
    place = jam.conductor.place_in_form(first)
    assert place is not None and not place.is_last


@pytest.mark.parametrize("song", ["key: F\n| F | ? |", "| C | ? | ? | ? |"])
def test_a_song_that_ends_in_free_bars_ends_too(song: str) -> None:
    jam = Jam(song)
    bars = len(read_text(song).song.bars)
    jam.until(4)
    jam.last()
    jam.until(16 * bars + 60)
    assert jam.chords(16 * bars + 36, 16 * bars + 60) == {None}


def test_without_a_song_nothing_happens() -> None:
    conductor = Conductor(JamSettings(), 0.0)
    conductor.cue("last", 0.5)
    assert conductor.ending is None and conductor.place_in_form(0) is None
