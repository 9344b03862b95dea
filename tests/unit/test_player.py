"""What the player's keys and MIDI messages do: heard at once, and never left hanging."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.audio.mixer import Sound
from jam.audio.synth import Synth
from jam.clock import FakeClock
from jam.messages.notes import BEND, CONTROLLER, ExpressionEvent, NoteEvent, PedalEvent
from jam.midi.numbers import BEND_REST
from jam.midi.ports import MidiMessage
from jam.stage.player import COMPUTER_KEYS, Player


def make(channel: int = 0) -> tuple[Player, FakeClock]:
    clock = FakeClock(100.0)
    player = Player(clock, threading.Event(), Sound())
    player.channel = channel
    return player, clock


def note(pitch: int, velocity: int, channel: int = 0) -> MidiMessage:
    return MidiMessage("note", channel, pitch, velocity)


def control(number: int, value: int, channel: int = 0) -> MidiMessage:
    return MidiMessage("control", channel, number, value)


def heard(player: Player) -> list[tuple[int, bool]]:
    """(pitch, does it go down) of what was played."""
    return [(e.pitch, e.velocity > 0) for e in player.played if isinstance(e, NoteEvent)]


def pedals(player: Player) -> list[bool]:
    return [e.down for e in player.played if isinstance(e, PedalEvent)]


def test_only_the_chosen_channel_is_heard() -> None:
    player, clock = make(channel=2)
    player.midi("p", note(60, 90, 0), clock.now_s())
    player.midi("p", note(61, 90, 1), clock.now_s())
    player.midi("p", control(64, 127, 0), clock.now_s())
    assert heard(player) == [(61, True)] and pedals(player) == []


def test_a_key_comes_up_though_its_channel_was_closed_meanwhile() -> None:
    player, clock = make()
    player.midi("p", note(60, 90, 3), clock.now_s())
    player.channel = 1
    player.midi("p", note(60, 0, 3), clock.now_s())
    player.midi("p", note(62, 0, 3), clock.now_s())
    assert heard(player) == [(60, True), (60, False)]


def test_what_was_struck_while_the_process_slept_is_not_heard() -> None:
    player, clock = make()
    player.midi("p", note(60, 90), clock.now_s())
    clock.advance(5.0)
    player.midi("p", note(60, 0), clock.now_s())
    player.midi("p", note(62, 90), clock.now_s())  # before the loop has come round
    assert player.turn(clock.now_s()) == pytest.approx(5.0, abs=0.5)
    player.midi("p", note(64, 90), clock.now_s() + 0.1)  # it had piled up
    player.midi("p", note(65, 90), clock.now_s() + 0.3)
    player.computer_key(66, 90, clock.now_s() - 2.0)
    player.computer_key(67, 90, clock.now_s() - 0.1)
    assert heard(player) == [(60, True), (60, False), (65, True), (67, True)]


def test_a_panic_button_lets_go_of_its_own_port_alone() -> None:
    player, clock = make()
    for source in ("one", "two", COMPUTER_KEYS):
        player.key(source, 0, 60, 90, clock.now_s())
    player.midi("one", control(123, 0), clock.now_s())
    assert heard(player)[3:] == [(60, False)]
    player.release()
    assert heard(player)[4:] == [(60, False), (60, False)]


def test_a_pedal_that_is_let_go_of_comes_up_in_the_record() -> None:
    player, clock = make()
    player.midi("p", control(64, 100, 5), clock.now_s())
    player.release("p")
    assert pedals(player) == [True, False]
    player.release()
    assert pedals(player) == [True, False]


def test_a_pedal_holds_its_own_device_and_the_record_has_the_last_to_come_up() -> None:
    player, clock = make()
    for port, value in (("one", 127), ("two", 127), ("one", 0), ("two", 0)):
        player.midi(port, control(64, value), clock.now_s())
    assert pedals(player) == [True, False]


def test_a_key_held_on_two_devices_sounds_until_the_last_lets_go(synth: Synth) -> None:
    player, clock = make()
    sound = player._sound
    sound.use(synth)
    try:
        for port in ("one", "two"):
            player.midi(port, note(60, 90), clock.now_s())
        player.midi("one", note(60, 0), clock.now_s())
        synth.render_into(np.zeros((8000, 2), dtype=np.float32))
        block = np.zeros((4000, 2), dtype=np.float32)
        synth.render_into(block)
        assert np.abs(block).max() > 0.005
        player.midi("two", note(60, 0), clock.now_s())
        for _ in range(40):
            synth.render_into(block)
        assert sound.voices == 0
    finally:
        sound.close()


def moved(player: Player) -> list[tuple[str, int, int]]:
    found = [e.expression for e in player.played if isinstance(e, ExpressionEvent)]
    return [(c.kind, c.number, c.value) for c in found]


def test_what_is_bent_comes_back_when_it_is_let_go_of() -> None:
    player, clock = make()
    for message in (
        MidiMessage(BEND, 0, 0, 9000),
        control(1, 90),
        control(11, 50),
        control(20, 50),  # nothing that shapes the sound
    ):
        player.midi("p", message, clock.now_s())
    assert moved(player) == [(BEND, 0, 9000), (CONTROLLER, 1, 90), (CONTROLLER, 11, 50)]
    player.release()
    assert moved(player)[3:] == [(BEND, 0, BEND_REST), (CONTROLLER, 1, 0)]
    player.unplug("p")
    assert moved(player)[5:] == [(CONTROLLER, 11, 127)]


def test_a_program_change_waits_to_be_taken() -> None:
    player, clock = make(channel=2)
    player.midi("p", MidiMessage("program", 0, 4, 0), clock.now_s())
    assert player.program is None
    player.midi("p", MidiMessage("program", 1, 5, 0), clock.now_s())
    assert player.program == 5 and not player.played


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["on", "off", "pedal", "bend", "channel", "lost", "sleep", "panic", "computer"]
        ),
        st.sampled_from(["one", "two"]),
        st.integers(0, 2),
        st.integers(60, 63),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def synth() -> Iterator[Synth]:
    synth = Synth(8000)
    yield synth
    synth.close()


@given(steps=steps)
def test_no_note_hangs(synth: Synth, steps: list[tuple[str, str, int, int]]) -> None:
    """Whatever comes between, every note-on has its note-off, and the synth falls silent."""
    clock, sound = FakeClock(100.0), Sound()
    player = Player(clock, threading.Event(), sound)
    sound.use(synth)
    try:
        for what, source, channel, pitch in steps:
            clock.advance(0.01)
            now_s = clock.now_s()
            match what:
                case "on" | "off":
                    player.midi(source, note(pitch, 90 * (what == "on"), channel), now_s)
                case "pedal":
                    player.midi(source, control(64, 127 * (pitch % 2), channel), now_s)
                case "bend":
                    player.midi(source, MidiMessage(BEND, channel, 0, 99 * pitch), now_s)
                case "channel":
                    player.channel = channel
                case "lost":
                    player.release(source)
                case "sleep":
                    clock.advance(2.0)
                case "panic":
                    player.release()
                    sound.panic()
                case _:
                    player.computer_key(pitch, 90 * channel // 2, now_s)
            player.turn(clock.now_s())
        player.release()
        down: set[int] = set()
        for event in player.played:
            if isinstance(event, NoteEvent):
                assert (event.note_id in down) != (event.velocity > 0)
                down ^= {event.note_id}
        assert not down
        assert [m[2] for m in moved(player)[-1:]] in ([], [BEND_REST])
        if pedals(player):
            assert not pedals(player)[-1]
        for _ in range(40):  # until the last one has rung off
            if not sound.voices:
                break
            synth.render_into(np.zeros((4000, 2), dtype=np.float32))
        assert sound.voices == 0
    finally:
        sound.close()
