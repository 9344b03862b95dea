"""A tune that is practised: its notes by bar, hands, waiting, and an agent that leads with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.agent.soloist import planned
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.messages.notes import NoteEvent
from jam.music.grid import Meter, TempoMap
from jam.music.role import LEADS
from jam.music.song import copy, delete, insert, paste, transpose
from jam.music.tune import LEFT, RIGHT, due, with_tune
from jam.performance.conductor import Conductor
from jam.roles.phrase import SOLO
from jam.sessions.rows import tempo_of_json, tempo_to_json
from jam.settings import JamSettings
from tests.support.examples import examples

PLAIN = read_text("key: C\n| C | F | G7 | C |").song
MAP = TempoMap.constant(120.0, Meter(4, 4))
NOTES = [(16.0 * bar + 4 * beat, 16.0 * bar + 4 * beat + 3, 64 + bar + beat, 80)
         for bar in range(4) for beat in range(4)]  # fmt: skip
LOW = [(16.0 * bar, 16.0 * bar + 14, 48, 70) for bar in range(4)]
SONG = with_tune(PLAIN, [*NOTES, *LOW], MAP, 0)


def conductor(**settings: object) -> Conductor:
    values = {"bpm": 120.0, "listen_bars": 0, "count_in_bars": 0, **settings}
    made = Conductor(JamSettings(**values), 0.0, 1)  # type: ignore[arg-type]
    made.use_song(SONG, 0.0, 0)
    return made


def test_the_notes_come_again_with_every_chorus_in_its_key() -> None:
    first = list(due(SONG, 0, MAP, 0, 64))
    again = list(due(SONG, 0, MAP, 64, 128, step=2))
    assert len(first) == 20 and [n.pitch + 2 for n in first] == [n.pitch for n in again]
    assert {n.hand for n in first if n.pitch < 60} == {LEFT}
    assert {n.hand for n in first if n.pitch >= 60} == {RIGHT}
    looped = replace(SONG, loop=(1, 3))
    pitches = [n.pitch for n in due(looped, 0, MAP, 0, 16) if n.hand == RIGHT]
    assert pitches == [65, 66, 67, 68]


def test_a_song_keeps_its_melody() -> None:
    text = write_text(SONG)
    assert "melody: 2 C3@0+14!70 F4@0+3 " in text and read_text(text).song == SONG
    higher = transpose(SONG, 2)
    assert [n.pitch for n in higher.bars[0].tune] == [n.pitch + 2 for n in SONG.bars[0].tune]
    longer = insert(SONG, 0, copy(SONG, 2, 4))
    assert [b.tune for b in longer.bars[:3]] == [SONG.bars[i].tune for i in (2, 3, 0)]
    assert delete(SONG, 0, 1).bars[0].tune != SONG.bars[0].tune
    typed = read_text("| Am | Dm |").song  # chords that are typed leave the melody alone
    assert [b.tune for b in paste(SONG, 0, typed.bars).bars] == [b.tune for b in SONG.bars]
    for bad in ("melody: 9 C4@0+4", "melody: x", "melody: 1 C4", "melody: 1 C4@16+4"):
        with pytest.raises(BadInput, match="melody"):
            read_text(f"{bad}\n| C | F |")


@pytest.mark.parametrize(
    ("plays", "theirs"), [("left", {48}), ("none", set()), ("all", None), ("off", None)]
)
def test_a_hand_is_played_for_you(plays: str, theirs: set[int] | None) -> None:
    made = conductor(tune_plays=plays)
    made.advance(0.3)
    played = {n.pitch for n in made.notes() if n.part == SOLO}
    shown = {n.pitch for n in made.expected()}
    if plays == "off":
        assert not made.practises and not played
    elif theirs is None:
        assert 48 in played and 64 in played and not shown
    else:
        assert played == theirs and not shown & played and 65 in shown


@pytest.mark.parametrize(("plays", "ends"), [("all", False), ("none", True)])
def test_who_listens_to_the_melody_has_not_stopped(plays: str, ends: bool) -> None:
    made = conductor(tune_plays=plays)
    made.play(NoteEvent(1, 64, 80, 0.01))
    made.play(NoteEvent(1, 64, 0, 0.2))
    for frame in range(16 * 5):
        made.advance(MAP.seconds_at(frame + 0.5))
    assert (made.ending is not None) == ends


def test_the_music_waits_for_the_right_key() -> None:
    made = conductor(waits=True)
    now_s = 0.0

    def until(end_s: float) -> None:
        nonlocal now_s
        while now_s < end_s:
            now_s += 0.02
            made.wait(now_s)
            made.advance(now_s)

    for i, pitch in enumerate((48, 64)):  # the first beat; the second isn't played
        made.play(NoteEvent(i, pitch, 80, 0.01))
    until(3.0)
    assert 3.0 < made.tempo_map.position_at(now_s) <= 4.0
    made.play(NoteEvent(8, 66, 80, now_s))  # a wrong one
    until(4.0)
    assert made.tempo_map.position_at(now_s) <= 4.0
    made.play(NoteEvent(9, 65, 80, now_s))
    made.wait(now_s)
    assert made.tempo_map.position_at(now_s) == pytest.approx(4.0, abs=0.2)
    assert made.tempo_map.bpm_at(5) == 120.0
    until(now_s + 0.4)  # and it goes on in time
    assert made.tempo_map.position_at(now_s) == pytest.approx(4 + 0.4 * 8, abs=0.6)
    assert made.rows[3].melody.pitch == 64


def test_an_agent_leads_with_the_tune() -> None:
    made, agent = conductor(role=LEADS), Anticipator(RuleBasedPredictor(), 1)
    for frame in range(-1, 60):
        now_s = MAP.seconds_at(frame + 0.5)
        if made.advance(now_s):
            made.take(planned(agent, made.request()), now_s)
    pitches = [row.melody.pitch for row in made.rows[17:48] if row.melody.onset]
    assert [p for p in pitches if p and p > 60][:4] == [66, 67, 68, 66]
    assert any(n.part == SOLO for n in made.notes())


@examples(60)
@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0.0, 5.0)), max_size=6), st.floats(40, 200))
def test_a_map_that_is_held_goes_on_forwards(holds: list[tuple[int, float]], bpm: float) -> None:
    tempo_map = TempoMap.constant(bpm, Meter(3, 4))
    for frame, by_s in sorted(holds):
        before = tempo_map
        tempo_map = before.held(frame, before.seconds_at(frame) + by_s)
        assert tempo_map.seconds_at(frame) == pytest.approx(before.seconds_at(frame) + by_s)
        for earlier in range(frame):
            assert tempo_map.seconds_at(earlier) == pytest.approx(before.seconds_at(earlier))
        later = frame + 7
        moved = tempo_map.seconds_at(later) - before.seconds_at(later)
        assert moved == pytest.approx(by_s, abs=1e-6)
        assert tempo_map.place(later) == before.place(later)
        assert tempo_map.position_at(tempo_map.seconds_at(later)) == pytest.approx(later)
    kept = tempo_of_json(tempo_to_json(tempo_map))  # a library takes it
    assert kept.seconds_at(70) == pytest.approx(tempo_map.seconds_at(70))
