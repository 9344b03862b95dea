"""`jam devices` and `jam doctor`: what is there, what is missing, and how to mend it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jam import __version__
from jam.agent import LoadPredictor
from jam.anticipation import Anticipator
from jam.clock import SystemClock
from jam.errors import JamError
from jam.grid import TempoMap
from jam.messages import PlanRequest
from jam.midi_ports import VIRTUAL_IN, VIRTUAL_OUT, MidiPorts
from jam.paths import soundfont_path
from jam.rows import MelodyState, Row
from jam.settings import JamSettings

if TYPE_CHECKING:
    from jam.audio import OutputDevice

PYTHON_NEEDED = (3, 11)
_GOOD_LATENCY_MS = 20.0
_LIBRARIES = ("mido", "python-rtmidi", "numpy", "sounddevice", "pyfluidsynth", "PyQt6", "torch",
              "safetensors", "platformdirs")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report. level: "ok", "note" (works without) or "bad"."""

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
                "connect a keyboard and load the kernel's snd-seq, or start a JACK server;"
                " until then the computer keyboard plays",
            )
        ]
    try:
        virtual = f"virtual ports “{VIRTUAL_IN}” and “{VIRTUAL_OUT}”"
        found = [Finding("ok", "MIDI", f"{ports.api}" + (f", {virtual}" * ports.has_virtual))]
        for what, names in (
            ("MIDI inputs", ports.available_inputs),
            ("MIDI outputs", ports.available_outputs),
        ):
            found.append(
                Finding("ok" if names else "note", what, ", ".join(names) or "none connected")
            )
        return found
    finally:
        ports.close()


def audio_findings() -> list[Finding]:
    """Every audio output."""
    from jam.audio import BLOCK_SIZES, output_devices

    try:
        devices = output_devices()
    except JamError as error:
        return [Finding("bad", "audio", str(error), "install it; until then jam is silent")]
    if not devices:
        return [
            Finding(
                "note",
                "audio",
                "no audio output device",
                "connect one, or start a JACK server; until then jam is silent",
            )
        ]
    found = [
        Finding(
            "ok",
            "audio output",
            f"{d.description} ({d.latency_ms:.1f} ms; takes {_rates(d)})",
        )
        for d in devices
    ]
    blocks = ", ".join(map(str, BLOCK_SIZES))
    return [*found, Finding("ok", "audio buffers", f"{blocks} frames (--buffer)")]


def _rates(device: OutputDevice) -> str:
    from jam.audio import sample_rates

    rates = ", ".join(
        f"{rate} Hz" + " (its own)" * (rate == device.rate_hz) for rate in sample_rates(device)
    )
    return rates or f"{device.rate_hz} Hz (its own)"


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
            yield Finding("bad", name, "missing", "make setup")


def _synth_finding() -> Finding:
    from jam.synth import Synth

    try:
        Synth().close()
    except JamError as error:
        return Finding("bad", "SoundFont synth", str(error), "make setup")
    return Finding("ok", "SoundFont synth", soundfont_path().name)


def _latency_finding() -> Finding | None:
    """Opens the default device for a moment; None where there is none."""
    from jam.audio import AudioChoice, open_audio

    try:
        synth, output = open_audio(AudioChoice())
    except JamError:
        return None
    latency_ms, description = output.latency_ms, output.description
    output.close()
    synth.close()
    found = f"{latency_ms:.1f} ms by {description}"
    if latency_ms <= _GOOD_LATENCY_MS:
        return Finding("ok", "audio latency", found)
    return Finding(
        "note",
        "audio latency",
        found,
        "try --buffer 128, or FluidSynth's own driver (--audio fluidsynth:alsa, :jack or"
        " :pulseaudio); `make bench` compares them",
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
        return Finding("note", "agent", f"{found} — {message}")
    return Finding("ok", "agent", found)


def examine(load: LoadPredictor, midi_api: str = "auto") -> Iterator[Finding]:
    """Everything, one finding after the other."""
    yield Finding("ok", "jam", __version__)
    yield from _library_findings()
    yield from midi_findings(midi_api)
    yield from audio_findings()
    yield _synth_finding()
    if (latency := _latency_finding()) is not None:
        yield latency
    yield _agent_finding(load)
    if sys.platform == "linux" and shutil.which("jackd") is None:
        yield Finding(
            "note", "JACK", "not installed", "only needed for JACK setups and the tests: jackd2"
        )


def print_findings(findings: Iterator[Finding] | list[Finding], out: Callable[[str], None]) -> bool:
    """Print each finding as it comes; False when one is bad."""
    marks = {"ok": "✓", "note": "·", "bad": "✗"}
    good = True
    for finding in findings:
        out(f"{marks[finding.level]} {finding.what}: {finding.found}")
        if finding.mend:
            out(f"    → {finding.mend}")
        good = good and finding.level != "bad"
    return good
