"""A singer as a process: a JACK client whose output is heard as a microphone.

    python -m tools.support.jack_singer SOUND.npy [NAME]

Plays the samples (float32, at JACK's rate) when a line comes in on standard input, and prints the
second of jam's clock at which the first of them went out; ends when standard input does.
"""

from __future__ import annotations

import sys
import threading
import time

import jack
import numpy as np


def main() -> None:
    sound = np.load(sys.argv[1])
    client = jack.Client(sys.argv[2] if len(sys.argv) > 2 else "singer", no_start_server=True)
    port = client.outports.register("voice")
    place, began_s = [-1], [0.0]
    begun = threading.Event()

    @client.set_process_callback
    def process(frames: int) -> None:
        """Runs on: JACK's thread."""
        block = port.get_array()
        first = place[0]
        if first < 0:
            block[:] = 0
            return
        if not first:
            began_s[0] = time.perf_counter()
            begun.set()
        part = sound[first : first + frames]
        block[: len(part)] = part
        block[len(part) :] = 0
        place[0] = first + frames

    with client:
        print("there", flush=True)
        for _ in sys.stdin:
            place[0] = 0
            begun.wait()
            print(began_s[0], flush=True)


if __name__ == "__main__":
    main()
