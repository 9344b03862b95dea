"""Sound without the system's libraries: FluidSynth and SDL of the Python packages."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jam.audio.sdl import SDL
from jam.system import wheel_library

HIDE = """
import ctypes.util, os
real = ctypes.util.find_library
ctypes.util.find_library = lambda name: (
    None if "fluidsynth" in name or "portaudio" in name else real(name)
)
"""
PLAY = """
import sys, time
import numpy as np
from jam.audio.output import open_audio
from jam.audio.synth import Synth, own_drivers
from jam.messages.commands import DeviceChoice

synth = Synth()
synth.note_on("player", 60, 100)
block = np.zeros((4800, 2), np.float32)
synth.render_into(block)
assert np.abs(block).max() > 0.01
assert "file" not in own_drivers()
synth, output = open_audio(DeviceChoice())
while output.rendered < 4800:
    time.sleep(0.01)
output.close()
synth.close()
assert not any(name.startswith("pygame") for name in sys.modules)
print(output.name)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the libraries come along")
def test_it_sounds_without_a_library_of_the_system() -> None:
    assert wheel_library("fluidsynth") and wheel_library("SDL2-2")
    assert wheel_library("no such thing") is None
    done = subprocess.run(
        [sys.executable, "-c", HIDE + PLAY],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SDL_AUDIODRIVER": "dummy"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == SDL
