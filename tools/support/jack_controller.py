"""A MIDI controller as a process: a JACK client with an output and an input, driven by lines.

A line of standard input (bytes in hex) is sent; every message that comes in is printed as such a
line. It is unplugged when standard input ends.
"""

import queue
import sys
import threading

import jack


def main() -> None:
    client = jack.Client(sys.argv[1], no_start_server=True)
    out = client.midi_outports.register("out")
    in_ = client.midi_inports.register("in")
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    came: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    @client.set_process_callback
    def process(_frames: int) -> None:
        out.clear_buffer()
        for _, data in in_.incoming_midi_events():
            came.put(bytes(data))
        if not waiting.empty():
            out.write_midi_event(0, waiting.get())

    with client:
        print("there", flush=True)

        def tell() -> None:
            while True:
                print(came.get().hex(), flush=True)

        threading.Thread(target=tell, daemon=True).start()
        for line in sys.stdin:
            waiting.put(bytes.fromhex(line))


if __name__ == "__main__":
    main()
