"""The accompaniment as a musician: it follows the player, ends with them, comes back with them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import BASS_RANGE
from jam.accompaniment.styles import DRUMS
from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor, ScriptedPredictor
from jam.files import demo_tunes
from jam.messages.notes import PlannedNote
from jam.midi.file import read_midi
from jam.music.chord import Chord
from jam.music.grid import METERS, Meter, TempoMap
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState
from jam.performance.conductor import Conductor
from jam.performance.ending import come_back, ending_from, overruled
from jam.performance.offline import render
from jam.performance.presence import HIGHEST_ROOM, LOWEST_ROOM, Presence
from jam.settings import JamSettings
from tests.support.strategies import chords as any_chords
from tests.unit.test_conductor import Session

C_MAJOR = (60, 64, 67, 64, 62, 59, 60, 60)


def jam(style: str = "pop", meter: str = "4/4", n_frames: int = 2000) -> Session:
    """A session with a chord of its own every bar: F, C, F, C …"""
    bar = Meter.parse(meter).frames_per_bar
    roots = (5, 0)
    chords = [ChordState(Chord(roots[f // bar % 2]), f % bar == 0) for f in range(n_frames)]
    settings = JamSettings(meter=Meter.parse(meter), listen_bars=1, accompaniment=style, feel=0.0)
    return Session(Conductor(settings, 0.0, 3), Anticipator(ScriptedPredictor(chords)))


def play_bars(session: Session, bars: int, velocity: int = 80, every: int = 4) -> None:
    """A C major scale, a note every so many frames."""
    conductor = session.conductor
    per_bar = conductor.settings.meter.frames_per_bar
    for n in range(bars * per_bar // every):
        note = session.press(C_MAJOR[n % len(C_MAJOR)] + 12, velocity)
        rest(session, every - 1)
        session.release(note)
        rest(session, 1)


def rest(session: Session, frames: float) -> None:
    for _ in range(round(frames * 4)):
        session.tick()


def position(session: Session) -> float:
    return session.conductor.tempo_map.position_at(session.now_s)


@pytest.mark.parametrize("meter", METERS)
def test_when_the_player_stops_it_ends_and_when_they_return_it_returns(meter: str) -> None:
    session = jam(meter=meter)
    conductor, bar = session.conductor, Meter.parse(meter).frames_per_bar
    rest(session, 1)
    play_bars(session, 6, every=2)
    stopped = position(session)
    rest(session, 6 * bar)
    line = conductor.chord_line()
    # It rests; the last chord before is the tonic, of a bar, from a bar line on.
    assert line[-1] == NO_CHORD and conductor.ending is not None
    final = conductor.ending.final_frame
    assert final % bar == 0 and stopped + 2 * bar <= final <= stopped + 5 * bar
    assert {s.chord for s in line[final : final + bar]} == {Chord(0)}
    assert all(state == NO_CHORD for state in line[final + bar :])
    sounding = [n for n in conductor.notes() if n.start_frame >= final]
    assert {n.start_frame for n in sounding} == {final}  # struck once
    assert {n.part for n in sounding} == {"chords", "bass", "drums"}
    # The player comes back.
    back = position(session)
    play_bars(session, 4, every=2)
    again = [f for f, s in enumerate(conductor.chord_line()) if f > back and s.onset]
    assert again and again[0] <= back + bar + 2 * conductor.settings.meter.frames_per_beat
    assert conductor.tempo_map.place(again[0]).strength >= 2
    assert conductor.ending is None
    assert [n for n in conductor.notes() if n.start_frame >= again[0]]


def test_a_player_who_goes_on_in_time_calls_the_ending_off() -> None:
    session = jam()
    rest(session, 1)
    play_bars(session, 4)
    rest(session, 33)  # two bars, and the ending is decided
    assert session.conductor.ending is not None
    play_bars(session, 4)
    assert session.conductor.ending is None
    line = session.conductor.chord_line()
    assert all(state.chord is not None for state in line[16:])


def test_nobody_ends_before_the_player_has_begun_or_while_listening() -> None:
    session = jam()
    rest(session, 16 * 8)
    assert session.conductor.ending is None
    assert all(state.chord for state in session.conductor.chord_line()[16:])


@given(
    st.integers(0, 100),
    st.sampled_from(METERS).map(Meter.parse),
    st.none() | any_chords,
    st.none() | st.tuples(st.integers(0, 11), st.booleans()),
)
def test_endings_are_cadences(
    frame: int, meter: Meter, last: Chord | None, key: tuple[int, bool] | None
) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    ending = ending_from(frame, tempo_map, last, key)
    assert frame <= ending.start_frame <= ending.final_frame < ending.rest_frame
    assert ending.start_frame % meter.frames_per_bar == 0
    states = [ending.state(f) for f in range(ending.start_frame, ending.rest_frame + 5)]
    assert states[0].onset and states[-1] == NO_CHORD
    assert sum(state.onset for state in states) in (1, 2)
    if key is not None:
        assert ending.final == Chord(key[0], "min" if key[1] else "maj")
    for before, after in pairwise(s.chord for s in states):
        if before != after and after is not None:
            assert before is not None and (before.root - after.root) % 12 == 7
    assert come_back(ending, ending.start_frame, False, tempo_map) is None
    back = come_back(ending, ending.rest_frame + 1, True, tempo_map)
    assert back is not None and back.back_frame is not None
    assert tempo_map.place(back.back_frame).strength >= 2
    line = [NO_CHORD] * (back.back_frame + 4)
    line[-1] = ChordState(Chord(5), True)
    new = overruled(back, line, ending.start_frame)
    assert new[back.back_frame] == ChordState(Chord(5), True)


def test_presence_is_loud_dense_and_low_as_the_player_is() -> None:
    meter, presence = Meter(), Presence()
    assert presence.thin(0, meter) == 0
    assert presence.loudness == 64
    for n in range(64):
        presence.note_on(float(n), 76, 110)
        presence.close(n, MelodyState(76, True))
    assert presence.loudness > 105
    assert presence.thin(64, meter) == 2  # sixteenths
    assert presence.room(64, meter) == HIGHEST_ROOM
    for n in range(64, 96):
        presence.close(n, REST)
    assert presence.thin(96, meter) == 1  # stopped for more than a bar
    for n in range(96, 128, 2):
        presence.note_on(float(n), 50, 20)
    assert presence.loudness < 45
    assert presence.thin(128, meter) == 1  # eighths
    assert presence.room(128, meter) == LOWEST_ROOM


def last_bar(session: Session) -> list[PlannedNote]:
    end = int(position(session)) // 16 * 16
    return [n for n in session.conductor.notes() if end - 16 <= n.start_frame < end]


def test_it_thins_out_where_the_player_is_dense() -> None:
    counts = []
    for every in (8, 2, 1):
        session = jam()
        rest(session, 1)
        play_bars(session, 8, every=every)
        counts.append(len(last_bar(session)))
    assert counts[0] > counts[1] > counts[2] > 0


def test_another_style_begins_at_the_next_bar_line_that_is_not_committed() -> None:
    session = jam("held")
    rest(session, 1)
    play_bars(session, 4)
    conductor = session.conductor
    before = {n.note_id: n for n in conductor.notes()}
    committed = conductor.committed_until_frame
    conductor.change_settings(conductor.settings.changed(accompaniment="pop"), session.now_s)
    line = conductor.tempo_map.next_bar_frame(committed)
    assert conductor.style_at(line - 1).name == "held" and conductor.style_at(line).name == "pop"
    now = {n.note_id: n for n in conductor.notes()}
    assert {i for i, n in now.items() if n.start_frame < line} == {
        i for i, n in before.items() if n.start_frame < line
    }
    play_bars(session, 2)
    drums = [n.start_frame for n in conductor.notes() if n.part == "drums"]
    assert min(drums) == line
    assert conductor.request().settings.style == "pop"  # and the model knows
    assert conductor.request().settings.accompaniment == "pop"


def test_bass_and_drums_can_be_left_out() -> None:
    session = jam("pop")
    rest(session, 1)
    play_bars(session, 3)
    conductor = session.conductor
    off = conductor.settings.changed(bass=False, drums=False)
    committed = conductor.committed_until_frame
    conductor.change_settings(off, session.now_s)
    play_bars(session, 2)
    late = [n for n in conductor.notes() if n.start_frame >= committed]
    assert {n.part for n in late} == {"chords"}
    assert any(n.pitch in range(*BASS_RANGE) for n in late)  # the chords have the root


def test_what_the_band_is_asked_for_begins_at_the_next_bar_line_that_is_not_committed() -> None:
    session = jam("pop")
    rest(session, 1)
    play_bars(session, 4)
    conductor = session.conductor

    def ask(wanted: str) -> int:
        line = conductor.tempo_map.next_bar_frame(conductor.committed_until_frame)
        committed = conductor.committed_until_frame

        def sure() -> list[PlannedNote]:
            return [n for n in conductor.notes() if n.start_frame < committed]

        before = [(n.note_id, n.velocity) for n in sure()]
        conductor.cue(wanted, session.now_s)
        assert sorted(before) == sorted((n.note_id, n.velocity) for n in sure())
        play_bars(session, 3)
        return line

    line = ask("break")
    inside = [n for n in conductor.notes() if line <= n.start_frame < line + 16]
    assert {n.start_frame for n in inside} == {line}
    assert max(n.end_frame for n in inside) <= line + 4
    line = ask("fill")
    toms = [n for n in conductor.notes() if n.pitch == DRUMS["low_tom"] and n.part == "drums"]
    assert any(line + 8 <= n.start_frame < line + 16 for n in toms)


@pytest.mark.parametrize("style", ["piano", "pop"])
def test_another_variation_has_other_bars(style: str) -> None:
    def bars(cue: bool) -> list[tuple[float, int]]:
        session = jam(style)
        session.conductor.change_settings(session.conductor.settings.changed(feel=0.5), 0.0)
        rest(session, 1)
        play_bars(session, 4)
        line = session.conductor.tempo_map.next_bar_frame(session.conductor.committed_until_frame)
        if cue:
            session.conductor.cue("variation", session.now_s)
        play_bars(session, 3)
        return [(n.start_frame, n.pitch) for n in session.conductor.notes() if n.start_frame > line]

    assert bars(True) != bars(False)


def test_an_ending_that_is_asked_for_comes_though_the_player_plays_on() -> None:
    session = jam("pop")
    rest(session, 1)
    play_bars(session, 4)
    session.conductor.cue("ending", session.now_s)
    play_bars(session, 5)
    assert session.conductor.phase(session.now_s) == "resting"
    rest(session, 20)
    play_bars(session, 2)
    assert session.conductor.phase(session.now_s) == "playing"


@pytest.mark.parametrize("style", ["pop", "swing"])
def test_render_ends_with_a_cadence(style: str) -> None:
    song = read_midi(demo_tunes()[2])
    take = render(song, RuleBasedPredictor(), JamSettings(accompaniment=style, feel=0.0), 5)
    assert set(take.parts) == {"player", "chords", "bass", "drums"}
    final = max(f for f, state in enumerate(take.chords) if state.onset)
    assert take.chords[-1].chord == take.chords[final].chord
    assert len(take.chords) - final == song.tempo_map.meter_at(final).frames_per_bar
    for part in ("chords", "bass"):
        assert max(n.start_frame for n in take.parts[part]) == final
        assert max(n.end_frame for n in take.parts[part]) == len(take.chords)


@pytest.mark.parametrize("style", ["piano", "ballad", "arpeggio"])
@pytest.mark.parametrize("tune", demo_tunes(), ids=lambda path: path.stem)
def test_the_melody_keeps_its_octave(tune: Path, style: str) -> None:
    """Never more than one voice from six semitones below the melody's note to five above."""
    take = render(read_midi(tune), RuleBasedPredictor(), JamSettings(accompaniment=style), 1)
    chords = take.parts["chords"]
    for note in take.parts["player"]:
        for frame in range(round(note.start_frame), round(note.end_frame)):
            near = {
                c.pitch
                for c in chords
                if c.start_frame <= frame < c.end_frame and -6 <= c.pitch - note.pitch <= 5
            }
            assert len(near) <= 1
