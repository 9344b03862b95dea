"""`jam devices` and `jam doctor`: what is there, what is missing, and how to fix it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
import platform
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jam import __version__
from jam.agent.anticipation import Anticipator
from jam.agent.predictor import LoadPredictor
from jam.clock import SystemClock
from jam.errors import BadInput, JamError
from jam.files import SOUNDFONT_VARIABLE, config_dir
from jam.messages.plans import PlanRequest
from jam.messages.snapshot import SET_BY_JACK
from jam.messages.voice import OFF
from jam.midi.ports import VIRTUAL_IN, VIRTUAL_OUT, MidiPorts
from jam.music.grid import TempoMap
from jam.music.rows import MelodyState, Row
from jam.preferences import load_preferences
from jam.sessions.library import Library
from jam.sessions.schema import Damaged
from jam.settings import JamSettings
from jam.system import has_screen, is_granted

if TYPE_CHECKING:
    from jam.audio.output import OutputDevice

_KEYS_PLAY = "play the computer keys or the mouse"
PYTHON_NEEDED = (3, 11)
_GOOD_LATENCY_MS = 20.0
_LITTLE_ROOM_MIB = 200
_WINDOW_TIMEOUT_S = 30.0
_HEARS_FOR_S = 1.0
_LIBRARIES = (
    "mido",
    "python-rtmidi",
    "numpy",
    "msgspec",
    "sounddevice",
    "pyfluidsynth",
    "aubio-ledfx",
    "PyQt6",
    *(("pygame-ce",) if sys.platform == "linux" else ()),
    "safetensors",
    "platformdirs",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report. level: "ok", "note" (works without) or "bad"; what isn't
    "ok" has a remedy in `mend`."""

    level: str
    what: str
    found: str
    mend: str = ""


def midi_findings(api: str = "auto") -> list[Finding]:
    """The MIDI system and its ports."""
    try:
        ports = MidiPorts(SystemClock(), lambda *_: None, lambda *_: None, api)
    except JamError as error:
        return [
            Finding(
                "note",
                "MIDI",
                str(error),
                _sound_group()
                or "connect a keyboard and load the kernel module (sudo modprobe snd-seq), or start"
                f" a JACK server; until then {_KEYS_PLAY}",
            )
        ]
    try:
        virtual = f"virtual ports “{VIRTUAL_IN}” and “{VIRTUAL_OUT}”"
        found = [Finding("ok", "MIDI", f"{ports.api}" + (f", {virtual}" * ports.has_virtual))]
        if names := ports.available_inputs:
            found.append(Finding("ok", "MIDI inputs", ", ".join(names)))
        else:
            keys = f"plug one in, now or later; until then {_KEYS_PLAY}"
            found.append(Finding("note", "MIDI inputs", "none connected", keys))
        outputs = ", ".join(ports.available_outputs) or "none connected (optional)"
        return [*found, Finding("ok", "MIDI outputs", outputs)]
    finally:
        ports.close()


def audio_findings() -> list[Finding]:
    """Every audio output."""
    from jam.audio.output import output_devices
    from jam.messages.commands import BLOCK_SIZES

    try:
        devices = output_devices()
    except JamError as error:
        mend = "make jam installs it as root; until then another way to the loudspeaker is tried"
        return [Finding("note", "audio", str(error), mend)]
    if not devices:
        return [
            Finding(
                "note",
                "audio",
                "no audio output device",
                _sound_group()
                or "connect one, or start a JACK server; until then jam is silent, but plays to its"
                " MIDI output",
            )
        ]
    found = [
        Finding("ok", "audio output", f"{d.description} ({d.latency_ms:.1f} ms; {_rates(d)})")
        for d in devices
    ]
    blocks = f"{', '.join(map(str, BLOCK_SIZES))} frames (--buffer)"
    on_jack = [d for d in devices if "JACK" in d.api]
    if on_jack:
        blocks = ("" if on_jack == devices else f"{blocks}; on JACK ") + SET_BY_JACK
    return [*found, Finding("ok", "audio buffers", blocks)]


def microphone_findings() -> list[Finding]:
    """Every audio input."""
    from jam.voice.stream import NO_MICROPHONE, input_devices

    try:
        devices = input_devices()
    except JamError as error:
        mend = f"make jam installs it as root; until then {_KEYS_PLAY}"
        return [Finding("note", "microphone", str(error), mend)]
    if not devices:
        mend = "plug one in (optional), or start a JACK server"
        return [Finding("note", "microphone", NO_MICROPHONE, _sound_group() or mend)]
    return [Finding("ok", "microphone", f"{d.description} ({d.rate_hz} Hz)") for d in devices]


