"""The microphone's kept sound beside a take that is played back: in time, at its own tempo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from jam.clock import FakeClock
from jam.messages.snapshot import PlaybackState
from jam.messages.voice import RECORDING
from jam.stage.recording import Recording
from jam.stage.transport import position_at
from tests.support.waiting import until

RATE, BLOCK, SECONDS = 48000, 512, 6


class Played:
    """A recording that is played back, driven by hand; each second is as loud as it is late."""

    def __init__(self, file: Path) -> None:
        self.clock = FakeClock(100.0)
        self.told: list[str] = []
        self.state = PlaybackState("take", False, 0.0, 100.0, 1.0, None, 0.0, SECONDS)
        self.recording = Recording(self.clock, lambda: self.state, self.told.append)
        self.recording.load(str(file))

    def change(self, position_s: float, **values: object) -> None:
        at_s = self.clock.now_s()
        self.state = replace(self.state, position_s=position_s, at_s=at_s, **values)  # type: ignore[arg-type]
        self.recording.moved()

    def heard(self, seconds: float, wait: bool = True) -> NDArray[np.float32]:
        """What is heard from now on, once what is heard first has been read."""
        if wait:
            self._block(0.0)
            here = int(position_at(self.state, self.clock.now_s()))
            needed = {here, here + 1, *(int(s) for s in self.state.loop or ())}
            until(lambda: needed <= self.recording._parts.keys(), "the recording", 20)
            self.recording._sounds = False
        blocks = [self._block(BLOCK / RATE) for _ in range(round(seconds * RATE / BLOCK))]
        return np.concatenate(blocks)

    def _block(self, step_s: float) -> NDArray[np.float32]:
        out = np.zeros((BLOCK, 2), np.float32)
        self.recording.add_to(out, RATE)
        self.clock.advance(step_s)
        return out[:, 0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    levels = np.repeat(np.arange(1, SECONDS + 1) / 20, RATE).astype(np.float32)
    soundfile.write(tmp_path / "voice.flac", levels, RATE, "PCM_16")
    return tmp_path / "voice.flac"


@pytest.fixture
def played(file: Path) -> Iterator[Played]:
    made = Played(file)
    yield made
    made.recording.load("")


def second(sample: float, gain: float = 0.5 / (SECONDS / 20)) -> int:
    """Of the recording, in which a sample of this level is; its loudest is played at 0.5."""
    return round(sample / gain * 20) - 1


def test_it_is_heard_where_the_take_is(played: Played) -> None:
    assert not np.any(played._block(0.0))
    played.change(1.9, playing=True)
    sound = played.heard(0.2)
    assert second(sound[round(0.05 * RATE)]) == 1 and second(sound[round(0.15 * RATE)]) == 2
    edge = int(np.argmax(sound > 0.2)) / RATE  # between the second's level and the third's
    assert edge == pytest.approx(0.1, abs=0.001)
    played.change(4.5)
    assert second(played.heard(0.1)[-1]) == 4
    played.change(2.5, loop=(1.5, 2.55))
    sound = played.heard(0.2)
    assert second(sound[1000]) == 2 and second(sound[-1]) == 1


def test_it_goes_on_without_a_gap_though_blocks_come_early_and_late(played: Played) -> None:
    played.change(0.5, playing=True)
    played.heard(0.1)
    places, late_s = [], 0.0
    for next_s in (0.008, 0.0, 0.006, 0.02, 0.012):
        before = played.recording._place
        played._block(BLOCK / RATE + next_s - late_s)
        late_s = next_s
        places.append(played.recording._place - before)
    assert places == [BLOCK] * 5


@pytest.mark.parametrize(
    "change", [{"playing": False}, {"speed": 0.8}, {"muted": (RECORDING,)}], ids=str
)
def test_it_is_silent_at_another_tempo_muted_and_at_rest(
    played: Played, change: dict[str, object]
) -> None:
    played.change(2.0, playing=True)
    before = played.heard(0.1)[-1]
    played.change(2.1, **change)
    after = played.heard(0.1, wait=False)
    assert abs(after[0] - before) < 0.01 and not after[BLOCK:].any(), "it fades, and is silent"


def test_what_can_not_be_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "broken.flac"
    file.write_bytes(b"no sound")
    played = Played(file)
    until(lambda: bool(played.told), "a word", 20)
    assert "broken.flac" in played.told[0]
    played.recording.load("")


def test_another_rate_and_no_recording(file: Path, played: Played) -> None:
    samples, _ = soundfile.read(file, dtype="float32")
    other = file.with_name("other.flac")
    soundfile.write(other, samples[::2], RATE // 2, "PCM_16")
    played.recording.load(str(other))
    played.change(3.5, playing=True)
    assert second(played.heard(0.1)[-1]) == 3
    played.recording.load("")
    assert not played.heard(0.1, wait=False).any()
