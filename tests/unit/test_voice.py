"""The microphone as an instrument: pitch to notes, live and afterwards."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jam.errors import BadInput
from jam.messages.voice import BandSounds, GateFound, KeepSound, Listen, SetGate, Sung, VoiceState
from jam.music.grid import Meter
from jam.sessions.exports import take_of
from jam.sessions.imports import import_file
from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE
from jam.sessions.tasks import export_files, transcribe_again
from jam.sessions.voices import keep, kept, new_file
from jam.voice.afterwards import transcribe
from jam.voice.ear import Ear
from jam.voice.files import VoiceWish, read_sound, read_voice
from jam.voice.flac import last_frame
from jam.voice.pitch import HOP, RATE, Hop, PitchTracker
from jam.voice.process import KeptSound
from jam.voice.ranges import RANGES
from jam.voice.segmenter import ABOVE_ROOM_DB, Segmenter, VoiceEvent, gate_above, velocity_of
from jam.voice.stream import SampleTime
from jam.voice.tempo import beat_of
from tests.support.examples import examples
from tools.support.session_parts import waltz
from tools.support.sung import PLACES, TIMBRES, TrueNote, melody, sung
from tools.voice_ruler import Score, afterwards, live

HOP_S = HOP / RATE
LAG_S = 0.0107


def hops(*parts: tuple[float, int, float], clarity: float = 1.0) -> list[Hop]:
    """Hops of parts (pitch, how many, dB)."""
    out: list[Hop] = []
    for pitch, count, level_db in parts:
        for _ in range(count):
            sure = 0.0 if math.isnan(pitch) else clarity
            out.append(Hop((len(out) + 1) * HOP_S, pitch, sure, level_db))
    return out


SILENCE = (math.nan, 20, -80.0)


def events(heard: list[Hop], transpose: int = 0) -> list[VoiceEvent]:
    segmenter = Segmenter(-50.0, LAG_S, transpose)
    out = [event for hop in heard for event in segmenter.hear(hop)]
    return out + segmenter.release(heard[-1].at_s)


def begun(heard: list[VoiceEvent]) -> list[int]:
    return [event.pitch for event in heard if event.velocity]


def test_a_tone_is_a_note_from_its_beginning_to_its_end() -> None:
    on, off = events(hops(SILENCE, (60.1, 40, -20.0), SILENCE))
    assert (on.pitch, off.pitch) == (60, 60)
    assert on.velocity > 0 and off.velocity == 0
    assert on.at_s == pytest.approx(20 * HOP_S, abs=0.015)
    assert off.at_s == pytest.approx(60 * HOP_S, abs=0.02)


def test_a_held_step_is_another_note_and_vibrato_is_none() -> None:
    assert begun(events(hops(SILENCE, (60, 40, -20), (61, 40, -20), SILENCE))) == [60, 61]
    wave = [
        (60 + 0.7 * math.sin(2 * math.pi * 5.5 * i * HOP_S) * min(1.0, i / 30), 1, -20.0)
        for i in range(200)
    ]
    assert begun(events(hops(SILENCE, *wave, SILENCE))) == [60]


def test_a_dip_of_the_loudness_begins_the_same_note_anew() -> None:
    heard = events(hops(SILENCE, (60, 40, -20), (60, 6, -40), (60, 40, -20), SILENCE))
    assert begun(heard) == [60, 60]
    assert heard[2].at_s == pytest.approx(66 * HOP_S, abs=0.02)


def test_a_scoop_belongs_to_its_note() -> None:
    scoop = [(58.3 + 0.1 * i, 1, -20.0) for i in range(17)]
    heard = events(hops(SILENCE, (58.3, 5, -20.0), *scoop, (60, 60, -20), SILENCE))
    assert begun(heard)[-1] == 60
    ons = [event for event in heard if event.velocity]
    assert ons[-1].at_s == ons[0].at_s
    assert heard[-3].at_s < ons[0].at_s, "what it was taken for at first was none"


def test_what_is_transposed_is_transposed() -> None:
    assert begun(events(hops(SILENCE, (60, 40, -20), SILENCE), transpose=12)) == [72]


def test_what_is_softer_than_the_gate_is_no_note() -> None:
    assert events(hops(SILENCE, (60, 60, -51), SILENCE)) == []
    assert gate_above([-70.0] * 100) == pytest.approx(-70 + ABOVE_ROOM_DB)


def test_the_louder_the_stronger() -> None:
    strong = [velocity_of(db) for db in range(-10, 80, 5)]
    assert strong == sorted(strong)
    assert 1 <= strong[0] < strong[-1] <= 127


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(30, 100), st.just(math.nan)),
            st.integers(1, 40),
            st.floats(-90, 0),
            st.floats(0, 1),
        ),
        max_size=30,
    ),
    st.integers(-24, 24),
)
def test_whatever_is_heard_every_note_ends(
    parts: list[tuple[float, int, float, float]], transpose: int
) -> None:
    heard: list[Hop] = []
    for pitch, count, level_db, clarity in parts:
        sure = 0.0 if math.isnan(pitch) else clarity
        for _ in range(count):
            heard.append(Hop((len(heard) + 1) * HOP_S, pitch, sure, level_db))
    if not heard:
        return
    out = events(heard, transpose)
    assert [event.velocity > 0 for event in out] == [i % 2 == 0 for i in range(len(out))]
    assert len(out) % 2 == 0
    for on, off in zip(out[::2], out[1::2], strict=True):
        assert on.pitch == off.pitch
        assert 0 <= on.pitch <= 127


@pytest.mark.parametrize("name", ["soprano", "bass"])
def test_a_tune_that_is_sung_is_heard(name: str) -> None:
    wanted = RANGES[name]
    notes = melody(wanted.low + 4, wanted.high - 4, 3, n_notes=20)
    sound = sung(notes, TIMBRES["voice"], PLACES["room"], seed=2)
    for hear in (live, afterwards):
        score = Score()
        score.add(notes, hear(sound, wanted)[0])
        assert score.f1 > 0.85, hear


def test_pitch_is_within_ten_cents() -> None:
    tracker = PitchTracker(RANGES["any"])
    t = np.arange(RATE // 2) / RATE
    tone = np.asarray(0.2 * np.sin(2 * np.pi * 440 * t) + 0.1 * np.sin(4 * np.pi * 440 * t), "f4")
    heard = [tracker.hear(tone[i : i + HOP], i / RATE) for i in range(0, len(tone) - HOP, HOP)]
    assert all(abs(hop.pitch - 69) < 0.1 and hop.clarity > 0.9 for hop in heard[12:])


def test_when_samples_came_is_known_though_callbacks_are_late_and_blocks_are_lost() -> None:
    rng = np.random.default_rng(1)
    block_s, drift = HOP / RATE, 1 + 1e-4
    time, came_s, off_ms = SampleTime(RATE), 50.0, []
    for i in range(20000):
        came_s += block_s * drift
        if lost := i % (300 if i < 18000 else 4) == 3:  # in the end a machine that is overrun
            came_s += block_s
        told_s = time.add(HOP, came_s + rng.exponential(0.003) * (rng.random() < 0.7), lost)
        off_ms.append(1000 * (told_s - came_s))
    assert np.median(np.abs(off_ms)) < 0.5
    assert np.percentile(np.abs(off_ms[:18000]), 99) < 6.0
    assert max(np.abs(off_ms[18000:])) < 30.0


def test_nothing_is_heard_in_silence_or_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, RATE * 2).astype(np.float32)
    for sound in (np.zeros(RATE, np.float32), noise, np.zeros(3, np.float32)):
        assert transcribe(sound, RATE, RANGES["any"]) == []
    assert live(noise, RANGES["any"])[0] == []


def test_another_sample_rate_is_the_same_music() -> None:
    notes = [TrueNote(0.5 + i, 1.3 + i, 60 + 2 * i) for i in range(3)]
    sound = sung(notes, TIMBRES["trumpet"])
    found = transcribe(sound[::2].copy(), RATE // 2, RANGES["trumpet"])
    assert [note.pitch for note in found] == [60, 62, 64]


@pytest.mark.parametrize(("bpm", "meter"), [(84.0, "4/4"), (96.0, "3/4"), (131.0, "4/4")])
def test_tempo_and_bar_are_found(bpm: float, meter: str) -> None:
    beats = [0.0, 1.0, 1.5, 2.0, 3.0, 3.5] if meter == "4/4" else [0.0, 1.5, 2.0, 2.5]
    bar = Meter.parse(meter).beats_per_bar
    rng = np.random.default_rng(1)
    places = [k * bar + beat for k in range(12) for beat in beats]
    ends = [*places[1:], places[-1] + 1]
    onsets = [1.3 + 60 / bpm * place + rng.normal(0, 0.012) for place in places]
    lengths = [60 / bpm * (end - place) for place, end in zip(places, ends, strict=True)]
    beat = beat_of(list(zip(onsets, lengths, strict=True)), Meter.parse(meter))
    assert beat.bpm == pytest.approx(bpm, rel=0.004)
    off = (beat.bar_s - 1.3) / (60 / bpm)
    assert abs(off - round(off)) < 0.1, "on a beat"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scale at 100 bpm, a note a beat, from second 1 on."""
    notes = [TrueNote(1 + 0.6 * i, 1.5 + 0.6 * i, p) for i, p in enumerate((60, 62, 64, 65) * 3)]
    path = tmp_path_factory.mktemp("voice") / "scale.flac"
    soundfile.write(path, sung(notes, TIMBRES["trumpet"]), RATE)
    return path


