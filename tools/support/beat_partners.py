"""Other programs that give a beat, each a process of its own: a Link peer, a JACK timebase master.

Each answers a word, of a line of its input, with the time on jam's clock, its beat and tempo then,
how many other peers there are, and whether it plays. Words: look, play, stop, bpm N, leave, join.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Ask = Callable[[str], list[float]]


def _say(*values: object) -> None:
    print(json.dumps(values), flush=True)


def peer(bpm: float) -> None:
    """A Link peer."""
    import link

    from jam.clock import SystemClock

    clock = SystemClock()
    me: Any = link.Link(bpm)
    me.startStopSyncEnabled = True
    me.enabled = True
    print("there", flush=True)
    for line in sys.stdin:
        word, *value = line.split()
        state = me.captureSessionState()
        micros = me.clock().micros()
        if word == "bpm":
            state.setTempo(float(value[0]), micros)
            me.commitSessionState(state)
        elif word in ("play", "stop"):
            state.setIsPlaying(word == "play", micros)
            me.commitSessionState(state)
        elif word in ("leave", "join"):
            me.enabled = word == "join"
        at_s, micros = clock.now_s(), me.clock().micros()
        beat = state.beatAtTime(micros, 4)
        _say(at_s, beat, state.tempo(), me.numPeers(), state.isPlaying())


def master(bpm: float) -> None:
    """A client that leads JACK's transport, in 4/4."""
    import jack

    from jam.clock import SystemClock

    clock = SystemClock()
    client: Any = jack.Client("master", no_start_server=True)
    rate = client.samplerate
    tempo = {"bpm": bpm, "frame": 0.0, "beat": 0.0}

    def beat_at(frame: float) -> float:
        return tempo["beat"] + (frame - tempo["frame"]) / rate * tempo["bpm"] / 60

    def say(state: object, block: int, place: Any, is_new: bool) -> None:
        bar, beat = divmod(beat_at(place.frame), 4)
        place.valid = jack.POSITION_BBT
        place.bar, place.beat, place.tick = int(bar) + 1, int(beat) + 1, int(beat % 1 * 1920)
        place.bar_start_tick = 4 * 1920 * bar
        place.beats_per_bar, place.beat_type, place.ticks_per_beat = 4.0, 4.0, 1920.0
        place.beats_per_minute = tempo["bpm"]

    client.activate()
    client.set_timebase_callback(say)
    client.transport_locate(0)
    print("there", flush=True)
    for line in sys.stdin:
        word, *value = line.split()
        if word == "play":
            client.transport_start()
        elif word == "stop":
            client.transport_stop()
        elif word == "bpm":
            frame = client.transport_frame
            tempo.update(beat=beat_at(frame), frame=frame, bpm=float(value[0]))
        elif word == "leave":
            client.release_timebase()
        elif word == "join":  # only where nobody leads
            client.set_timebase_callback(say, conditional=True)
        while True:  # until the processor isn't taken away in between
            at_s = clock.now_s()
            beat = beat_at(client.transport_frame)
            if clock.now_s() - at_s < 0.0005:
                break
        _say(at_s, beat, tempo["bpm"], 0, client.transport_state == jack.ROLLING)
    client.deactivate()
    client.close()


@contextmanager
def partner(
    kind: Callable[[float], None], bpm: float, environment: Mapping[str, str] | None = None
) -> Iterator[Ask]:
    """`peer` or `master` in a process of its own; gives what asks it."""
    command = [sys.executable, "-m", "tools.support.beat_partners", kind.__name__, str(bpm)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "there\n"

        def ask(word: str) -> list[float]:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
            return list(json.loads(process.stdout.readline()))

        yield ask
        process.stdin.close()


if __name__ == "__main__":
    {"peer": peer, "master": master}[sys.argv[1]](float(sys.argv[2]))
