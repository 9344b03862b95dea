"""The scheduler: pairs by id, ends that move, nothing stuck; times given by hand."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import note_id
from jam.clock import FakeClock, SystemClock
from jam.messages.notes import PlannedNote, SoundedNote
from jam.music.grid import Meter, TempoMap
from jam.stage.scheduler import Schedule, Scheduler

MAP = TempoMap.constant(120.0, Meter(4, 4))  # a frame is 1/8 s


def note(pitch: int, start: int, end: int, part: str = "chords") -> PlannedNote:
    return PlannedNote(note_id(part, start, pitch), pitch, 80, start, end, part, True)


def run(schedule: Schedule, until_s: float, from_s: float = 0.0) -> list[SoundedNote]:
    out = []
    clock = FakeClock(from_s)
    while clock.now_s() <= until_s:
        out += schedule.due(clock.now_s())
        clock.advance(1 / 64)
    return out


def events(sounded: list[SoundedNote]) -> list[tuple[float, int, bool]]:
    return [(event.due_s, event.pitch, event.velocity > 0) for event in sounded]


def test_notes_start_and_end_on_the_grid() -> None:
    schedule = Schedule()
    schedule.update([note(60, 0, 8), note(64, 4, 8)], MAP)
    assert schedule.next_due_s() == 0.0
    assert events(run(schedule, 2.0)) == [
        (0.0, 60, True),
        (0.5, 64, True),
        (1.0, 60, False),
        (1.0, 64, False),
    ]
    assert schedule.next_due_s() is None


def test_an_end_that_moves_moves_and_a_note_is_struck_once() -> None:
    schedule = Schedule()
    schedule.update([note(60, 0, 8)], MAP)
    out = run(schedule, 0.4)
    schedule.update([note(60, 0, 4)], MAP)
    out += run(schedule, 2.0, 0.4)
    assert events(out) == [(0.0, 60, True), (0.5, 60, False)]


def test_a_note_that_is_no_longer_planned_never_starts_but_ends_if_it_sounds() -> None:
    schedule = Schedule()
    schedule.update([note(60, 0, 8), note(64, 4, 8)], MAP)
    out = run(schedule, 0.1)
    schedule.update([], MAP)
    out += run(schedule, 2.0, 0.1)
    assert events(out) == [(0.0, 60, True), (1.0, 60, False)]


def test_a_tempo_change_moves_what_waits() -> None:
    schedule = Schedule()
    schedule.update([note(60, 8, 16)], MAP)
    schedule.update([note(60, 8, 16)], MAP.with_tempo(4, 60.0))
    assert events(run(schedule, 4.0)) == [(1.5, 60, True), (3.5, 60, False)]


def test_a_stale_note_on_is_dropped_a_note_off_never() -> None:
    schedule = Schedule()
    schedule.update([note(60, 0, 2), note(62, 2, 100)], MAP)
    assert events(schedule.due(0.0)) == [(0.0, 60, True)]
    # The machine slept for ten seconds.
    assert events(schedule.due(10.0)) == [(0.25, 60, False)]


def test_stop_ends_everything() -> None:
    schedule = Schedule()
    schedule.update([note(60, 0, 8), note(64, 0, 8), note(67, 4, 8)], MAP)
    run(schedule, 0.1)
    assert {(e.pitch, e.velocity) for e in schedule.stop(0.2)} == {(60, 0), (64, 0)}
    assert run(schedule, 2.0, 0.2) == []


def test_what_was_silenced_is_not_struck_again_and_what_is_planned_comes() -> None:
    schedule = Schedule()
    plan = [note(60, 0, 8), note(64, 0, 8), note(67, 4, 8)]
    schedule.update(plan, MAP)
    run(schedule, 0.05)
    assert {(e.pitch, e.velocity) for e in schedule.silence(0.1)} == {(60, 0), (64, 0)}
    schedule.update(plan, MAP)  # the next plan lists them still
    assert events(run(schedule, 2.0, 0.1)) == [(0.5, 67, True), (1.0, 67, False)]
    schedule.stop(2.0)
    schedule.update(plan, MAP)  # another session may have notes of the same names
    assert {(e.pitch, e.velocity) for e in schedule.due(0.01)} == {(60, 80), (64, 80)}


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(60, 64), st.integers(0, 30), st.integers(1, 20)), max_size=8
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_planned_every_note_on_has_its_note_off(
    plans: list[list[tuple[int, int, int]]],
) -> None:
    schedule, out, at_s = Schedule(), [], 0.0
    for plan in plans:
        schedule.update([note(p, start, start + length) for p, start, length in plan], MAP)
        out += run(schedule, at_s + 1.0, at_s)
        at_s += 1.0
    out += run(schedule, at_s + 10.0, at_s)
    sounding: Counter[int] = Counter()
    for event in out:
        sounding[event.pitch] += 1 if event.velocity else -1
        assert sounding[event.pitch] in (0, 1)  # no key goes down twice, none comes up unstruck
    assert not +sounding
    assert schedule.next_due_s() is None


def test_the_thread_sends_in_time_and_survives_a_sink_that_fails() -> None:
    heard: list[tuple[str, int, int]] = []

    def sink(part: str, pitch: int, velocity: int) -> None:
        heard.append((part, pitch, velocity))
        if pitch == 60 and velocity:
            raise OSError("the port is gone")

    clock = SystemClock()
    scheduler = Scheduler(clock, sink)
    tempo_map = TempoMap.constant(300.0, Meter(4, 4), clock.now_s() + 0.02)
    scheduler.update([note(60, 0, 2), note(64, 1, 3)], tempo_map)
    clock.wait_until(clock.now_s() + 0.4)
    scheduler.close()
    assert heard == [("chords", 60, 80), ("chords", 64, 80), ("chords", 60, 0), ("chords", 64, 0)]
    assert all(event.sent_s >= event.due_s for event in scheduler.sent)


def test_a_lead_sends_everything_earlier_and_moves_nothing() -> None:
    """The latency offset: places in the music stay, what is sent goes out so much before them."""
    for lead_s in (0.0, 0.25, -0.25):
        schedule = Schedule()
        schedule.update([note(60, 8, 16), note(64, 12, 16)], MAP, lead_s)
        assert schedule.next_due_s() == 1.0 - lead_s
        out = run(schedule, 4.0)
        assert events(out) == [(1.0, 60, True), (1.5, 64, True), (2.0, 60, False), (2.0, 64, False)]
        assert [event.sent_s for event in out] == [e.due_s - lead_s for e in out]
        assert all(event.late_s == 0 for event in out)


def test_a_lead_that_changes_while_notes_sound_leaves_none_behind() -> None:
    schedule = Schedule()
    notes = [note(60 + n, 2 * n, 2 * n + 3) for n in range(12)]
    out: list[SoundedNote] = []
    for step, lead_s in enumerate((0.0, 0.2, -0.3, 0.1)):
        schedule.update(notes, MAP, lead_s)
        out += run(schedule, step + 1.0, step)
    out += run(schedule, 6.0, 5.0)
    starts = Counter(event.note_id for event in out if event.velocity)
    assert starts == Counter(event.note_id for event in out if not event.velocity)
    assert max(starts.values()) == 1
