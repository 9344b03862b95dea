"""Playing back as arithmetic: nothing hangs, nothing is lost, positions are exact."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jam.clock import FakeClock
from jam.messages.notes import BEND, CONTROLLER, Expression, SoundedNote, TimedExpression, TimedNote
from jam.midi.numbers import BEND_REST, SOFT
from jam.stage.expressed import Expressed
from jam.stage.playback import sustained
from jam.stage.transport import MAX_SPEED, MIN_SPEED, Transport, position_at

STEP_S = 1 / 64


def note(pitch: int, start_s: float, end_s: float, part: str = "player") -> TimedNote:
    return TimedNote(part, pitch, 80, start_s, end_s)


def loaded(*notes: TimedNote, end_s: float | None = None) -> Transport:
    transport = Transport()
    end_s = max(note.end_s for note in notes) if end_s is None else end_s
    transport.load(0.0, "take", notes, 0.0, end_s)
    return transport


def run(transport: Transport, clock: FakeClock, for_s: float) -> list[SoundedNote]:
    """As the sender's thread would: woken when something is due."""
    out, until_s = [], clock.now_s() + for_s
    while (due_s := transport.next_due_s()) is not None and due_s <= until_s:
        clock.wait_until(due_s)
        out += transport.due(clock.now_s())
    clock.wait_until(until_s)
    return out + transport.due(until_s)


def events(sounded: list[SoundedNote]) -> list[tuple[float, int, bool]]:
    return [(round(e.due_s, 9), e.pitch, e.velocity > 0) for e in sounded]


TUNE = (note(60, 0.0, 0.5), note(64, 0.5, 1.5), note(67, 1.0, 2.0))


def test_a_take_sounds_as_it_was_and_then_waits_at_its_end() -> None:
    transport, clock = loaded(*TUNE, end_s=3.0), FakeClock(10.0)
    transport.play(10.0)
    assert events(run(transport, clock, 5.0)) == [
        (10.0, 60, True),
        (10.5, 60, False),
        (10.5, 64, True),
        (11.0, 67, True),
        (11.5, 64, False),
        (12.0, 67, False),
    ]
    assert not transport.state.playing and transport.state.position_s == 3.0
    assert transport.next_due_s() is None
    transport.play(20.0)  # and begins again
    assert events(transport.due(20.0)) == [(20.0, 60, True)]


def test_speed_moves_the_times_and_nothing_else() -> None:
    transport, clock = loaded(*TUNE), FakeClock()
    transport.set_speed(0.0, 0.5)
    transport.play(0.0)
    out = run(transport, clock, 1.0)  # half a second of the take
    transport.set_speed(1.0, 2.0)  # as fast as it goes: 1.5
    out += run(transport, clock, 5.0)
    assert events(out) == [
        (0.0, 60, True),
        (1.0, 60, False),
        (1.0, 64, True),
        (round(1 + 0.5 / 1.5, 9), 67, True),
        (round(1 + 1 / 1.5, 9), 64, False),
        (2.0, 67, False),
    ]


def test_pause_seek_and_mute_leave_nothing_sounding() -> None:
    transport = loaded(*TUNE, note(48, 0.0, 4.0, "chords"), end_s=5.0)
    transport.play(0.0, 0.75)
    assert events(transport.due(0.0)) == []  # the melody's note had begun before
    transport.seek(0.0, 0.5)
    assert {e.pitch for e in transport.due(0.0)} == {64}
    assert {(e.pitch, e.velocity) for e in transport.mute(0.1, ["player"])} == {(64, 0)}
    assert {(e.pitch, e.velocity) for e in transport.pause(0.2)} == {(48, 0)}
    assert transport.state.position_s == 0.7
    assert transport.pause(0.3) == [] and transport.next_due_s() is None


def test_a_held_chord_is_struck_where_one_enters_a_melody_note_is_not() -> None:
    transport = loaded(note(60, 0.0, 2.0), note(48, 0.0, 2.0, "chords"), note(36, 0, 2, "drums"))
    assert events(transport.play(0.0, 1.0)) == [(0.0, 48, True)]


def test_a_loop_turns_back_on_time_again_and_again() -> None:
    transport, clock = loaded(*TUNE, note(72, 2.0, 3.0)), FakeClock()
    transport.set_loop(0.0, (2.0, 0.5))  # either way round
    assert transport.state.loop == (0.5, 2.0)
    transport.play(0.0)
    out = events(run(transport, clock, 4.25))
    starts = [(at_s, pitch) for at_s, pitch, on in out if on]
    assert starts == [(0, 60), (0.5, 64), (1, 67), (2, 64), (2.5, 67), (3.5, 64), (4.0, 67)]
    assert position_at(transport.state, 4.25) == 1.25
    transport.set_loop(4.25, None)
    assert (5.0, 72, True) in events(run(transport, clock, 3.0))
    assert transport.state.position_s == 3.0


