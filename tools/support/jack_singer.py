"""A singer as a process: a JACK client whose output is heard as a microphone.

    python -m tools.support.jack_singer SOUND.npy [NAME]

Plays the samples (float32, at JACK's rate) when a line comes in on standard input: at the second
of jam's clock that it holds, or at once. Prints when the first of them went out; ends when
standard input does.
"""

from __future__ import annotations

import sys
import threading
import time

import jack
import numpy as np

IDLE = -(1 << 60)
LATE_BLOCKS = 2


def main() -> None:
    sound = np.load(sys.argv[1])
    client = jack.Client(sys.argv[2] if len(sys.argv) > 2 else "singer", no_start_server=True)
    port = client.outports.register("voice")
    place, begun_s, due_s = [IDLE], [0.0], [0.0]
    begun = threading.Event()

    @client.set_process_callback
    def process(frames: int) -> None:
        """Runs on: JACK's thread."""
        block = port.get_array()
        block[:] = 0
        if place[0] == IDLE:
            return
        if not begun.is_set():
            now_s = time.perf_counter()
            wait = max(0, round((due_s[0] - now_s) * client.samplerate))
            if wait >= frames:
                return
            place[0], begun_s[0] = -wait, now_s + wait / client.samplerate
            begun.set()
        else:  # the singer goes on while JACK passes over blocks
            late = round((time.perf_counter() - begun_s[0]) * client.samplerate) - place[0]
            place[0] += late if late > LATE_BLOCKS * frames else 0
        first = place[0]
        part = sound[max(0, first) : first + frames]
        skipped = max(0, -first)
        block[skipped : skipped + len(part)] = part
        place[0] = first + frames

    with client:
        print("there", flush=True)
        for line in sys.stdin:
            due_s[0] = float(line.strip() or 0.0)
            begun.clear()
            place[0] = 0
            begun.wait()
            print(begun_s[0], flush=True)


if __name__ == "__main__":
    main()
