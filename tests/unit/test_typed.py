"""Words for settings and devices: each means what it says, and a wrong value is named."""

from __future__ import annotations

import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.cli.console import (
    NO_JAM,
    SILENCED,
    SONG_OFF,
    SONG_USE,
    STARTED,
    STOPPED,
    TypedJam,
    cue_words,
    devices_in_words,
    follow_commands,
    kept_words,
)
from jam.cli.live import title_of
from jam.cli.options import ALL_GROUPS, parser, settings_from
from jam.cli.values import WORDS, devices, help_lines, setting
from jam.errors import BadInput
from jam.files import demo_tunes
from jam.messages.commands import CUES, EVERY_INPUT, SelectDevices
from jam.messages.snapshot import DeviceState, Snapshot
from jam.midi.file import read_tune
from jam.music.grid import Meter
from jam.settings import DEVICES, SETTINGS, JamSettings
from jam.settings.line import Line
from tests.support.ui_fake import stopped_snapshot


@pytest.mark.parametrize(
    ("word", "text", "name", "value"),
    [
        ("bpm", "96.5", "bpm", 96.5),
        ("meter", "7/8", "meter", Meter(7, 8)),
        ("key", "F# minor", "key_lock", (6, True)),
        ("key", "any", "key_lock", None),
        ("palette", "m7 G7", "palette", ("min7", "G7")),
        ("palette", "any", "palette", ()),
        ("density", "any", "density", None),
        ("density", "2", "density", 2.0),
        ("split", "C4", "split_pitch", 60),
        ("split", "Bb3", "split_pitch", 58),
        ("split", "c-1", "split_pitch", 0),
        ("split", "61", "split_pitch", 61),
        ("channel", "all", "midi_channel", 0),
        ("latency", "-20", "latency_offset_ms", -20.0),
        ("agent", "rules", "model", "rules"),
        ("harmony", "jazz", "style", "jazz"),
        ("chord-instrument", "style", "agent_program", None),
        ("chord-instrument", "vibraphone", "agent_program", 11),
        ("drum-kit", "40", "drums_program", 40),
        ("split", "off", "split_pitch", 0),
        ("bass", "off", "bass", False),
        ("style", "pop", "accompaniment", "pop"),
    ],
)
def test_settings(word: str, text: str, name: str, value: Any) -> None:
    assert setting(word, text) == {name: value}
    assert getattr(JamSettings().changed(**setting(word, text)), name) == value


def test_every_setting_has_a_line_with_all_that_is_said_of_it() -> None:
    assert list(SETTINGS) == [f.name for f in fields(JamSettings)]
    for line in SETTINGS.values():
        assert line.label and line.tip and line.help and line.word, line.name
        assert line.group in ALL_GROUPS, line.name
        assert line.tip.endswith(".") and not line.help.endswith("."), line.name
    every = (*SETTINGS.values(), *DEVICES.values())
    for said in zip(*((line.plain_label, line.flag, line.word) for line in every), strict=True):
        assert len(said) == len(set(said))
    assert set(DEVICES) == {f.name for f in fields(SelectDevices)}