def test_beyond_a_loop_it_plays_on_to_the_end() -> None:
    transport, clock = loaded(*TUNE, note(72, 2.0, 3.0)), FakeClock()
    transport.set_loop(0.0, (0.0, 1.0))
    transport.play(0.0, 1.9)
    run(transport, clock, 2.0)
    assert not transport.state.playing and transport.state.position_s == 3.0


def test_a_machine_that_slept_goes_on_without_a_chord_of_everything_missed() -> None:
    transport, clock = loaded(*TUNE), FakeClock()
    transport.set_loop(0.0, (0.0, 2.0))
    transport.play(0.0)
    run(transport, clock, 0.25)
    out = transport.due(7201.5)  # two hours later, in the midst of a round
    assert [e.pitch for e in out if e.velocity] == []
    assert position_at(transport.state, 7201.5) == 1.5


def test_going_to_another_take_keeps_the_place() -> None:
    transport, clock = loaded(*TUNE), FakeClock()
    transport.set_loop(0.0, (0.5, 1.75))
    transport.set_speed(0.0, 0.5)
    transport.mute(0.0, ["bass"])
    transport.play(0.0, 0.5)
    run(transport, clock, 0.5)  # a quarter of a second of the take
    other = [replace(n, pitch=n.pitch + 12, part="chords") for n in TUNE]
    out = transport.load(0.5, "other", other, 0.0, 2.0, keeps_place=True)
    assert [(e.pitch, e.velocity > 0) for e in out] == [(64, False), (76, True)]
    state = transport.state
    assert (state.name, state.playing, state.position_s) == ("other", True, 0.75)
    assert (state.speed, state.loop, state.muted) == (0.5, (0.5, 1.75), ("bass",))
    transport.load(1.0, "third", TUNE, 0.0, 2.0)
    assert transport.state.loop is None and not transport.state.playing


def test_another_part_of_the_same_take_goes_on_without_a_sound() -> None:
    held = note(48, 0.2, 5.0, "chords")
    transport, clock = loaded(*TUNE, held, end_s=9.0), FakeClock()
    transport.play(0.0)
    run(transport, clock, 0.75)
    later = note(72, 2.5, 3.0)
    out = transport.load(0.75, "take", [*TUNE[1:], held, later], 0.0, 9.0, keeps_place=True)
    assert out == []
    assert events(run(transport, clock, 5.0)) == [
        (1.0, 67, True),
        (1.5, 64, False),
        (2.0, 67, False),
        (2.5, 72, True),
        (3.0, 72, False),
        (5.0, 48, False),
    ]
    transport.play(10.0, 3.0)
    out = transport.load(10.0, "take", TUNE, 0.0, 9.0, keeps_place=True)
    assert [(e.pitch, e.velocity) for e in out] == [(48, 0)]  # it isn't there any more


COMMANDS = st.one_of(
    st.tuples(st.just("play"), st.none() | st.floats(-1, 12)),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("seek"), st.floats(-1, 12)),
    st.tuples(st.just("speed"), st.floats(0.1, 3)),
    st.tuples(st.just("loop"), st.none() | st.tuples(st.floats(-1, 12), st.floats(-1, 12))),
    st.tuples(st.just("mute"), st.lists(st.sampled_from(("player", "chords")), max_size=2)),
    st.tuples(
        st.just("load"),
        st.tuples(st.booleans(), st.sampled_from(("take", "again")), st.sampled_from((1, 2))),
    ),
)
NOTES = st.lists(
    st.builds(
        lambda part, pitch, start, length: note(pitch, start, start + length, part),
        st.sampled_from(("player", "chords", "drums")),
        st.integers(60, 62),
        st.floats(0, 9),
        st.floats(0.01, 3),
    ),
    max_size=12,
)


def do(transport: Transport, what: str, value: object, notes: list[TimedNote], at_s: float):  # type: ignore[no-untyped-def]
    if what == "load":
        assert isinstance(value, tuple)
        keeps_place, name, every = value
        return transport.load(at_s, name, notes[::every], 0.0, 10.0, keeps_place)
    if what == "pause":
        return transport.pause(at_s)
    method = {
        "play": transport.play,
        "seek": transport.seek,
        "speed": transport.set_speed,
        "loop": transport.set_loop,
        "mute": transport.mute,
    }[what]
    return method(at_s, value)  # type: ignore[operator]


@given(NOTES, st.lists(st.tuples(COMMANDS, st.floats(0, 3)), max_size=12))
def test_whatever_is_done_every_note_on_has_its_note_off(
    notes: list[TimedNote], commands: list[tuple[tuple[str, object], float]]
) -> None:
    transport, clock, out = Transport(), FakeClock(), []
    transport.load(0.0, "take", notes, 0.0, 10.0)
    transport.play(0.0)
    for (what, value), wait_s in commands:
        out += do(transport, what, value, notes, clock.now_s())
        state = transport.state
        assert MIN_SPEED <= state.speed <= MAX_SPEED
        assert state.start_s <= state.position_s <= state.end_s
        out += run(transport, clock, wait_s)
    out += transport.stop(clock.now_s())
    down: set[tuple[str, int]] = set()
    last_s = 0.0
    for event in out:
        key = (event.part, event.pitch)
        assert (key in down) == (event.velocity == 0)  # no key goes down twice, none up unstruck
        (down.add if event.velocity else down.remove)(key)
        assert event.sent_s >= last_s
        last_s = event.sent_s
    assert not down and transport.next_due_s() is None


