"""Words for settings and devices: each means what it says, and a wrong value is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.cli.console import devices_in_words
from jam.cli.values import DEVICES, SETTINGS, setting
from jam.errors import BadInput
from jam.messages.commands import EVERY_INPUT, SelectDevices
from jam.messages.snapshot import DeviceState
from jam.music.grid import Meter
from jam.settings import JamSettings


@pytest.mark.parametrize(
    ("word", "text", "name", "value"),
    [
        ("bpm", "96.5", "bpm", 96.5),
        ("meter", "7/8", "meter", Meter(7, 8)),
        ("key", "F# minor", "key_lock", (6, True)),
        ("key", "free", "key_lock", None),
        ("palette", "m7 G7", "palette", ("min7", "G7")),
        ("palette", "all", "palette", ()),
        ("density", "any", "density", None),
        ("density", "2", "density", 2.0),
        ("split", "C4", "split_pitch", 60),
        ("split", "Bb3", "split_pitch", 58),
        ("split", "c-1", "split_pitch", 0),
        ("split", "61", "split_pitch", 61),
        ("channel", "all", "midi_channel", 0),
        ("latency", "-20", "latency_offset_ms", -20.0),
        ("model", "rules", "model", "rules"),
        ("partner", "style", "agent_program", None),
        ("style", "pop", "accompaniment", "pop"),
    ],
)
def test_settings(word: str, text: str, name: str, value: Any) -> None:
    assert setting(word, text) == {name: value}
    assert getattr(JamSettings().changed(**setting(word, text)), name) == value


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=8))
def test_any_text_is_taken_or_refused(word: str, text: str) -> None:
    try:
        JamSettings().changed(**setting(word, text))
    except BadInput as error:
        assert "\n" not in str(error).replace(repr(text), "")


def test_devices() -> None:
    assert DEVICES["in"]("all") == SelectDevices(midi_inputs=EVERY_INPUT)
    assert DEVICES["in"]("Keys, Pads") == SelectDevices(midi_inputs=("Keys", "Pads"))
    assert DEVICES["out"]("none") == SelectDevices(midi_outputs=())
    assert DEVICES["audio"]("default") == SelectDevices(audio="")
    assert DEVICES["buffer"]("512") == SelectDevices(block_frames=512)


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
    assert "5.3 ms reported" in text and "0.4 ms from key to synth measured" in text
    assert "takes 48000 Hz" in text and "blocks of 256, 512" in text
    assert text.endswith("Something is missing.")
    assert state.latency_ms == pytest.approx(5.7)
    assert DeviceState(key_to_synth_ms=0.4).latency_ms == 0.0
