"""The session without threads: whatever player and agent do, commitments hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor, ScriptedPredictor
from jam.messages.notes import NoteEvent, PlannedNote
from jam.music.chord import Chord
from jam.music.grid import Meter
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.conductor import Conductor
from jam.settings import JamSettings
from tests.support.examples import examples


class Session:
    """Drives a conductor and an agent by hand: time goes in ticks of a quarter of a frame."""

    def __init__(self, conductor: Conductor, anticipator: Anticipator) -> None:
        self.conductor, self.anticipator = conductor, anticipator
        self.now_s = conductor.tempo_map.seconds_at(-1)
        self.committed: dict[int, ChordState] = {}
        self.started: dict[int, PlannedNote] = {}
        self._ids = 0

    def tick(self, agent_answers: bool = True) -> None:
        position = self.conductor.tempo_map.position_at(self.now_s)
        self.now_s = self.conductor.tempo_map.seconds_at(position + 0.25)
        if self.conductor.advance(self.now_s) and agent_answers:
            self.answer()
        self.check()

    def answer(self) -> None:
        plan = self.anticipator.plan(self.conductor.request())
        taken = self.conductor.take(plan, self.now_s)
        # What log, review and window get is what sounded and will sound, the joint included.
        line = self.conductor._line[taken.start_frame : taken.end_frame]
        assert taken.chords == tuple(line) and len(line) == len(plan.chords)

    def press(self, pitch: int, velocity: int = 80) -> int:
        self._ids += 1
        self.conductor.play(NoteEvent(self._ids, pitch, velocity, self.now_s))
        return self._ids

    def release(self, note_id: int) -> None:
        self.conductor.play(NoteEvent(note_id, 0, 0, self.now_s))

    def check(self) -> None:
        """Chords below the commit point stay; notes that have begun stay what they were."""
        conductor = self.conductor
        line = conductor._line
        for frame in range(min(conductor.committed_until_frame, len(line))):
            assert self.committed.setdefault(frame, line[frame]) == line[frame]
        # What is sent early has begun as well.
        lead_s = max(0.0, conductor.settings.lead_s)
        position = conductor.tempo_map.position_at(self.now_s + lead_s)
        for note in conductor.notes():
            if note.start_frame <= position:
                first = self.started.setdefault(note.note_id, note)
                assert (note.pitch, note.velocity) == (first.pitch, first.velocity)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("press"), st.integers(40, 90)),
        st.tuples(st.just("deaf"), st.integers(1, 80)),  # the agent doesn't answer for so long
        st.tuples(st.just("bpm"), st.integers(30, 300)),
        st.tuples(st.just("meter"), st.sampled_from(["4/4", "3/4", "6/8", "7/8"])),
        st.tuples(st.just("commit_beats"), st.integers(0, 6)),
        st.tuples(st.just("lookahead_beats"), st.integers(1, 8)),
        st.tuples(st.just("temperature"), st.sampled_from([0.0, 0.5, 1.0])),
        st.tuples(st.just("accompaniment"), st.sampled_from(["pop", "swing", "none", "?"])),
        st.tuples(st.just("bass"), st.booleans()),
        st.tuples(st.just("drums"), st.booleans()),
        st.tuples(st.just("latency_offset_ms"), st.sampled_from([-500, 0, 40, 500])),
        st.tuples(st.just("new agent"), st.just(0)),
    ),
    max_size=25,
)


@examples(60)
@given(actions=actions, seed=st.integers(0, 5), listen=st.integers(0, 2))
def test_commitments_hold_whatever_happens(
    actions: list[tuple[str, int | str]], seed: int, listen: int
) -> None:
    conductor = Conductor(JamSettings(listen_bars=listen), 10.0, seed)
    session = Session(conductor, Anticipator(RuleBasedPredictor(), seed))
    held: int | None = None
    for what, value in [("press", 60), ("wait", 200), *actions, ("wait", 100)]:
        if what == "press":
            if held is not None:
                session.release(held)
            held = session.press(int(value))
            session.tick()
        elif what in ("wait", "deaf"):
            for _ in range(int(value)):
                session.tick(agent_answers=what == "wait")
            if what == "deaf":
                session.answer()
        elif what == "new agent":
            conductor.forget_requests()
            session.anticipator = Anticipator(RuleBasedPredictor(), seed)
            session.answer()
        else:
            changed: object = Meter.parse(str(value)) if what == "meter" else value
            if what in ("bpm", "latency_offset_ms"):
                changed = float(value)
            conductor.change_settings(conductor.settings.changed(**{what: changed}), session.now_s)
    # Nothing sounds while it listens.
    listened = conductor.listen_until_frame
    assert all(row.chord == NO_CHORD for row in conductor.rows[:listened])
    assert all(note.start_frame >= listened for note in conductor.notes())
    assert len(conductor.chord_line()) == len(conductor.rows)


def scripted(listen: int = 1, n_frames: int = 400) -> Session:
    chords = [ChordState(Chord(f // 16 * 5 % 12), f % 16 == 0) for f in range(n_frames)]
    conductor = Conductor(JamSettings(listen_bars=listen), 0.0)
    return Session(conductor, Anticipator(ScriptedPredictor(chords)))


def test_the_accompaniment_starts_after_listening() -> None:
    session = scripted(listen=2)
    for _ in range(4 * 50):
        session.tick()
    line = session.conductor.chord_line()
    assert line[31] == NO_CHORD
    assert line[32] == ChordState(Chord(10), True)
    assert session.conductor.late_plans == 0


def test_when_the_plan_runs_out_the_last_chord_rests_at_the_next_bar_line() -> None:
    session = scripted()
    for _ in range(4 * 36):  # into bar 2
        session.tick()
    planned_until = session.conductor.plan.end_frame if session.conductor.plan else 0
    for _ in range(4 * 60):
        session.tick(agent_answers=False)
    assert session.conductor.phase(session.now_s) == "behind"
    line = session.conductor.chord_line()
    rest = session.conductor.tempo_map.next_bar_frame(planned_until)
    assert line[rest - 1].chord is not None
    assert line[rest:] == (NO_CHORD,) * (len(line) - rest)
    assert max(note.end_frame for note in session.conductor.notes()) <= rest
    # The agent comes back: the music goes on, and nothing that was played is played again.
    session.answer()
    for _ in range(4 * 40):
        session.tick()
    assert session.conductor.phase(session.now_s) == "playing"
    assert session.conductor.late_plans == 1


def test_tempo_and_metre_change_where_they_should() -> None:
    session = scripted()
    for _ in range(4 * 21):  # position 20: in the second bar
        session.tick()
    conductor = session.conductor
    changed = conductor.settings.changed(bpm=60.0, meter=Meter(3, 4))
    conductor.change_settings(changed, session.now_s)
    assert conductor.tempo_map.bpm_at(20) == 100.0
    assert conductor.tempo_map.bpm_at(21) == 60.0
    assert conductor.tempo_map.meter_at(31) == Meter(4, 4)
    assert conductor.tempo_map.meter_at(32) == Meter(3, 4)
    conductor.change_settings(conductor.settings.changed(bpm=90.0), session.now_s)
    assert conductor.tempo_map.bpm_at(21) == 90.0
    assert conductor.tempo_map.meter_at(32) == Meter(3, 4)


def test_louder_playing_makes_the_accompaniment_louder() -> None:
    velocities = []
    for velocity in (30, 120):
        session = scripted()
        for _ in range(30):
            session.release(session.press(60, velocity))
            for _ in range(8):
                session.tick()
        velocities.append(max(note.velocity for note in session.conductor.notes()))
    assert velocities[0] + 20 < velocities[1] <= 127


def test_before_the_first_note_there_is_a_plan() -> None:
    """With no listening bars the first chord is there at the first bar line."""
    session = scripted(listen=0)
    for _ in range(8):
        session.tick()
    assert session.conductor.chord_line()[0] == ChordState(Chord(0), True)
    assert session.conductor.late_plans == 0


def test_notes_that_are_sent_early_are_fixed_early() -> None:
    """With nothing committed by the player, what a latency offset sends early is, and in time."""
    settings = JamSettings(
        bpm=120.0, listen_bars=1, commit_beats=0, latency_offset_ms=300.0, count_in_bars=1
    )
    conductor = Conductor(settings, 0.0)
    session = Session(conductor, Anticipator(RuleBasedPredictor()))
    session.press(60)
    for _ in range(4 * 96):
        session.tick()
    assert conductor.late_plans == 0
    assert conductor.committed_until_frame >= len(conductor.rows) + 3  # 300 ms are 2.4 frames
    clicks = conductor.clicks(session.now_s)
    assert max(click.start_frame for click in clicks) > len(conductor.rows) + 16


@pytest.mark.parametrize("commit_beats", [0, 2])
@pytest.mark.parametrize("offset_ms", [0.0, 300.0])
def test_a_plan_is_late_from_when_it_is_due(commit_beats: int, offset_ms: float) -> None:
    settings = JamSettings(
        bpm=120.0, listen_bars=1, commit_beats=commit_beats, latency_offset_ms=offset_ms
    )
    conductor = Conductor(settings, 0.0)
    session = Session(conductor, Anticipator(RuleBasedPredictor()))
    assert conductor.request().due_s == pytest.approx(2.0 - offset_ms / 1000)  # listening ends
    conductor.forget_requests()
    session.press(60)
    for _ in range(120):
        session.tick()
    for too_late_s, late in ((-0.001, 0), (0.001, 1)):
        request = conductor.request()
        plan = session.anticipator.plan(request)
        conductor.advance(request.due_s + too_late_s)
        conductor.take(plan, request.due_s + too_late_s)
        assert conductor.late_plans == late


def test_a_plan_that_comes_after_a_gap_is_logged_with_its_stroke() -> None:
    """What a late plan only holds is struck where it joins in, and the plan says so."""
    chords = [ChordState(Chord(0), frame == 0) for frame in range(100)]
    settings = JamSettings(listen_bars=0, count_in_bars=0, lookahead_beats=16, feel=0.0)
    session = Session(Conductor(settings, 0.0), Anticipator(ScriptedPredictor(chords)))
    session.conductor.advance(session.now_s)
    plan = session.anticipator.plan(session.conductor.request())
    for _ in range(4 * 20):
        session.tick(agent_answers=False)
    taken = session.conductor.take(plan, session.now_s)
    session.check()
    struck = [frame for frame, state in enumerate(taken.chords) if state.onset]
    begun = math.floor(session.conductor.tempo_map.position_at(session.now_s)) + 1
    assert struck == [begun]  # frame 0 has gone by with nothing to be heard
    assert session.conductor.chord_line()[0] == NO_CHORD
    assert any(note.start_frame == begun for note in session.conductor.notes())
