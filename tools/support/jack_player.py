"""A player as a process: real-time MIDI from standard input's JSON to the port `jam in`.

Prints "playing" when it begins and, at the end, the times at which it sent (perf_counter, JSON).
"""

import json
import sys
import time

import rtmidi


def main() -> None:
    messages = json.load(sys.stdin)
    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="player")
    names = port.get_ports()
    port.open_port(next(i for i, name in enumerate(names) if name.endswith("jam in")))
    print("playing", flush=True)
    sent_s: list[float] = []
    start_s = time.perf_counter()
    for at_s, data in messages:
        if (wait_s := start_s + at_s - time.perf_counter()) > 0:
            time.sleep(wait_s)
        sent_s.append(time.perf_counter())
        port.send_message(data)
    time.sleep(0.2)
    port.close_port()
    print(json.dumps(sent_s))


if __name__ == "__main__":
    main()