def _hearing_finding() -> Finding | None:
    """Listens for a second to the microphone that is chosen, else to the default one; keeps
    nothing of it. None where there is none."""
    from jam.voice.stream import Microphone, find_input, input_devices

    what = "hearing"
    chosen = load_preferences()[0].devices.microphone
    allow = {
        "darwin": "System Settings, Privacy & Security, Microphone: allow the terminal to listen",
        "win32": "Settings, Privacy, Microphone: allow desktop apps to listen",
    }.get(sys.platform, "unmute it in the system's mixer (alsamixer: F4), and turn it up")
    try:
        there = input_devices()
    except JamError:
        there = []  # `microphone_findings` has told why
    if not there:
        return None
    try:
        clock = SystemClock()
        microphone = Microphone(find_input("" if chosen == OFF else chosen), clock)
    except BadInput as error:
        return Finding("note", what, str(error), "or choose another in the tab Devices")
    except JamError as error:
        return Finding("note", what, str(error), _sound_group() or allow)
    loudest, end_s = 0.0, clock.now_s() + _HEARS_FOR_S
    try:
        while clock.now_s() < end_s:
            with contextlib.suppress(queue.Empty):
                loudest = max(loudest, float(abs(microphone.blocks.get(timeout=0.1)[0]).max()))
        latency_ms = 1000 * microphone.latency_s
    finally:
        microphone.close()
    if not loudest:
        found = f"{microphone.description} gives no sound at all: muted, or not allowed to listen"
        return Finding("note", what, found, allow)
    level_db = 20 * math.log10(loudest)
    return Finding(
        "ok", what, f"{microphone.description} ({latency_ms:.1f} ms, loudest {level_db:.0f} dB)"
    )


def _transcriber_finding() -> Finding:
    """What recordings are transcribed with, which is no part of a plain installation."""
    from jam.voice.afterwards import MISSING

    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return Finding("ok", "swift-f0", importlib.metadata.version("swift-f0"))
    why, _, mend = MISSING.partition(": ")
    return Finding("note", "swift-f0", f"missing; {why}", mend)


def _sound_group() -> str:
    """The remedy where there are sound devices which this user may not open."""
    devices = list(Path("/dev/snd").glob("[psc]*"))
    if devices and not any(os.access(device, os.R_OK | os.W_OK) for device in devices):
        return "you may not open /dev/snd: sudo adduser $USER audio, then log in again"
    return ""


def _rates(device: OutputDevice) -> str:
    from jam.audio.output import sample_rates

    rates = ", ".join(
        f"{rate} Hz" + " (default)" * (rate == device.rate_hz) for rate in sample_rates(device)
    )
    return rates or f"{device.rate_hz} Hz (default)"


