"""What learnt controls do: values along a knob's way, takeover without jumps, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.cli.values import SAID, STEPS, SWITCHES, line_named, setting, typed_for
from jam.messages.controls import ANY_DEVICE, FAMILY, Control, ControlMoved
from jam.messages.voice import OFF
from jam.midi.learnt import (
    ACTION,
    DEFAULTS,
    DIALS,
    JUMP,
    PROPOSED,
    RELATIVE,
    SETTING,
    Deed,
    Learnt,
    Press,
    Put,
    Surface,
    Turn,
    Waits,
    in_use,
    recalling,
    shown_positions,
    with_learnt,
)
from jam.preferences import Preferences, load_preferences, save_preferences
from jam.settings import SETTINGS, JamSettings

PAD = "Pad"
FADER = Control(PAD, "control", 0, 7)
BUTTON = Control(PAD, "control", 0, 20)
KEY = Control(PAD, "note", 9, 36)
TARGET = f"{SETTING}agent_volume"

dials = [line.name for line in DIALS.values()]


def test_every_setting_that_is_a_number_is_a_dial() -> None:
    assert {name for name, line in SETTINGS.items() if line.limits is not None} <= set(dials)
    assert set(SETTINGS) - set(dials) == {"accompaniment", "palette"}


@pytest.mark.parametrize("name", dials)
@given(position=st.floats(0, 1))
def test_a_dial_has_a_right_value_everywhere(name: str, position: float) -> None:
    line = SETTINGS[name]
    value = line.at(position)
    settings = JamSettings(lookahead_beats=16).changed(**{name: value})
    assert getattr(settings, name) == value
    assert line.at(line.position(value)) == value


@pytest.mark.parametrize("name", dials)
def test_a_dial_goes_from_end_to_end(name: str) -> None:
    line = SETTINGS[name]
    assert line.position(line.at(0.0)) == 0.0 and line.position(line.at(1.0)) == 1.0
    value = line.at(0.0)
    for _ in range(1000):
        value = line.turned(value, 1)
    assert value == line.at(1.0)
    assert line.at(-3.0) == line.at(0.0) and line.at(7.0) == line.at(1.0)


class Hand:
    """Moves controls of a surface whose deeds are done to settings."""

    def __init__(self, *learnt: Learnt, settings: JamSettings | None = None) -> None:
        self.settings = settings or JamSettings()
        self.surface = Surface(learnt, self.position_of)

    def position_of(self, target: str) -> float | None:
        line = SETTINGS.get(target.removeprefix(SETTING))
        return None if line is None else line.position(getattr(self.settings, line.name))

    def move(self, control: Control, position: float) -> Deed | None:
        moved = ControlMoved(control, control, position, 0.0)
        deed = self.surface.take(moved)
        if isinstance(deed, Put):
            name = deed.target.removeprefix(SETTING)
            self.settings = self.settings.changed(**{name: SETTINGS[name].at(deed.position)})
            self.surface.was_set(moved)
        return deed


def test_a_fader_takes_over_where_it_comes_past_the_value() -> None:
    hand = Hand(Learnt(FADER, TARGET), settings=JamSettings(agent_volume=0.5))
    assert hand.move(FADER, 0.1) == Waits(TARGET, 0.1, 0.5)
    assert hand.move(FADER, 0.3) == Waits(TARGET, 0.3, 0.5)
    assert hand.move(FADER, 0.6) == Put(TARGET, 0.6)  # past it, however fast
    assert hand.move(FADER, 0.9) == Put(TARGET, 0.9)
    hand.settings = hand.settings.changed(agent_volume=0.2)  # by the mouse
    assert hand.move(FADER, 0.8) == Waits(TARGET, 0.8, 0.2)
    assert hand.move(FADER, 0.1) == Put(TARGET, 0.1)


@pytest.mark.parametrize("name", dials)
@given(start=st.floats(0, 1), way=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_value_never_jumps_further_than_the_hand(
    name: str, start: float, way: list[float]
) -> None:
    settings = JamSettings(lookahead_beats=16).changed(**{name: SETTINGS[name].at(start)})
    hand = Hand(Learnt(FADER, f"{SETTING}{name}"), settings=settings)
    line, last = SETTINGS[name], None
    for position in way:
        before = hand.position_of(f"{SETTING}{name}")
        hand.move(FADER, position)
        after = hand.position_of(f"{SETTING}{name}")
        assert before is not None and after is not None
        coarse = abs(line.position(line.at(position)) - position)
        if after != before:
            # It is where the hand is now, and it was where the hand has come past.
            assert abs(after - position) <= coarse + 1e-9
            low, high = sorted((position, position if last is None else last))
            grain = abs(line.position(line.at(last)) - last) if last is not None else 0.0
            assert low - 3 / 127 - grain <= before <= high + 3 / 127 + grain
        last = position


def test_a_knob_may_jump_or_turn_without_end() -> None:
    hand = Hand(Learnt(FADER, TARGET, JUMP), settings=JamSettings(agent_volume=0.5))
    assert hand.move(FADER, 0.1) == Put(TARGET, 0.1)
    hand = Hand(Learnt(FADER, TARGET, RELATIVE))
    assert hand.move(FADER, 1 / 127) == Turn(TARGET, 1)
    assert hand.move(FADER, 1.0) == Turn(TARGET, -1)
    assert hand.move(FADER, 125 / 127) == Turn(TARGET, -3)
    assert hand.move(FADER, 0.0) is None


def test_a_button_counts_when_it_goes_down() -> None:
    hand = Hand(Learnt(BUTTON, f"{ACTION}start"), Learnt(KEY, f"{ACTION}stop"))
    press = Press(f"{ACTION}start")
    assert [hand.move(BUTTON, p) for p in (1.0, 0.0, 1.0)] == [press, None, press]
    # One that is told nothing when it comes up.
    assert [hand.move(BUTTON, p) for p in (1.0, 1.0)] == [press, press]
    # A pedal on its way down and up.
    assert [hand.move(BUTTON, p) for p in (0.2, 0.5, 0.7, 1.0, 0.7, 0.2)].count(press) == 1
    assert [hand.move(KEY, p) for p in (0.3, 0.0)] == [Press(f"{ACTION}stop"), None]


def test_a_key_recalls_what_it_was_learnt_with() -> None:
    new = recalling(Learnt(KEY, TARGET), 0.25)
    hand = Hand(new)
    assert hand.move(KEY, 0.9) == Put(TARGET, 0.25)
    hand = Hand(Learnt(KEY, f"{SETTING}drums"))
    assert hand.move(KEY, 0.9) == Put(f"{SETTING}drums", 0.0)
    assert hand.move(KEY, 0.9) == Put(f"{SETTING}drums", 1.0)
    assert recalling(Learnt(FADER, TARGET), 0.25).recall is None


def test_what_is_off_or_unknown_does_nothing() -> None:
    off = Learnt(FADER, TARGET, on=False)
    hand = Hand(off)
    assert hand.move(FADER, 0.5) is None and hand.move(KEY, 0.5) is None
    assert in_use([off]) == ()


def test_a_control_does_one_thing_only() -> None:
    both = with_learnt(with_learnt((), Learnt(FADER, TARGET)), Learnt(FADER, f"{ACTION}start"))
    assert both == (Learnt(FADER, f"{ACTION}start"),)


def test_lights_show_what_a_control_of_one_device_does() -> None:
    learnt = [Learnt(FADER, TARGET), Learnt(KEY, f"{ACTION}ending"), *DEFAULTS]
    hand = Hand(settings=JamSettings(agent_volume=0.5))
    assert shown_positions(learnt, hand.position_of) == ((FADER, 0.5),)


def test_the_defaults_mean_each_control_once() -> None:
    assert len({one.control for one in DEFAULTS}) == len(DEFAULTS)
    assert set(PROPOSED) <= set(DEFAULTS) and not any(one.on for one in PROPOSED)
    assert all(
        one.control.device == ANY_DEVICE or one.control.device.startswith(FAMILY)
        for one in DEFAULTS
    )


# Kept


def test_what_was_learnt_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert load_preferences(path)[0].controls == DEFAULTS
    learnt = (
        *(one for one in DEFAULTS[1:] if one.control.number != 67),
        replace(DEFAULTS[1], on=True),
        Learnt(FADER, TARGET, RELATIVE),
        Learnt(KEY, TARGET, recall=0.3),
        Learnt(Control("gone", "program", 3, 5), f"{ACTION}of-another-version"),
    )
    save_preferences(Preferences(controls=learnt), path)
    kept, complaint = load_preferences(path)
    assert not complaint and set(kept.controls) == set(learnt)


def test_a_wrong_one_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save_preferences(Preferences(controls=(*DEFAULTS, Learnt(FADER, TARGET))), path)
    data = json.loads(path.read_text())
    right = data["controls"]["learnt"][0]
    wrong = [
        right | {"control": right["control"] | {"number": 128}},
        right | {"control": right["control"] | {"kind": "gong"}},
        right | {"recall": 1.5},
        {"target": "setting:bpm"},
        7,
    ]
    for one in wrong:
        data["controls"]["learnt"] = [one, right]
        path.write_text(json.dumps(data))
        kept, complaint = load_preferences(path)
        assert kept.controls == (*DEFAULTS, Learnt(FADER, TARGET))
        assert "controls.learnt[0]" in complaint
    broken: Any
    for broken in ([], {"learnt": 3}, {"removed": {}}):
        data["controls"] = broken
        path.write_text(json.dumps(data))
        kept, complaint = load_preferences(path)
        assert kept.controls == DEFAULTS and "controls" in complaint


# Typed


def test_an_action_with_a_word_is_that_word() -> None:
    settings = JamSettings()
    assert typed_for("start-or-stop", settings, True) == "stop"
    assert typed_for("metronome-on-off", settings, False) == "metronome off"
    assert typed_for("tempo-up-by-10", settings, False) == "bpm 110"
    assert typed_for("full-screen", settings, False) == ""
    assert typed_for("microphone-on-off", settings, False, OFF) == "microphone default"
    assert typed_for("microphone-on-off", settings, False, "booth") == "microphone none"
    for name in (*STEPS, *SWITCHES):
        word, value = typed_for(name, settings, False).split()
        assert line_named(word) is not None
        assert settings.changed(**setting(word, value)) != settings
    for low in (JamSettings(bpm=30.0), JamSettings(agent_volume=0.02, commit_beats=0)):
        for name in STEPS:
            word, value = typed_for(name, low, False).split()
            low.changed(**setting(word, value))
    assert set(SAID).isdisjoint({*STEPS, *SWITCHES})