def test_a_recording_becomes_a_song_and_a_session(recording: Path, tmp_path: Path) -> None:
    song = read_voice(recording, VoiceWish("trumpet", 100.0)).song
    assert [note.pitch for note in song.notes] == [60, 62, 64, 65] * 3
    starts = np.array([note.start_frame for note in song.notes])
    assert np.abs(starts - np.round(starts / 4) * 4).max() < 0.5
    assert not song.warnings
    with Library(tmp_path / "library.sqlite3") as library:
        warned: list[str] = []
        (info,) = import_file(library, recording, warn=warned.extend)
        assert info.n_notes == 12
        assert warned, "the tempo was estimated"
        assert kept(library.path, info.started_at) is None
        wish = VoiceWish("trumpet", 100.0, keeps=True)
        (info,) = import_file(library, recording, wish=wish)
        file = kept(library.path, info.started_at)
        assert file is not None
        samples, rate_hz = soundfile.read(file)
        first_s = int(np.argmax(np.abs(samples) > 0.1)) / rate_hz
        session = library.session(info.id)
        assert first_s == pytest.approx(session.notes[0].start_s, abs=0.05)
        assert session.takes[0].info.settings.voice_kept


def test_a_bad_recording_is_named(tmp_path: Path) -> None:
    for name, data in (("a.wav", b""), ("b.flac", b"fLaC" + bytes(100)), ("c.ogg", b"OggS")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BadInput, match=name):
            read_voice(path)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(RATE, np.float32), RATE)
    with pytest.raises(BadInput, match="no notes"):
        read_voice(silent)
    with pytest.raises(BadInput, match="no such file"):
        read_voice(tmp_path / "none.wav")