def _library_findings() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON_NEEDED:
        yield Finding("ok", "Python", f"{version} on {platform.system()}")
    else:
        yield Finding("bad", "Python", version, "install Python 3.11 or newer")
    for name in _LIBRARIES:
        try:
            yield Finding("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("bad", name, "missing", "remove the folder .venv, then make jam")


def _synth_finding() -> Finding:
    from jam.audio.soundfonts import layers, usable_soundfont
    from jam.audio.synth import Synth

    try:
        path, why = usable_soundfont(load_preferences()[0].devices.soundfont)
        Synth(soundfont=path).close()
    except JamError as error:
        mend = "git checkout assets restores the shipped SoundFont; make jam installs FluidSynth"
        if os.environ.get(SOUNDFONT_VARIABLE):
            mend = f"unset {SOUNDFONT_VARIABLE}, or set it to a .sf2 or .sf3 file"
        return Finding("bad", "SoundFont synth", str(error), mend)
    if why:
        mend = "choose another in the tab Devices, or: jam play --soundfont default"
        return Finding("note", "SoundFont synth", why, mend)
    return Finding("ok", "SoundFont synth", ", ".join(layer.name for layer in layers(path)))


def _latency_finding() -> Finding | None:
    """Opens the default device for a moment; None where there is none."""
    from jam.audio.output import open_audio
    from jam.messages.commands import DeviceChoice

    try:
        synth, output = open_audio(DeviceChoice())
    except JamError:
        return None
    latency_ms, description, on_jack = output.latency_ms, output.description, output.on_jack
    frames = output.block_frames
    output.close()
    synth.close()
    buffer = f"{frames} frames {SET_BY_JACK}" if on_jack else f"{frames} frames"
    found = f"{latency_ms:.1f} ms by {description}, buffer of {buffer}"
    if latency_ms <= _GOOD_LATENCY_MS:
        return Finding("ok", "audio latency", found)
    return Finding(
        "note",
        "audio latency",
        found,
        "a smaller buffer in JACK's own settings"
        if on_jack
        else "try --buffer 128, or FluidSynth's own driver (--audio fluidsynth:alsa, :jack or"
        " :pulseaudio); `make bench` compares them",
    )


def _priority_finding() -> Finding | None:
    """None where there is no such thing to be granted."""
    granted, what = is_granted(), "real-time priority"
    if granted is None:
        return None
    if granted:
        return Finding("ok", what, "granted")
    return Finding(
        "note",
        what,
        "not granted: audio may drop out when the computer is busy",
        "sudo usermod -aG audio $USER; echo '@audio - rtprio 95' | sudo tee"
        " /etc/security/limits.d/audio.conf; then log in again",
    )


def _plan_times_ms(load: LoadPredictor) -> tuple[str, str, list[float]]:
    predictor, message = load()
    settings = JamSettings()
    tempo_map = TempoMap.constant(settings.bpm, settings.meter)
    clock = SystemClock()
    times_ms = []
    rows: list[Row] = [Row(MelodyState(60 + i % 12, True)) for i in range(64)]
    anticipator = Anticipator(predictor, 0)
    first = 0
    for n in range(64, 96):
        rows.append(Row(MelodyState(60 + (7 * n) % 12, True)))  # always a surprise
        places = tuple(tempo_map.place(f) for f in range(first, n + 17))
        request = PlanRequest(first, tuple(rows[first:]), (), places, 16, 8, 0, settings)
        start_s = clock.now_s()
        anticipator.plan(request)
        times_ms.append(1000 * (clock.now_s() - start_s))
        first = n + 1
    return predictor.name, message, times_ms[1:]


def _agent_finding(load: LoadPredictor) -> Finding:
    name, message, times_ms = _plan_times_ms(load)
    found = f"{name}; a plan of 4 beats takes {statistics.median(times_ms):.1f} ms"
    if message:
        return Finding("bad", "agent", found, message)
    return Finding("ok", "agent", found)


def _window_finding() -> Finding:
    """Opens Qt in a process of its own, since it ends the process where it can't."""
    if not has_screen():
        mend = "set DISPLAY if there is one; jam play and jam demo work without"
        return Finding("note", "window", "no screen here", mend)
    code = "from PyQt6.QtWidgets import QApplication; print(QApplication([]).platformName())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=_WINDOW_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Finding("bad", "window", "the screen doesn't respond", "log in to the desktop again")
    if done.returncode == 0:
        return Finding("ok", "window", f"opens ({done.stdout.strip()})")
    said = [line for line in done.stderr.splitlines() if line.strip()]
    why = next(
        (line for line in said if "ImportError" in line), said[0] if said else "no reason given"
    )
    return Finding("bad", "window", f"doesn't open: {why}", "make jam installs what Qt needs")


def _settings_finding() -> Finding:
    _, complaint = load_preferences()
    if complaint:
        return Finding("note", "settings", complaint, "change them in the window")
    folder = config_dir()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=there) as tried:
        tried.write(bytes(4096))
        tried.flush()
        return Finding("ok", "settings", str(folder))
    mend = f"sudo chown -R $USER {there}, or choose another folder: XDG_CONFIG_HOME"
    return Finding("note", "settings", f"{folder}: can't be written, so none are saved", mend)


def _sessions_finding() -> Finding:
    try:
        with Library() as library:
            path, writable, sessions = library.path, library.writable, len(library.sessions())
            if writable:
                library.try_to_write()
        room_mib = shutil.disk_usage(path.parent).free >> 20
    except Damaged as error:
        return Finding("bad", "sessions", str(error), "jam sessions check --repair")
    except (JamError, OSError) as error:
        mend = "make the folder yours, or choose another: XDG_DATA_HOME"
        return Finding("bad", "sessions", str(error), mend)
    if not writable:
        mend = f"sudo chown $USER {path.parent} {path}; until then jams stay in memory"
        return Finding("bad", "sessions", f"{path}: can't be written", mend)
    found = f"{sessions} in {path}, {room_mib:,} MiB free"
    if room_mib < _LITTLE_ROOM_MIB:
        return Finding(
            "note", "sessions", found, "free some space: nothing is recorded on a full disk"
        )
    return Finding("ok", "sessions", found)


def examine(load: LoadPredictor, midi_api: str = "auto") -> Iterator[Finding]:
    """Everything, one finding after the other."""
    yield Finding("ok", "jam", __version__)
    yield from _library_findings()
    yield from midi_findings(midi_api)
    yield from audio_findings()
    yield from microphone_findings()
    if (hearing := _hearing_finding()) is not None:
        yield hearing
    yield _transcriber_finding()
    yield _synth_finding()
    if (latency := _latency_finding()) is not None:
        yield latency
    if (priority := _priority_finding()) is not None:
        yield priority
    yield _agent_finding(load)
    yield _window_finding()
    yield _settings_finding()
    yield _sessions_finding()


_MARKS = {"ok": "✓", "note": "·", "bad": "✗"}
"""From good to bad."""


def print_findings(findings: Iterable[Finding], out: Callable[[str], None]) -> str:
    """Print each finding as it comes; returns the worst level."""
    worst = "ok"
    for finding in findings:
        out(f"{_MARKS[finding.level]} {finding.what}: {finding.found}")
        if finding.mend:
            out(f"    → {finding.mend}")
        worst = max(worst, finding.level, key=list(_MARKS).index)
    return worst
