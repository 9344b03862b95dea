"""MIDI messages, synth and limiter; real FluidSynth with the shipped SoundFont."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.audio.synth import CHANNELS, Limiter, Synth
from jam.errors import JamError
from jam.files import soundfont_path
from jam.midi.ports import MidiMessage, is_hardware, parse_message


@pytest.fixture(scope="module")
def synth() -> Iterator[Synth]:
    synth = Synth(48000)
    yield synth
    synth.close()


def render(synth: Synth, seconds: float) -> np.ndarray:
    block = np.zeros((int(48000 * seconds), 2), dtype=np.float32)
    synth.render_into(block[:4096])
    for start in range(4096, len(block), 4096):
        synth.render_into(block[start : start + 4096])
    return block


@given(st.lists(st.integers(0, 255), max_size=8))
def test_any_bytes_are_decoded_or_dropped(data: list[int]) -> None:
    message = parse_message(data)
    if message is not None:
        assert message.kind in ("note", "control")
        assert 0 <= message.channel < 16 and 0 <= message.number < 128 and 0 <= message.value < 128


def test_messages() -> None:
    assert parse_message([0x93, 60, 100]) == MidiMessage("note", 3, 60, 100)
    assert parse_message([0x93, 60, 0]) == MidiMessage("note", 3, 60, 0)
    assert parse_message([0x80, 60, 64]) == MidiMessage("note", 0, 60, 0)
    assert parse_message([0xB0, 64, 127]) == MidiMessage("control", 0, 64, 127)
    assert parse_message([0xE2, 0, 64]) == MidiMessage("bend", 2, 0, 8192)
    assert parse_message([0xC0, 5]) == MidiMessage("program", 0, 5, 127)
    for other in ([0xF8], [0xFE], [0xF0, 1, 2, 0xF7], [0xE0, 0], [0xC0, 5, 6], [60, 100], []):
        assert parse_message(other) is None


def test_programs_are_not_taken_for_keyboards() -> None:
    assert is_hardware("system:midi_capture_1", "jack")
    assert is_hardware("a2j:Keystation [24] (capture): 0", "jack")
    assert not is_hardware("Bitwig:midi out", "jack")
    assert is_hardware("Keystation 49:Keystation 49 MIDI 1 24:0", "alsa")
    assert not is_hardware("Bitwig:out 129:0", "alsa")


def test_every_part_sounds_and_panic_silences(synth: Synth) -> None:
    for part in CHANNELS:
        synth.note_on(part, 60, 100)
        assert np.abs(render(synth, 0.3)).max() > 0.01, part
        synth.panic()
        render(synth, 1.5)
        assert np.abs(render(synth, 0.2)).max() < 1e-3, part


def test_volume_acts(synth: Synth) -> None:
    peaks = []
    for volume in (0.2, 1.0):
        synth.set_volume("player", volume)
        synth.note_on("player", 60, 100)
        peaks.append(np.abs(render(synth, 0.3)).max())
        synth.panic()
        render(synth, 1.5)
    assert peaks[0] < 0.3 * peaks[1]


def test_forty_loud_notes_do_not_clip(synth: Synth) -> None:
    for pitch in range(30, 70):
        synth.note_on("player", pitch, 127)
    sound = render(synth, 1.0)
    synth.panic()
    render(synth, 1.5)
    assert 0.5 < np.abs(sound).max() <= 0.971


@given(st.lists(st.floats(0, 30), min_size=1, max_size=20))
def test_the_limiter_holds_its_ceiling_and_lets_the_quiet_pass(peaks: list[float]) -> None:
    limiter = Limiter(48000)
    rng = np.random.default_rng(1)
    for peak in peaks:
        block = (peak * rng.uniform(-1, 1, (256, 2))).astype(np.float32)
        limiter.process(block)
        assert np.abs(block).max() <= 0.9701
    block = np.zeros((256, 2), dtype=np.float32)
    for _ in range(200):
        block[:] = 0.5
        limiter.process(block)
    assert np.allclose(block, 0.5)


def test_a_bad_soundfont_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"RIFF" + bytes(1000))
    with pytest.raises(JamError, match=r"bad\.sf2"):
        Synth(48000, bad)
    with pytest.raises(JamError, match="no such file"):
        Synth(48000, tmp_path / "none.sf2")


def test_instruments_can_be_chosen_when_the_soundfont_is_removed(tmp_path: Path) -> None:
    font = tmp_path / "font.sf3"
    shutil.copy(soundfont_path(), font)
    synth = Synth(48000, font)
    font.unlink()
    synth.set_program("chords", 40)  # its samples are not in memory yet
    synth.note_on("chords", 60, 100)
    block = np.zeros((4096, 2), dtype=np.float32)
    synth.render_into(block)
    assert np.abs(block).max() > 0.01
    synth.close()
