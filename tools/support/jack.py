"""Real parts for the end-to-end tests: a JACK server, a player and a recorder as processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.system import is_granted

RATE = 48000


def _realtime() -> list[str]:
    """Options for a server in real time, where the system grants it, as a musician has it.

    On a busy machine JACK passes over a cycle for which a client was late, or lets it run twice:
    then notes are lost, or come double, on their way from a program that has sent them in time.
    (Its synchronous mode waits for everyone, and for a client that is about to leave for too long.)
    """
    return ["-R", "-P", "70"] if is_granted() else ["-r"]


class JackServer:
    """A JACK server with a dummy device, which can be killed and started again.

    realtime: its own threads and those of its clients go first, where the system grants it.
    """

    def __init__(
        self, name: str, block_frames: int = 512, rate: int = RATE, realtime: bool = True
    ) -> None:
        self._options = _realtime() if realtime else ["-r"]
        self.environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        self._name = name
        self.start(block_frames, rate)

    def start(self, block_frames: int = 512, rate: int = RATE) -> None:
        self.block_frames = block_frames
        jackd = shutil.which("jackd")
        assert jackd, "jackd is missing (Debian: jackd2); `make test` installs it"
        self._process = subprocess.Popen(
            [
                jackd,
                "-n",
                self._name,
                *self._options,
                "-d",
                "dummy",
                "-r",
                str(rate),
                "-p",
                str(block_frames),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        probe = [sys.executable, "-c", "import jack; jack.Client('probe', no_start_server=True)"]
        for _ in range(100):
            if subprocess.run(probe, env=self.environment, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("the JACK server did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        if self._process.poll() is not None:
            self.start()  # one that was killed keeps its place; JACK has eight for the machine
        self._process.terminate()
        self._process.wait(10)


@contextmanager
def jack_server(block_frames: int = 512, realtime: bool = True) -> Iterator[dict[str, str]]:
    """A JACK server for the block; gives the environment in which programs find it."""
    server = JackServer(f"jamtest{os.getpid()}", block_frames, realtime=realtime)
    try:
        yield server.environment
    finally:
        server.close()


@dataclass(frozen=True)
class Recording:
    """What came out of the program: MIDI as (second, bytes), sound as (frames, 2) floats.

    Both on JACK's clock, second 0 being the start of the recording.
    """

    midi: list[tuple[float, bytes]]
    audio: NDArray[np.float32]

    def notes(self, channel: int = 1) -> list[tuple[float, int, bool]]:
        """(second, pitch, is it a note-on) of one channel, from 0."""
        return [
            (at_s, data[1], data[0] & 0xF0 == 0x90 and data[2] > 0)
            for at_s, data in self.midi
            if len(data) == 3 and data[0] & 0x0F == channel and data[0] & 0xF0 in (0x80, 0x90)
        ]


@contextmanager
def recorder(environment: dict[str, str], folder: Path) -> Iterator[Path]:
    """Records the program's MIDI output and its sound, in a process of its own, inside the
    block; then `load_recording` reads the file that it left.
    """
    out = folder / "recording"
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.support.jack_recorder", str(out)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "recording\n"
    try:
        yield out
    finally:
        process.stdin.close()
        assert process.wait(20) == 0


def load_recording(path: Path) -> Recording:
    midi = json.loads(path.with_suffix(".json").read_text())
    return Recording(
        [(at_s, bytes.fromhex(data)) for at_s, data in midi], np.load(path.with_suffix(".npy"))
    )


def play(
    environment: dict[str, str], messages: list[tuple[float, list[int]]]
) -> subprocess.Popen[str]:
    """Another process plays (second from now, MIDI bytes) into the program's port, in real time."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.support.jack_player"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(messages))
    process.stdin.close()
    assert process.stdout.readline() == "playing\n"
    return process


@contextmanager
def midi_listener(name: str) -> Iterator[subprocess.Popen[str]]:
    """A MIDI instrument that plays nothing: its port, and at the end what came, a line each."""
    code = (
        "import rtmidi, sys\n"
        "got = []\n"
        f"port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name={name!r})\n"
        "port.set_callback(lambda event, _: got.append(event[0]))\n"
        "port.open_virtual_port('in')\n"
        "print('there', flush=True)\n"
        "sys.stdin.read()\n"
        "for data in got: print(*data)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "there\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def left_on(listener: subprocess.Popen[str]) -> tuple[int, dict[tuple[int, int], int]]:
    """How many notes came, and those that were not ended; the listener ends."""
    output, _ = listener.communicate(timeout=20)
    messages = [tuple(map(int, line.split())) for line in output.splitlines()]
    sounding: Counter[tuple[int, int]] = Counter()
    n_notes = 0
    for status, pitch, velocity in (message for message in messages if len(message) == 3):
        if (status & 0xF0, pitch) == (0xB0, 123):
            sounding = Counter({key: on for key, on in sounding.items() if key[0] != status & 0xF})
        elif status & 0xF0 == 0x90 and velocity:
            n_notes += 1
            sounding[status & 0xF, pitch] = 1
        elif status & 0xE0 == 0x80:
            sounding[status & 0xF, pitch] = 0
    return n_notes, {pitch: on for pitch, on in sounding.items() if on}


class Controller:
    """A MIDI controller of its own process, until the block ends: keys, faders, and lights."""

    def __init__(self, environment: dict[str, str], name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.support.jack_controller", name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "there\n"
        self.shown: list[tuple[int, ...]] = []
        """What came to it."""
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Controller:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def send(self, *data: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(bytes(data).hex() + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.shown.append(tuple(bytes.fromhex(line)))