def test_the_kept_sound_is_transcribed_again_and_exported(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    with Library(path) as library:
        (info,) = import_file(library, recording)
        with pytest.raises(BadInput, match="not kept"):
            transcribe_again(lambda _done, _all: None, path, info.id, LIVE_TAKE)
        file = new_file(path, 1)
        file.write_bytes(recording.read_bytes())
        assert keep(file, path, info.started_at)
        taken = transcribe_again(lambda _done, _all: None, path, info.id, LIVE_TAKE)
        session = library.session(info.id)
        made = take_of(session, taken.id).take
        assert [note.pitch for note in made.parts["player"]] == [60, 62, 64, 65] * 3
        out = tmp_path / "jam.wav"
        written = export_files(lambda _d, _a: None, path, info.id, LIVE_TAKE, [out], True, 48000)
        assert out.with_name("jam-voice.wav") in written
        stem, rate = soundfile.read(out.with_name("jam-voice.wav"))
        assert rate == 48000
        assert len(stem) >= len(soundfile.read(recording)[0])
        library.delete(info.id)
        library.purge(0)
        assert kept(path, info.started_at) is None


def test_the_sound_is_in_time_with_its_session(tmp_path: Path) -> None:
    ramp = np.linspace(0, 0.5, RATE, dtype=np.float32)
    sound = KeptSound(RATE)
    sound.keep(KeepSound(str(tmp_path / "a.flac"), 100.0))
    for first in range(0, RATE, HOP * 4):
        if not RATE // 2 <= first < RATE // 2 + HOP * 40:  # lost on the way
            block = ramp[first : first + HOP * 4]
            sound.add(block, 99.9 + (first + len(block)) / RATE)
    sound.keep(KeepSound(None))
    written, _ = soundfile.read(tmp_path / "a.flac")
    begun = ramp[RATE // 10 :]
    assert len(written) == pytest.approx(len(begun), abs=2)
    assert written[0] == pytest.approx(begun[0], abs=1e-3)
    assert written[-1] == pytest.approx(begun[-1], abs=1e-3)
    assert not written[RATE // 2 - RATE // 10 + HOP * 8 : RATE // 2 - RATE // 10 + HOP * 30].any()


def test_what_a_writer_left_that_was_cut_off_can_be_read(tmp_path: Path) -> None:
    """As a program that is killed, or a full disk, leaves it: its length is not in it."""
    whole = tmp_path / "whole.flac"
    rng = np.random.default_rng(2)
    sound = (0.2 * rng.standard_normal(5 * RATE)).astype(np.float32)
    soundfile.write(whole, sound, RATE, "PCM_16")
    data = bytearray(whole.read_bytes()[:-5000])
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path = tmp_path / "library.sqlite3"
    with Library(path) as library:
        info = library.add(waltz())
        file = new_file(path, 1)
        file.write_bytes(data)
        with pytest.raises(BadInput):
            read_sound(file)
        assert keep(file, path, info.started_at)
        found = kept(path, info.started_at)
        assert found is not None
    samples, _ = read_sound(found)
    assert len(sound) - 3 * 4608 < len(samples) < len(sound)
    assert np.abs(samples - sound[: len(samples)]).max() < 1e-3
    assert last_frame(bytes(100)) == last_frame(b"\xff\xf8" * 100) == 0


def test_a_disk_that_is_full_is_said_and_nothing_piles_up(tmp_path: Path) -> None:
    sound = KeptSound(RATE)
    sound.keep(KeepSound("/dev/full", 0.0))
    noise = np.random.default_rng(3).standard_normal(HOP).astype(np.float32)
    for i in range(20000):
        sound.add(noise, (i + 1) * HOP_S)
        if sound.problem:
            break
    sound.add(noise, 1e3)
    assert sound.problem and not sound.path
    waiting = sound._blocks.qsize()
    sound.add(noise, 1e3 + HOP_S)
    assert sound._blocks.qsize() == waiting
    sound.keep(KeepSound(None))


def ear_hears(ear: Ear, sound: NDArray[Any], first_s: float = 0.0) -> list[Sung | GateFound]:
    out: list[Sung | GateFound] = []
    for first in range(0, len(sound), 300):
        block = np.asarray(sound[first : first + 300], np.float32)
        out += ear.hear(block, first_s + (first + len(block)) / RATE)
    return out


def test_the_gate_is_found_by_listening() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 3 * RATE)
    ear = Ear(RATE, Listen())
    ear.obey(SetGate())
    found = [heard for heard in ear_hears(ear, noise) if isinstance(heard, GateFound)]
    assert len(found) == 1
    assert -40 < found[0].gate_db < -28, "8 dB over -40 dB"


def test_the_band_is_not_taken_for_a_voice_and_the_voice_is_heard_over_it() -> None:
    t = np.arange(4 * RATE) / RATE
    tones = [np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * t) for p in (48, 55, 64)]
    chord = 0.02 * np.sum(tones, axis=0)
    ear = Ear(RATE, Listen(ignores_band=True))
    for pitch in (48, 55, 64):
        ear.obey(BandSounds(pitch, 90, 0.0))
    ear_hears(ear, chord)
    assert ear.state(VoiceState()).hears_band
    notes = [TrueNote(0.5, 1.2, 69), TrueNote(1.3, 2.0, 67), TrueNote(2.1, 3.0, 64)]
    voice = 0.6 * sung(notes, TIMBRES["trumpet"])
    heard = ear_hears(ear, chord[: len(voice)] + voice, 4.0)
    assert [e.pitch for e in heard if isinstance(e, Sung) and e.velocity] == [69, 67, 64]


@pytest.mark.parametrize("ignores", [True, False])
def test_the_bass_is_heard_by_who_does_not_know_of_it(ignores: bool) -> None:
    sound = np.concatenate([0.03 * np.sin(2 * np.pi * 98 * np.arange(3 * RATE) / RATE)])
    ear = Ear(RATE, Listen(ignores_band=ignores))
    ear.obey(BandSounds(43, 90, 0.0))
    assert any(isinstance(e, Sung) for e in ear_hears(ear, sound)) is not ignores


def test_with_headphones_notes_of_the_band_can_be_sung() -> None:
    """The band plays all that is sung; the microphone doesn't hear it."""
    notes = [TrueNote(0.5 + 0.5 * i, 1.0 + 0.5 * i, 60 + i % 3) for i in range(24)]
    ear = Ear(RATE, Listen(ignores_band=True))
    for pitch in (48, 60, 61, 62):
        ear.obey(BandSounds(pitch, 90, 0.0))
    quiet = np.random.default_rng(0).normal(0, 1e-4, 2 * RATE)
    ear_hears(ear, quiet)
    heard = ear_hears(ear, sung(notes, TIMBRES["trumpet"]), 2.0)
    begun = [e for e in heard if isinstance(e, Sung) and e.velocity]
    assert len(begun) >= 22


def test_a_level_that_clips_is_said() -> None:
    ear = Ear(RATE, Listen())
    ear_hears(ear, np.ones(HOP))
    assert ear.state(VoiceState()).clips
    ear_hears(ear, np.zeros(3 * RATE), 0.01)
    assert not ear.state(VoiceState()).clips