@pytest.mark.parametrize("line", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_can_be_typed_and_given_as_an_option(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is typed for a value gives it back; its option means the same, and names its default."""
    defaults = JamSettings()
    for value in (line.default, *(choice.value for choice in line.choices)):
        typed = line.typed(value)
        assert setting(line.word, typed) == {line.name: value}
        flags = [line.flag, typed]
        if line.kind is bool:
            flags = [line.flag if value else line.flag.replace("--", "--no-")]
        args = parser().parse_args(["play", *flags])
        assert settings_from(args, defaults) == defaults.changed(**{line.name: value})
    assert any(text.startswith(f"{line.word} ") and line.help in text for text in help_lines())
    with pytest.raises(SystemExit):
        parser().parse_args(["play", "--help"])
    said = " ".join(capsys.readouterr().out.replace("-\n", "-").split())
    assert f"default {line.typed(line.default)})" in said


@given(st.sampled_from(sorted(WORDS)), st.text(max_size=8))
def test_any_text_is_taken_or_refused(word: str, text: str) -> None:
    try:
        JamSettings().changed(**setting(word, text))
    except BadInput as error:
        assert "\n" not in str(error).replace(repr(text), "")


def test_devices() -> None:
    assert devices("in", "all") == SelectDevices(midi_inputs=EVERY_INPUT)
    assert devices("in", "Keys, Pads") == SelectDevices(midi_inputs=("Keys", "Pads"))
    assert devices("out", "none") == SelectDevices(midi_outputs=())
    assert devices("audio", "default") == SelectDevices(audio="")
    assert devices("server", "none") == SelectDevices(agent_server="")
    with pytest.raises(BadInput, match="wss://"):
        devices("server", "ws://school.example:1")
    assert devices("buffer", "512") == SelectDevices(block_frames=512)


def test_devices_in_words_tell_what_is_measured_and_what_is_reported() -> None:
    state = DeviceState(
        midi_api="jack",
        audio="JACK: system",
        audio_latency_ms=5.3,
        sample_rate=48000,
        block_frames=256,
        audio_rates=(48000,),
        audio_blocks=(256, 512),
        key_to_synth_ms=0.4,
        problems=("Something is missing.",),
    )
    text = "\n".join(devices_in_words(state))
    assert "Microphone" not in text
    assert "5.3 ms reported" in text and "0.4 ms measured" in text
    assert "available: 48000 Hz, buffers of 256, 512" in text
    assert text.endswith("Something is missing.")
    assert state.latency_ms == pytest.approx(5.7)
    assert DeviceState(key_to_synth_ms=0.4).latency_ms == 0.0


def test_devices_in_words_tell_of_the_microphone() -> None:
    state = DeviceState(available_microphones=("JACK: system",))
    assert devices_in_words(state) == ["Microphone: none", "  available: JACK: system"]
    chosen = replace(state, wanted_microphone="booth")
    assert devices_in_words(chosen, choices=False) == ["Microphone: booth"]


def test_at_the_start_only_what_is_open_is_said() -> None:
    state = DeviceState(
        midi_api="jack",
        available_inputs=("Piano",),
        available_audio=("Speakers",),
        problems=("Something is missing.",),
    )
    assert devices_in_words(state, choices=False) == [
        "MIDI (jack) in: none; out: none",
        "Something is missing.",
    ]


class Told:
    """An engine that only listens."""

    def __init__(self, running: bool | None = None) -> None:
        self.commands: list[object] = []
        self.running = running

    def snapshot(self) -> Snapshot | None:
        return None if self.running is None else replace(stopped_snapshot(), running=self.running)

    def send(self, command: object) -> None:
        self.commands.append(command)


def test_every_typed_command_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["bpm 96", "out none", "start", "stop", "panic", "help", "bpm 999", "nonsense"]
    told = Told()
    quit_ = threading.Event()
    follow_commands(lines, TypedJam(told, JamSettings(), 1, quit_), quit_)  # type: ignore[arg-type]
    said = capsys.readouterr()
    answers = [line for line in said.out.splitlines() if line not in help_lines()]
    assert len(answers) == 5 and answers[2:] == [STARTED, STOPPED, SILENCED]
    assert "96" in answers[0] and help_lines()[-1] in said.out
    assert len(said.err.splitlines()) == 2 and len(told.commands) == 5


@pytest.mark.parametrize("running", [True, False])
def test_keep_song_and_cues_say_what_they_do(
    running: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chart = tmp_path / "mine.txt"
    chart.write_text("title: Mine\n| C | F | G | C |\n")
    lines = ["keep 8", "keep", f"song {chart}", "song off", *CUES, "song", "keep 99"]
    told, quit_ = Told(running), threading.Event()
    follow_commands(lines, TypedJam(told, JamSettings(), 1, quit_), quit_)  # type: ignore[arg-type]
    said = capsys.readouterr()
    answers = said.out.splitlines()
    asked = [kept_words(8), kept_words(None)] if running else [NO_JAM] * 2
    cues = [cue_words(cue) if running else NO_JAM for cue in CUES]
    assert answers[:2] == asked and answers[3:] == [SONG_OFF, *cues]
    assert "Mine" in answers[2] and "4 bars" in answers[2]
    errors = said.err.splitlines()
    assert errors[0] == f"jam: {SONG_USE}" and "keep 99" in errors[1]


def test_the_demo_is_called_by_its_tune() -> None:
    titles = [title_of(read_tune(tune)) for tune in demo_tunes()]
    assert titles[0] == "Auld Lang Syne" and not any(title[0].isdecimal() for title in titles)