@given(NOTES, st.floats(0.5, 1.5), st.floats(0, 9))
def test_what_is_played_from_a_place_is_what_begins_after_it_in_order(
    notes: list[TimedNote], speed: float, from_s: float
) -> None:
    melody = [n for n in notes if n.part != "chords"]
    transport, clock = loaded(*melody, end_s=10.0) if melody else Transport(), FakeClock()
    transport.set_speed(0.0, speed)
    out = transport.play(0.0, from_s) + run(transport, clock, 30.0)
    heard = [(e.part, e.pitch, round(from_s + e.due_s * speed, 6)) for e in out if e.velocity]
    meant = [(n.part, n.pitch, round(n.start_s, 6)) for n in melody if n.start_s >= from_s]
    assert sorted(heard) == sorted(meant)
    assert [at for _, _, at in heard] == sorted(at for _, _, at in heard)


def test_the_position_between_two_events_is_exact() -> None:
    transport = loaded(*TUNE)
    transport.set_speed(0.0, 0.75)
    transport.play(5.0, 0.25)
    assert position_at(transport.state, 6.0) == 1.0
    assert position_at(transport.state, 60.0) == 2.0  # the end


def test_the_pedal_holds_what_was_let_go_until_it_comes_up_or_the_key_goes_down() -> None:
    pedals = [(0.4, True), (2.0, False)]
    notes = [note(60, 0.0, 0.5), note(62, 0.0, 0.3), note(60, 1.0, 1.2), note(64, 1.5, 3.0)]
    assert {(n.pitch, n.start_s, n.end_s) for n in sustained(notes, pedals)} == {
        (60, 0.0, 1.0),
        (62, 0.0, 0.3),
        (60, 1.0, 2.0),
        (64, 1.5, 3.0),
    }
    assert sustained(notes, []) == notes


def bend(value: int) -> Expression:
    return Expression(BEND, 0, value)


def test_bends_and_pedals_stand_as_they_stood_wherever_it_plays() -> None:
    transport, clock = loaded(note(60, 0.0, 4.0), end_s=4.0), FakeClock()
    expressed = Expressed(transport)
    soft = Expression(CONTROLLER, SOFT, 127)
    moves = (1.0, bend(9000)), (1.5, bend(10000)), (2.0, soft), (3.0, bend(BEND_REST))
    expressed.load(TimedExpression(moved, at_s) for at_s, moved in moves)

    def go(until_s: float) -> list[Expression]:
        out: list[SoundedNote | Expression] = []
        while (due_s := expressed.next_due_s()) is not None and due_s <= until_s:
            clock.wait_until(due_s)
            out += expressed.due(clock.now_s())
        clock.wait_until(until_s)
        return [event for event in out if isinstance(event, Expression)]

    transport.play(0.0)
    assert go(1.2) == [bend(9000)]
    assert go(2.5) == [bend(10000), soft]
    transport.seek(2.5, 1.2)  # back to where the pedal was up
    assert expressed.moved(2.5) == [Expression(CONTROLLER, SOFT, 0), bend(9000)]
    transport.mute(2.6, ("player",))
    assert expressed.moved(2.6) == [bend(BEND_REST)]
    transport.mute(2.7, ())
    assert expressed.moved(2.7) == [bend(9000)]
    assert [e for e in expressed.stop(2.8) if isinstance(e, Expression)] == [bend(BEND_REST)]
    assert expressed.next_due_s() is None


MOVES = st.lists(
    st.builds(
        TimedExpression,
        st.builds(
            Expression, st.just(CONTROLLER), st.sampled_from((1, 11, 67)), st.integers(0, 127)
        ),
        st.floats(0, 10),
    ),
    max_size=12,
)


@given(NOTES, MOVES, st.lists(st.tuples(COMMANDS, st.floats(0, 3)), max_size=12))
def test_whatever_is_done_every_control_is_put_back(
    notes: list[TimedNote],
    moves: list[TimedExpression],
    commands: list[tuple[tuple[str, object], float]],
) -> None:
    transport, now_s = Transport(), 0.0
    transport.load(0.0, "take", notes, 0.0, 10.0)
    expressed = Expressed(transport)
    expressed.load(moves)
    stands: dict[int, int] = {}
    for (what, value), wait_s in [(("play", None), 0.0), *commands]:
        if what != "load":
            do(transport, what, value, notes, now_s)
        now_s += wait_s
        for event in expressed.due(now_s):
            if isinstance(event, Expression):
                stands[event.number] = event.value
    for event in expressed.stop(now_s):
        if isinstance(event, Expression):
            stands[event.number] = event.value
    assert all(value == (127 if number == 11 else 0) for number, value in stands.items())
