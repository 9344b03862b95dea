"""Free bars lead to the chord that the song has after them, and chords may be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from jam.agent.anticipation import Anticipator
from jam.agent.moves import RETURNS, leading, lift, returning
from jam.agent.rules import RuleBasedPredictor
from jam.charts.text import read_text
from jam.messages.notes import AGENT, SONG
from jam.messages.plans import InForm, Plan
from jam.music.chord import Chord
from jam.music.rows import HOLD, ChordState, onset_class
from jam.performance.conductor import Conductor
from jam.performance.song_line import freed
from jam.settings import JamSettings

SETTINGS = JamSettings(listen_bars=0, metronome=False, accompaniment="held")
G7, C, FSHARP = Chord(7, "7"), Chord(0, "maj"), Chord(6, "maj")


def test_moves_are_those_of_songs_in_every_key() -> None:
    assert lift(G7, C) > 5 > lift(FSHARP, C)
    for up in range(12):
        assert lift(G7.transposed(up), C.transposed(up)) == lift(G7, C)


def test_a_goal_weighs_more_the_nearer_it_is() -> None:
    near, far = leading(C, 2, FSHARP), leading(C, 60, FSHARP)
    assert near[onset_class(G7)] > far[onset_class(G7)] > -0.01
    assert near[HOLD] < far[HOLD] < 0
    assert np.abs(far).max() < 0.3


def plans(song: str, frames: int, goals: bool = True, **changes: float) -> list[Plan]:
    conductor = Conductor(SETTINGS.changed(**changes), 0.0, seed=5, follows_stops=False)
    agent = Anticipator(RuleBasedPredictor(), 5)
    conductor.use_song(read_text(song).song, -1.0, 0)
    made = []
    for frame in range(frames):
        now_s = conductor.tempo_map.seconds_at(frame + 0.75)
        conductor.advance(now_s)
        request = conductor.request()
        if goals:
            assert all(f > request.next_frame for f, _ in request.goals)
        made.append(conductor.take(agent.plan(request), now_s))
    return made


def test_the_request_says_where_free_bars_lead() -> None:
    conductor = Conductor(SETTINGS, 0.0)
    conductor.use_song(read_text("| C | ? | F | ? | N.C. |").song, -1.0, 0)
    conductor.advance(conductor.tempo_map.seconds_at(0.6))
    assert conductor.request().goals == ((32, Chord(5, "maj")),)


def test_the_request_says_what_returns_and_where_phrases_close() -> None:
    conductor = Conductor(SETTINGS, 0.0)
    conductor.use_song(read_text("[A]\n| ? | ? |\n[A]\n| ? | ? |").song, -1.0, 0)
    conductor.advance(conductor.tempo_map.seconds_at(0.6))
    request = conductor.request()
    known = [InForm(f // 16 % 2 == 1, f - 32 if f >= 32 else None) for f in range(64)]
    assert request.form == tuple(known[request.next_frame : request.next_frame + len(request.form)])
    assert len(request.form) == request.lookahead_frames


def test_what_a_section_had_is_likelier_when_it_returns() -> None:
    assert returning(ChordState(C, True), G7)[onset_class(C)] == RETURNS
    assert returning(ChordState(C, True), C)[onset_class(C)] == RETURNS
    assert returning(ChordState(C, False), C)[HOLD] == RETURNS
    assert returning(ChordState(C, False), G7)[onset_class(C)] == RETURNS
    assert not returning(ChordState(), C).any()


def at(plans: Sequence[Plan], frame: int) -> Chord | None:
    plan = max((p for p in plans if p.start_frame <= frame), key=lambda p: p.start_frame)
    return plan.chords[frame - plan.start_frame].chord


def test_plans_agree_as_ever_where_nothing_unexpected_comes() -> None:
    """A goal that comes into sight is known before the first chord that it matters to."""
    made = plans("| C | ? | ? | F | ? | Am |", 96)
    for before, after in pairwise(made):
        for frame in range(after.start_frame, before.end_frame):
            known = before.expected_melody[frame - before.start_frame]
            if known.pitch is None:
                assert (
                    before.chords[frame - before.start_frame].chord
                    == after.chords[frame - after.start_frame].chord
                )


def test_a_song_that_changes_its_goal_has_the_free_bar_planned_anew() -> None:
    agent = Anticipator(RuleBasedPredictor(), 1)
    conductor = Conductor(SETTINGS.changed(commit_beats=0), 0.0, seed=1, follows_stops=False)
    conductor.use_song(read_text("| ? | C | ? | C |").song, -1.0, 0)
    conductor.advance(conductor.tempo_map.seconds_at(0.6))
    agent.plan(conductor.request())
    conductor.use_song(read_text("| ? | F# | ? | C |").song, conductor.tempo_map.seconds_at(0.7))
    conductor.forget_requests()
    anew = agent.plan(conductor.request())
    fresh = Anticipator(RuleBasedPredictor(), 1)
    conductor.forget_requests()
    assert anew.chords == fresh.plan(conductor.request()).chords


def test_replaced_chords_are_never_two_in_a_row_and_never_the_first() -> None:
    for chorus in range(20):
        numbers = freed(32, chorus, 3, 1.0)
        assert numbers == frozenset(range(1, 32, 2))
        some = freed(32, chorus, 3, 0.3)
        assert 0 not in some and not any(n + 1 in some for n in some)
    assert freed(32, 0, 3, 0.0) == frozenset()
    assert len({freed(32, chorus, 3, 0.3) for chorus in range(20)}) > 10


@pytest.mark.parametrize("agent", [True, False])
def test_what_is_replaced_is_the_agents_and_if_it_is_late_the_songs(agent: bool) -> None:
    conductor = Conductor(SETTINGS.changed(reharmonise=1.0), 0.0, follows_stops=False)
    anticipator = Anticipator(RuleBasedPredictor())
    conductor.use_song(read_text("| Am | D7 | Gm | C7 |").song, -1.0, 0)
    said: dict[int, str] = {}
    for frame in range(128):
        now_s = conductor.tempo_map.seconds_at(frame + 0.75)
        n = len(conductor.rows)
        if conductor.advance(now_s) and agent:
            conductor.take(anticipator.plan(conductor.request()), now_s)
        said.update(conductor.sources(n))
    line = conductor.chord_line()
    for frame in range(128):
        if frame // 16 % 2 == 0:
            assert line[frame].chord == Chord((9, 7)[frame // 32 % 2], "min")
            assert said[frame] == SONG
        elif agent:
            assert said[frame] == AGENT
        else:
            assert line[frame].chord == Chord((2, 0)[frame // 32 % 2], "7")


def test_the_request_says_how_long_the_form_is() -> None:
    conductor = Conductor(SETTINGS, 0.0)
    conductor.advance(conductor.tempo_map.seconds_at(0.6))
    assert conductor.request().form_bars is None
    conductor.use_song(read_text("|: C | ? :| F |").song, -1.0, 0)
    assert conductor.request().form_bars == 5
