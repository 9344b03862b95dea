"""MIDI messages, synth and limiter; real FluidSynth with the shipped SoundFont."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.audio.limiter import CEILING, KNEE, Limiter
from jam.audio.soundfonts import (
    DRUM_BANK,
    chosen_soundfont,
    instruments,
    layers,
    presets,
    soundfonts,
    usable_soundfont,
)  # fmt: skip
from jam.audio.synth import CHANNELS, Synth
from jam.errors import BadInput, JamError
from jam.files import soundfont_path
from jam.messages.notes import BEND, CONTROLLER, EXPRESSIONS, KEY_PRESSURE, PRESSURE, Expression
from jam.midi.numbers import BEND_REST
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
        assert message.kind in ("note", "program", "mmc", *EXPRESSIONS)
        assert 0 <= message.channel < 16 and 0 <= message.number < 128
        assert 0 <= message.value <= (16383 if message.kind == BEND else 127)


def test_messages() -> None:
    assert parse_message([0x93, 60, 100]) == MidiMessage("note", 3, 60, 100)
    assert parse_message([0x93, 60, 0]) == MidiMessage("note", 3, 60, 0)
    assert parse_message([0x80, 60, 64]) == MidiMessage("note", 0, 60, 0)
    assert parse_message([0xB0, 64, 127]) == MidiMessage("control", 0, 64, 127)
    assert parse_message([0xE1, 0, 64]) == MidiMessage(BEND, 1, 0, BEND_REST)
    assert parse_message([0xE1, 127, 127]) == MidiMessage(BEND, 1, 0, 16383)
    assert parse_message([0xA0, 60, 9]) == MidiMessage(KEY_PRESSURE, 0, 60, 9)
    assert parse_message([0xD0, 9]) == MidiMessage(PRESSURE, 0, 0, 9)
    assert parse_message([0xC0, 5]) == MidiMessage("program", 0, 5, 127)
    for other in ([0xF8], [0xFE], [0xF0, 1, 2, 0xF7], [0xE0, 0], [0xC0, 5, 5], [60, 100], []):
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


def pitch_of(sound: np.ndarray) -> float:
    """Of the loudest partial from 200 to 2000 Hz, in semitones."""
    spectrum = np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound)), 1 << 18))
    hertz = np.fft.rfftfreq(1 << 18, 1 / 48000)
    spectrum[(hertz < 200) | (hertz > 2000)] = 0
    return float(12 * np.log2(hertz[np.argmax(spectrum)]))


def struck(synth: Synth, *controls: Expression, lane: int = 0, before: bool = True) -> np.ndarray:
    """A second of one note of an organ, moved by controls before or after it is struck."""
    synth.set_program("player", 19)
    synth.set_volume("player", 0.5)
    for control in controls if before else ():
        synth.control(control, lane)
    synth.note_on("player", 60, 90, lane)
    for control in () if before else controls:
        synth.control(control, lane)
    sound = render(synth, 1.0)
    synth.panic()
    for kind, number, value in (
        *((BEND, 0, BEND_REST), (PRESSURE, 0, 0), (CONTROLLER, 7, 127), (CONTROLLER, 11, 127)),
        *((CONTROLLER, 67, 0), (CONTROLLER, 1, 0)),
    ):
        synth.control(Expression(kind, number, value), lane)
    render(synth, 1.0)
    synth.set_program("player", 0)
    return sound


def test_a_bend_moves_the_pitch_of_its_own_lane(synth: Synth) -> None:
    plain = pitch_of(struck(synth))
    up = Expression(BEND, 0, 16383)
    assert pitch_of(struck(synth, up)) - plain == pytest.approx(2.0, abs=0.1)
    assert pitch_of(struck(synth, up, lane=3)) - plain == pytest.approx(2.0, abs=0.1)
    synth.control(up, 3)
    assert pitch_of(struck(synth)) == pytest.approx(plain, abs=0.05)
    synth.control(Expression(BEND, 0, BEND_REST), 3)


@pytest.mark.parametrize(
    "control",
    [Expression(CONTROLLER, number, value) for number, value in ((7, 40), (11, 40), (67, 127))],
)
def test_pedals_make_softer(synth: Synth, control: Expression) -> None:
    plain, softer = (np.sqrt((struck(synth, *c)[-24000:] ** 2).mean()) for c in ((), (control,)))
    assert 0.0 < softer < 0.8 * plain


@pytest.mark.parametrize(
    "control",
    [Expression(*kind, 127) for kind in ((CONTROLLER, 1), (PRESSURE, 0), (KEY_PRESSURE, 60))],
)
def test_wheel_and_aftertouch_are_heard(synth: Synth, control: Expression) -> None:
    plain, moved = struck(synth), struck(synth, control, before=False)
    assert np.abs(plain - moved).max() > 0.2 * np.abs(plain).max()


def test_sostenuto_holds_what_was_down(synth: Synth) -> None:
    synth.note_on("player", 60, 90)
    render(synth, 0.1)
    synth.control(Expression(CONTROLLER, 66, 127))
    synth.note_off("player", 60)
    synth.note_on("player", 72, 90)
    synth.note_off("player", 72)
    render(synth, 1.0)
    assert synth.voices > 0 and np.abs(render(synth, 0.2)).max() > 1e-3
    synth.control(Expression(CONTROLLER, 66, 0))
    render(synth, 2.0)
    assert np.abs(render(synth, 0.2)).max() < 1e-3


def test_forty_loud_notes_do_not_clip(synth: Synth) -> None:
    for pitch in range(30, 70):
        synth.note_on("player", pitch, 127)
    sound = render(synth, 1.0)
    synth.panic()
    render(synth, 1.5)
    assert 0.5 < np.abs(sound).max() <= CEILING


def test_the_limiter_turns_down_without_a_step() -> None:
    limiter = Limiter(48000)
    sine = np.sin(2 * np.pi * 220 * np.arange(9600) / 48000, dtype=np.float32)
    sound = np.column_stack([sine, sine]) * np.float32(1.5)
    largest = np.abs(np.diff(sound[:, 0])).max()
    for start in range(0, len(sound), 256):
        limiter.process(sound[start : start + 256])
    assert np.abs(np.diff(sound[:, 0])).max() <= largest
    assert limiter.gain == pytest.approx(KNEE / 1.5, rel=0.01)
    spectrum = np.abs(np.fft.rfft(sound[4800:, 0] * np.hanning(4800)))
    assert spectrum[50:].max() < 0.001 * spectrum.max()  # no harmonics once it has turned down


@given(st.lists(st.floats(0, 30), min_size=1, max_size=20))
def test_the_limiter_holds_its_ceiling_and_lets_the_quiet_pass(peaks: list[float]) -> None:
    limiter = Limiter(48000)
    rng = np.random.default_rng(1)
    for peak in peaks:
        block = (peak * rng.uniform(-1, 1, (256, 2))).astype(np.float32)
        limiter.process(block)
        assert np.abs(block).max() <= CEILING
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


def test_what_a_soundfont_lacks_is_had_from_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAM_SOUNDFONT", raising=False)
    usual, (grand, *_) = soundfont_path(), layers()
    assert layers() == (grand, usual) and chosen_soundfont("") == grand
    assert layers(usual) == (usual,)
    assert len(presets(grand)) < 5 and len(instruments(grand)) > 100
    assert instruments(grand)[0, 0] == presets(grand)[0, 0] != presets(usual)[0, 0]
    synth = Synth(48000)
    for part, program in (("player", 0), ("bass", 33), ("drums", 0)):
        synth.set_program(part, program)
        synth.note_on(part, 40, 100)
        assert np.abs(render(synth, 0.3)).max() > 0.01, part
        synth.panic()
        render(synth, 1.5)
    synth.close()


def test_notes_do_not_wait_for_an_instrument_that_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FluidSynth takes no note while it decodes samples: whoever decodes is another synth."""
    monkeypatch.delenv("JAM_SOUNDFONT", raising=False)
    synth = Synth(48000, soundfont_path())
    chosen: list[str] = []
    for name in ("_fluid", "_decoder"):
        monkeypatch.setattr(
            getattr(synth, name), "program_select", lambda *_, n=name: chosen.append(n)
        )
    synth.preload("chords", 40)
    assert chosen == ["_decoder"]
    synth.set_program("chords", 40)
    assert chosen == ["_decoder", "_decoder", "_fluid"]
    synth.close()


def test_instruments_are_named_as_the_soundfont_names_them() -> None:
    named = instruments(soundfont_path())
    assert len(named) > 100
    assert "piano" in named[0, 0].lower() and "bass" in named[0, 32].lower()
    assert (DRUM_BANK, 0) in named


def test_a_soundfont_is_chosen_by_its_name_or_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    own = tmp_path / "soundfonts" / "own.sf3"
    own.parent.mkdir()
    shutil.copy(soundfont_path(), own)
    assert soundfonts()["own.sf3"] == own
    for name in ("own.sf3", str(own)):
        assert chosen_soundfont(name) == own
    assert chosen_soundfont("") == soundfont_path()
    with pytest.raises(BadInput, match=r"nothing\.sf2"):
        chosen_soundfont("nothing.sf2")
    own.write_bytes(b"RIFF")
    for name in ("nothing.sf2", "own.sf3"):
        path, why = usable_soundfont(name)
        assert path == chosen_soundfont("") and name in why
    assert usable_soundfont("") == (chosen_soundfont(""), "")
