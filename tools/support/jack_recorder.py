"""A recorder as a process: the program's MIDI output and sound, until standard input ends."""

import contextlib
import json
import select
import sys
from pathlib import Path

import jack
import numpy as np

from jam.system import STAGE, raise_priority


def main() -> None:
    out = Path(sys.argv[1])
    raise_priority(STAGE)  # whoever holds the interpreter must not be put aside
    client = jack.Client("recorder", no_start_server=True)
    midi_in = client.midi_inports.register("midi")
    channels = [client.inports.register(f"audio{i}") for i in range(2)]
    blocks: list[tuple[int, np.ndarray]] = []
    midi: list[tuple[float, str]] = []
    first: list[int] = []

    @client.set_process_callback
    def process(_frames: int) -> None:
        now = client.last_frame_time
        if not first:
            first.append(now)
        block = np.stack([port.get_array() for port in channels], axis=1).copy()
        blocks.append((now - first[0], block))
        for offset, data in midi_in.incoming_midi_events():
            at_s = (now - first[0] + offset) / client.samplerate
            midi.append((at_s, bytes(data).hex()))

    def connect() -> None:
        """Whatever of the program's ports is there and not connected yet."""
        audio: dict[str, list[jack.Port]] = {}
        try:
            ports_there = client.get_ports(is_output=True)
        except jack.JackError:  # one was closed between its name and itself: the next look has all
            return
        for port in ports_there:
            program = port.name.split(":")[0]
            if program in ("system", "recorder"):
                continue
            if port.is_midi and port.name.endswith("jam out"):
                join(port, midi_in)
            elif port.is_audio:
                audio.setdefault(program, []).append(port)
        for ports in audio.values():
            for number, port in enumerate(ports):
                join(port, channels[number % 2])

    def join(port: jack.Port, to: jack.Port) -> None:
        # It may have gone meanwhile, for a device that is opened anew.
        with contextlib.suppress(jack.JackError):
            if to not in client.get_all_connections(port):
                client.connect(port, to)

    with client:
        print("recording", flush=True)
        while not select.select([sys.stdin], [], [], 0.1)[0]:
            connect()
    # By their time, not one after the other: a cycle that was missed leaves a gap.
    audio = np.zeros((blocks[-1][0] + len(blocks[-1][1]), 2), dtype=np.float32)
    for start, block in blocks:
        audio[start : start + len(block)] = block
    np.save(out.with_suffix(".npy"), audio)
    out.with_suffix(".json").write_text(json.dumps(midi))


if __name__ == "__main__":
    main()
