"""Controls of MIDI devices: which messages move them, what plays on, which one a hand means."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.audio.mixer import Sound
from jam.clock import FakeClock
from jam.messages.controls import ANY_CHANNEL, ANY_DEVICE, FAMILY, FINE, Control, ControlMoved
from jam.messages.notes import NoteEvent, PedalEvent
from jam.midi.controls import (
    Learner,
    Routes,
    control_words,
    device_name,
    port_back,
    shown_by,
    shown_device,
)
from jam.midi.ports import MidiMessage, parse_message
from jam.stage.player import Player

PAD = "Pad:Pad MIDI 1 24:0"
"""A port as ALSA names it."""
DEVICE = "Pad:Pad MIDI 1"


def player_with(routes: Routes) -> Player:
    player = Player(FakeClock(100.0), threading.Event(), Sound())
    player.routes = routes
    return player


def send(player: Player, data: list[int], port: str = PAD, at_s: float = 100.0) -> None:
    message = parse_message(data)
    assert message is not None
    player.midi(port, message, at_s)


def heard(player: Player) -> list[tuple[int, bool]]:
    return [(e.pitch, e.velocity > 0) for e in player.played if isinstance(e, NoteEvent)]


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ([0xC3, 5], MidiMessage("program", 3, 5, 127)),
        ([0xD0, 90], MidiMessage("pressure", 0, 0, 90)),
        ([0xE1, 0x7F, 0x7F], MidiMessage("bend", 1, 0, 16383)),
        ([0xF0, 0x7F, 0x10, 0x06, 0x02, 0xF7], MidiMessage("mmc", 0, 2, 127)),
        ([0xF0, 0x7F, 0x10, 0x07, 0x02, 0xF7], None),
        ([0xF0, 0x7E, 0x10, 0x06, 0x02, 0xF7], None),
        ([0xE1, 0x7F], None),
        ([0xC3, 0x80], None),
        ([0xF8], None),
        ([], None),
    ],
)
def test_what_can_be_learnt_is_read(data: list[int], meant: MidiMessage | None) -> None:
    assert parse_message(data) == meant


@given(st.lists(st.integers(0, 255), max_size=8))
def test_no_bytes_are_too_odd(data: list[int]) -> None:
    message = parse_message(data)
    assert message is None or 0 <= message.position <= 1


def test_a_learnt_note_plays_nothing_and_is_told() -> None:
    learnt = Control(DEVICE, "note", 9, 36)
    player = player_with(Routes([learnt]))
    send(player, [0x99, 36, 100])
    send(player, [0x89, 36, 0])
    send(player, [0x90, 36, 100])  # another channel
    send(player, [0x99, 37, 100])
    send(player, [0x99, 36, 100], port="Keys 20:0")  # another device
    assert heard(player) == [(36, True), (37, True), (36, True)]
    assert [(m.control, m.learnt, m.position > 0) for m in player.moved] == [
        (learnt, learnt, True),
        (learnt, learnt, False),
    ]


def test_a_control_counts_whatever_channel_is_listened_to() -> None:
    player = player_with(Routes([Control(DEVICE, "control", 5, 7)]))
    player.channel = 1
    send(player, [0xB5, 7, 127])
    assert [m.position for m in player.moved] == [1.0]


def test_a_key_that_was_down_when_it_was_learnt_still_comes_up() -> None:
    player = player_with(Routes())
    send(player, [0x90, 60, 100])
    player.routes = Routes([Control(DEVICE, "note", 0, 60)])
    send(player, [0x80, 60, 0])
    assert heard(player) == [(60, True), (60, False)]


def test_a_pedal_that_was_down_when_learning_began_still_comes_up() -> None:
    player = player_with(Routes())
    send(player, [0xB0, 64, 127])
    player.routes = Routes(learning=True)
    send(player, [0xB0, 64, 0])
    assert [e.down for e in player.played if isinstance(e, PedalEvent)] == [True, False]


def test_what_was_pressed_while_the_process_slept_does_nothing() -> None:
    player = player_with(Routes([Control(ANY_DEVICE, "note", ANY_CHANNEL, 60)]))
    player.turn(105.0)
    send(player, [0x90, 60, 100], at_s=105.1)
    assert not player.moved and not heard(player)


def test_while_learning_everything_is_told_and_nothing_plays() -> None:
    player = player_with(Routes(learning=True))
    for data in ([0x90, 60, 100], [0xB0, 64, 127], [0xC0, 3], [0xB0, 0, 1], [0xB0, 123, 0]):
        send(player, data)
    assert not player.played
    assert [m.control.kind for m in player.moved] == ["note", "control", "program"]
    player.routes = Routes(watching=True)
    send(player, [0xA0, 60, 100])  # the pressure of a key can't be learnt
    send(player, [0x90, 60, 100])
    assert heard(player) == [(60, True)] and len(player.moved) == 4


def test_a_device_that_is_open_for_its_controls_plays_nothing_else() -> None:
    player = player_with(Routes([Control(DEVICE, "control", 0, 7)], silent=[PAD]))
    send(player, [0x90, 60, 100])
    send(player, [0xB0, 64, 100])
    send(player, [0xB0, 7, 100])
    assert not player.played and len(player.moved) == 1


def test_the_most_special_of_those_learnt_is_meant() -> None:
    special = Control(DEVICE, "control", 0, 66)
    family = Control(f"{FAMILY}pad", "control", ANY_CHANNEL, 66)
    general = Control(ANY_DEVICE, "control", ANY_CHANNEL, 66)
    routes = Routes([general, family, special])

    def meant(port: str, channel: int) -> Control | None:
        route = routes[port, "control", channel, 66]
        return route.learnt if route is not None else None

    assert meant(PAD, 0) == special
    assert meant(PAD, 1) == family
    assert meant("Keys 20:0", 0) == general


def test_a_note_that_is_only_music_is_looked_up_once() -> None:
    class Counting(Routes):
        worked_out = 0

        def __missing__(self, key: tuple[str, str, int, int]) -> None:
            Counting.worked_out += 1
            super().__missing__(key)

    player = player_with(Counting([Control(DEVICE, "note", 0, 1)]))
    for _ in range(10):
        send(player, [0x90, 60, 100])
    assert Counting.worked_out == 1


@pytest.mark.parametrize(
    ("port", "device", "shown"),
    [
        (
            "nanoKONTROL2:nanoKONTROL2 MIDI 1 24:0",
            "nanoKONTROL2:nanoKONTROL2 MIDI 1",
            "nanoKONTROL2 MIDI 1",
        ),
        ("a2j:Keys [20] (capture): Keys MIDI 1", "a2j:Keys (capture): Keys MIDI 1", None),
        ("jam in", "jam in", "jam in"),
    ],
)
def test_a_device_keeps_its_name_when_it_is_plugged_in_anew(
    port: str, device: str, shown: str | None
) -> None:
    assert device_name(port) == device
    assert shown is None or shown_device(device) == shown


@pytest.mark.parametrize(
    ("input_", "outputs", "back"),
    [
        ("Nano:Nano MIDI 1 24:0", ["Keys:Keys 20:0", "Nano:Nano MIDI 1 24:0"], 1),
        ("system:midi_capture_2", ["system:midi_playback_1", "system:midi_playback_2"], 1),
        ("a2j:N [24] (capture): N 1", ["a2j:N [24] (playback): N 1"], 0),
        ("nano:out", ["jam:x", "nano:in"], 1),
        ("Launchkey MIDI In", ["Launchkey DAW Out", "Launchkey MIDI Out"], 1),
        ("Keys:Keys 20:0", ["Nano:Nano MIDI 1 24:0"], None),
        ("system:midi_capture_2", ["system:midi_playback_1"], None),
    ],
)
def test_the_output_of_the_same_device(input_: str, outputs: list[str], back: int | None) -> None:
    assert port_back(input_, outputs) == (None if back is None else outputs[back])


def moved(kind: str, number: int, *positions: float) -> list[ControlMoved]:
    control = Control(DEVICE, kind, 0, number)
    return [ControlMoved(control, None, position, 0.0) for position in positions]


def learnt_of(movements: list[ControlMoved]) -> Control | None:
    learner = Learner()
    return next((c for m in movements if (c := learner.take(m)) is not None), None)


def test_what_is_clearly_moved_is_meant() -> None:
    noise = moved("control", 1, 0.5, 0.508, 0.5, 0.508)
    bend = moved("bend", 0, 0.5, 0.51)
    assert learnt_of(noise + bend) is None
    fader = moved("control", 7, 0.1, 0.11, 0.14)
    assert learnt_of(noise + bend + fader) == fader[0].control
    for found in (
        moved("control", 20, 1.0),  # a button
        moved("note", 60, 0.0, 0.5),
        moved("program", 3, 1.0),
        moved("bend", 0, 0.7),
        moved("pressure", 0, 0.0, 0.2),
        moved("mmc", 2, 1.0),
    ):
        assert learnt_of(noise + found) == found[0].control


def test_what_a_control_shows() -> None:
    assert shown_by(Control(DEVICE, "control", 2, 7), 0.5) == (0xB2, 7, 64)
    assert shown_by(Control(DEVICE, "note", 9, 36), 1.0) == (0x99, 36, 127)
    assert shown_by(Control(DEVICE, "bend", 0, 0), 1.0) == (0xE0, 0x7F, 0x7F)
    assert shown_by(Control(ANY_DEVICE, "control", ANY_CHANNEL, 66), 1.0) is None
    assert shown_by(Control(DEVICE, "program", 0, 3), 1.0) is None


def test_controls_have_names() -> None:
    assert control_words(Control("", "control", ANY_CHANNEL, 66)) == "Sostenuto pedal"
    assert control_words(Control("", "note", 9, 36)) == "Key C2, channel 10"
    assert control_words(Control("", "mmc", 0, 2)) == "Play button (MMC)"
    for kind in ("control", "note", "program", "bend", "pressure", "mmc", FINE):
        assert control_words(Control("", kind, 0, 0))


def test_a_pair_of_controllers_is_learnt_as_one() -> None:
    """A fader of 14 bits sends both within milliseconds; two knobs that are turned don't."""
    coarse, fine = Control(DEVICE, "control", 0, 7), Control(DEVICE, "control", 0, 39)
    learner = Learner()
    meant = [
        learner.take(ControlMoved(control, None, position, at_s))
        for n in range(8)
        for control, position, at_s in (
            (coarse, (40 + n // 2) / 127, 0.05 * n),
            (fine, (64 * n % 128) / 127, 0.05 * n + 0.001),
        )
    ]
    assert next(filter(None, meant)) == Control(DEVICE, FINE, 0, 7)
    alone = Learner()
    meant = [alone.take(ControlMoved(fine, None, n / 127, 0.05 * n)) for n in range(8)]
    assert next(filter(None, meant)) == fine


@given(st.integers(0, 16383), st.integers(0, 31))
def test_a_pair_of_controllers_has_14_bits(value: int, number: int) -> None:
    pair = Control(DEVICE, FINE, 0, number)
    player = player_with(Routes([pair]))
    send(player, [0xB0, number, value >> 7])
    send(player, [0xB0, number + 32, value & 127])
    assert [(m.control, m.learnt) for m in player.moved] == [(pair, pair)] * 2
    assert player.moved[-1].position == value / 16383
    assert not player.played  # both are taken, and shape nothing
