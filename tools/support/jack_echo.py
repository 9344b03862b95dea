"""A musician who plays by ear, as a process: what the program plays on one channel of its port
`jam out` is played into `jam in`, so many seconds later, until standard input ends.

    python -m tools.support.jack_echo CHANNEL SECONDS
"""

import heapq
import select
import sys
import threading
import time

import rtmidi


def main() -> None:
    channel, later_s = int(sys.argv[1]), float(sys.argv[2])
    lock = threading.Lock()
    waiting: list[tuple[float, int, list[int]]] = []

    def hear(event: tuple[list[int], float], _data: object) -> None:
        data, _ = event
        if len(data) == 3 and data[0] & 0x0F == channel and data[0] & 0xF0 in (0x80, 0x90):
            with lock:
                due_s = time.perf_counter() + later_s
                heapq.heappush(waiting, (due_s, len(waiting), [data[0] & 0xF0, *data[1:]]))

    ear = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="ear")
    hand = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="hand")
    for port, name in ((ear, "jam out"), (hand, "jam in")):
        names = port.get_ports()
        port.open_port(next(i for i, n in enumerate(names) if n.endswith(name)))
    ear.set_callback(hear)
    print("playing", flush=True)
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        with lock:
            due = []
            while waiting and waiting[0][0] <= time.perf_counter():
                due.append(heapq.heappop(waiting))
        for _, _, data in due:
            hand.send_message(data)


if __name__ == "__main__":
    main()
