"""The computer's keyboard as an instrument."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.clock import FakeClock
from jam.messages.commands import KeyInput
from ui.common.geometry import is_black
from ui.shortcuts.piano_keys import (
    BLACK_KEYS,
    DEFAULT_OCTAVE,
    MAX_OCTAVE,
    MIN_OCTAVE,
    PIANO_ROW,
    WHITE_KEYS,
    ComputerPiano,
    key_name,
    letters_by_pitch,
    pitch_of_key,
    printed_letters,
)


def test_the_rows_are_a_piano() -> None:
    assert [pitch_of_key(name, 4) for name in WHITE_KEYS] == [
        60,
        62,
        64,
        65,
        67,
        69,
        71,
        72,
        74,
        76,
        77,
    ]
    assert [pitch_of_key(name, 4) for name in BLACK_KEYS] == [61, 63, 66, 68, 70, 73, 75]
    for name in PIANO_ROW:
        pitch = pitch_of_key(name, 4)
        assert pitch is not None
        assert is_black(pitch) == (name in BLACK_KEYS)
    assert pitch_of_key("q", 4) is None
    assert pitch_of_key("z", 4) is None


@given(st.sampled_from(PIANO_ROW), st.integers(MIN_OCTAVE, MAX_OCTAVE))
def test_an_octave_is_twelve_semitones(name: str, octave: int) -> None:
    pitch = pitch_of_key(name, octave)
    assert pitch == 12 * (octave + 1) + PIANO_ROW.index(name) or pitch is None
    assert pitch is None or 0 <= pitch <= 127
    if pitch is not None:
        assert letters_by_pitch(octave, {})[pitch] == name
        assert letters_by_pitch(octave, {name: "Ö"})[pitch] == "Ö"


@pytest.mark.parametrize(
    ("character", "scan_code", "platform", "name"),
    [
        ("A", 0, "linux", "a"),  # made by a program: the letter counts
        ("Q", 38, "linux", "a"),  # French keyboard: the place counts
        ("Z", 29, "linux", "y"),  # German keyboard
        ("Y", 52, "linux", "z"),
        ("Q", 30, "win32", "a"),
        ("A", 0, "darwin", "a"),
        (";", 47, "linux", ";"),
        ("", 48, "linux", "'"),  # a letter that Qt has no ASCII for
        ("Q", 24, "linux", "q"),
        ("M", 58, "linux", ""),
        ("", 65, "linux", ""),
        ("5", 14, "linux", ""),
    ],
)
def test_the_place_of_a_key_counts(
    character: str, scan_code: int, platform: str, name: str
) -> None:
    found = key_name(character, scan_code, platform)
    assert found == name
    if name == "q":
        assert pitch_of_key(found, 4) is None


def make() -> tuple[ComputerPiano, list[KeyInput], FakeClock]:
    sent: list[KeyInput] = []
    clock = FakeClock(5.0)
    return ComputerPiano(sent.append, clock.now_s), sent, clock


def test_down_and_up() -> None:
    piano, sent, clock = make()
    assert piano.key_down("a")
    clock.advance(0.25)
    assert piano.key_up("a")
    assert [(k.pitch, k.velocity > 0, k.at_s) for k in sent] == [(60, True, 5.0), (60, False, 5.25)]


def test_a_note_ends_as_it_began_though_the_octave_has_changed() -> None:
    piano, sent, _ = make()
    piano.key_down("a")
    piano.key_down("x")
    piano.key_up("x")
    piano.key_down("k")
    piano.key_up("a")
    assert [(k.pitch, k.velocity > 0) for k in sent] == [(60, True), (84, True), (60, False)]


def test_octaves_have_ends() -> None:
    piano, _, _ = make()
    assert piano.octave == DEFAULT_OCTAVE
    for _ in range(20):
        piano.key_down("x")
    assert piano.octave == MAX_OCTAVE
    for _ in range(20):
        piano.key_down("z")
    assert piano.octave == MIN_OCTAVE


events = st.lists(
    st.tuples(st.sampled_from(["down", "up"]), st.sampled_from([*PIANO_ROW, "z", "x", "q"])),
    max_size=80,
)


@given(events)
def test_no_note_hangs(steps: list[tuple[str, str]]) -> None:
    """Whatever is pressed: on and off alternate for every pitch, and all ends with release."""
    piano, sent, _ = make()
    for what, name in steps:
        if what == "down":
            piano.key_down(name)
        else:
            piano.key_up(name)
    piano.release_all()
    sounding: set[int] = set()
    for key in sent:
        if key.velocity:
            assert key.pitch not in sounding
            sounding.add(key.pitch)
        else:
            sounding.remove(key.pitch)
    assert sounding == set()
    assert piano.held_pitches == frozenset()


@pytest.mark.parametrize(
    ("layout", "printed"),
    [("us", {"y": "y", ";": ";"}), ("de", {"y": "z", "z": "y", ";": "ö"}), ("fr", {"a": "q"})],
)
def test_what_is_printed_on_the_keys(layout: str, printed: dict[str, str]) -> None:
    """On an X server of its own, whose layout is set as a desktop sets it."""
    ours, theirs = os.pipe()
    screen = ["Xvfb", "-displayfd", str(theirs), "-noreset", "-screen", "0", "320x240x8"]
    server = subprocess.Popen(screen, pass_fds=(theirs,), stderr=subprocess.DEVNULL)
    os.close(theirs)
    try:
        with os.fdopen(ours) as pipe:
            display = {**os.environ, "DISPLAY": ":" + pipe.readline().strip()}
        subprocess.run(["setxkbmap", layout], env=display, check=True)
        code = (
            "import json; from ui.shortcuts.piano_keys import printed_letters;"
            "print(json.dumps(printed_letters()))"
        )
        said = subprocess.run([sys.executable, "-c", code], env=display, capture_output=True)
    finally:
        server.terminate()
        server.wait(10)
    found = json.loads(said.stdout)
    assert found.items() >= printed.items()


def test_without_an_x_server_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":there is none")
    assert printed_letters() == {}
