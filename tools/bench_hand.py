"""How soon the band plays what the left hand holds: from the last key of a chord to its stroke."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from jam.agent.predictor import Predictor
from jam.agent.rules import ScriptedPredictor
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, Start
from jam.messages.notes import NoteEvent, SoundedNote
from jam.messages.snapshot import SessionLog
from jam.music.chord import Chord
from jam.music.rows import ChordState
from jam.settings import JamSettings
from tools.bench_lines import Line
from tools.support.jack import RATE, jack_server

_BPM = 120.0
_EVERY_S, _HELD_S, _SPREAD_S = 1.37, 0.6, 0.008
"""A chord so often, at all places in the beat; its keys come so long after each other."""
_ROOTS = (51, 54, 56, 58)
"""Of major triads whose roots the band's own chords don't have."""
_STYLES = ("held", "piano", "swing")


def load_script() -> tuple[Predictor, str]:
    """C and G, a bar each."""
    chords = [Chord(7 * (frame // 16 % 2), "maj") for frame in range(100_000)]
    return ScriptedPredictor([ChordState(c, f % 16 == 0) for f, c in enumerate(chords)]), ""


def _messages(seconds: float) -> list[tuple[float, list[int]]]:
    found: list[tuple[float, list[int]]] = []
    for n in range(int(seconds / _EVERY_S)):
        root = _ROOTS[n % len(_ROOTS)]
        for i, pitch in enumerate((root, root + 4, root + 7)):
            at_s = n * _EVERY_S + i * _SPREAD_S
            found += [(at_s, [0x90, pitch, 80]), (at_s + _HELD_S, [0x80, pitch, 0])]
    return sorted(found)


def waits_ms(played: Sequence[NoteEvent], sounded: Sequence[SoundedNote], part: str) -> list[float]:
    """From each chord's last key to the first stroke of a part that has its root."""
    keys = [event for event in played if event.velocity]
    found = []
    for first, last in zip(keys[::3], keys[2::3], strict=False):
        strokes = (
            n.sent_s
            for n in sounded
            if n.velocity and n.part == part and n.pitch % 12 == first.pitch % 12
        )
        after = min((s for s in strokes if last.at_s < s < last.at_s + _EVERY_S), default=None)
        if after is not None:
            found.append(1000 * (after - last.at_s))
    return found


def hand_lines(seconds: float) -> Iterator[Line]:
    """One line a style, over a JACK server with a dummy device."""
    with jack_server(256, realtime=False) as environment:
        os.environ.update(environment)
        for style in _STYLES:
            settings = JamSettings(
                bpm=_BPM,
                listen_bars=0,
                count_in_bars=0,
                metronome=False,
                accompaniment=style,
                left_hand="held",
                split_pitch=72,
            )
            logs: list[SessionLog] = []
            devices = DeviceChoice("", RATE, 256, midi_api="jack")
            engine = Engine(settings, devices, load_script, logs.append)
            engine.wait_until_up()
            engine.send(Start(1))
            time.sleep(2.5)  # a bar is played, and the agent is there
            player = subprocess.run(
                [sys.executable, "-m", "tools.support.jack_player"],
                input=json.dumps(_messages(seconds)),
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            assert player.returncode == 0
            time.sleep(0.5)
            engine.close()
            played = [e for log in logs for e in log.played if isinstance(e, NoteEvent)]
            sounded = [e for log in logs for e in log.sounded]
            waits = waits_ms(played, sounded, "bass")
            yield Line.of(f"last key of a chord to the bass ({style}, {_BPM:g} bpm)", waits)
