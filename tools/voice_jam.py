"""A tune sung into the program through JACK, and the same tune by MIDI beside it.

    python tools/voice_jam.py                    # 32 bars each
    python tools/voice_jam.py --minutes 10       # each for so long: memory, stuck notes, dropouts
    python tools/voice_jam.py --minutes 10 --keep  # and what the microphone hears is kept

Memory: of the stage and the microphone's process together, after a tenth of the time and at the
end. Note-in-chord: of the frames in which melody and chord both sound, those whose melody note is
in the chord; once by the melody that was heard, once by the one that was meant. The accompaniment
is the shipped network's; the sound device is JACK's dummy. The singer is there while the tune is
played by MIDI, too, and silent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.cli.main import load_predictor
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, KeyInput, Start, Stop
from jam.messages.notes import NoteEvent
from jam.messages.snapshot import SessionLog, Snapshot
from jam.midi.file import MidiSong, read_tune
from jam.music.grid import nearest_frame
from jam.settings import JamSettings
from tools.support.jack import jack_server
from tools.support.sung import PLACES, RATE, TIMBRES, TrueNote, sung

TUNE = Path(__file__).parents[1] / "assets" / "tunes" / "1-auld-lang-syne.mid"


def one_round(song: MidiSong) -> tuple[list[TrueNote], float]:
    """The tune once, from frame 0, an octave lower; and after so many seconds it begins again."""
    at = song.tempo_map.seconds_at
    melody = [n for n in song.melody() if n.start_frame >= 0]
    notes = [TrueNote(at(n.start_frame), at(n.end_frame), n.pitch - 12) for n in melody]
    return notes, at(song.tempo_map.next_bar_frame(int(max(n.end_frame for n in melody))))


def again(notes: Sequence[TrueNote], round_s: float, seconds: float) -> list[TrueNote]:
    """The round again and again, as far as it is sung within so many seconds."""
    turns = range(int(seconds / round_s) + 1)
    out = [
        n._replace(start_s=n.start_s + t * round_s, end_s=n.end_s + t * round_s)
        for t in turns
        for n in notes
    ]
    return [n for n in out if n.end_s <= seconds]


def sound_of(notes: Sequence[TrueNote], round_s: float, seconds: float) -> NDArray[np.float32]:
    """The round as it is sung, laid one after another; what rings on lies over the next."""
    once = sung(notes, TIMBRES["voice"], PLACES["room"], seed=1)
    out = np.zeros(int((seconds + 1) * RATE), np.float32)
    for turn in range(int(seconds / round_s) + 1):
        first = int(turn * round_s * RATE)
        out[first : first + len(once)] += once[: len(out) - first]
    return out


def sf_seconds(file: Path) -> float:
    import soundfile

    return float(soundfile.info(file).duration)


def rss_mb(pid: int | None) -> float:
    """Of a process and its children."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except OSError:
            continue
        if pid in (int(fields["Pid"]), int(fields["PPid"])):
            total += float(fields.get("VmRSS", "0 kB").split()[0]) / 1024
    return total


def jam(song: MidiSong, seconds: float, singer: str, folder: Path, keep: bool = False) -> None:
    """One jam; prints its line. singer: the name of the microphone, "" plays the notes by key."""
    once, round_s = one_round(song)
    notes = again(once, round_s, seconds)
    segment = song.tempo_map.segments[0]
    settings = JamSettings(
        bpm=segment.bpm,
        meter=segment.meter,
        count_in_bars=1,
        listen_bars=2,
        voice_range="tenor",
        voice_kept=keep,
    )
    logs: list[SessionLog] = []
    np.save(folder / "sound.npy", sound_of(once, round_s, seconds))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tools.support.jack_singer",
            str(folder / "sound.npy"),
            singer or "bystander",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "there\n"
    devices = DeviceChoice(midi_api="jack", microphone=singer or "none")
    with Engine(settings, devices, load_predictor, logs.append) as engine:
        engine.wait_until_up(60)

        def shown() -> Snapshot:
            snapshot = engine.snapshot()
            assert snapshot is not None
            return snapshot

        def wait(what: object) -> None:
            while not what():  # type: ignore[operator]
                time.sleep(0.02)

        wait(lambda: shown().agent_state == "ready")
        if singer:
            wait(lambda: singer in shown().voice.device)
        engine.send(Start(7))
        wait(lambda: shown().running)
        start_s = shown().tempo_map.seconds_at(0)
        before = shown().counters
        if singer:
            assert process.stdin is not None
            process.stdin.write(f"{start_s}\n")
            process.stdin.flush()
        else:
            threading.Thread(target=_play, args=(engine, notes, start_s), daemon=True).start()
        memory: list[float] = []
        while time.perf_counter() < start_s + seconds:
            time.sleep(min(seconds / 100, max(0.1, start_s + seconds - time.perf_counter())))
            memory.append(rss_mb(engine.stage_pid))
        time.sleep(2.0)
        held = [n for n in shown().played if n.end_s is None]
        counters, voice = shown().counters, shown().voice
        engine.send(Stop())
        wait(lambda: logs and logs[-1].ended)
    process.kill()
    process.wait()
    heard = [e for log in logs for e in log.played if isinstance(e, NoteEvent) and e.velocity]
    rows = [row for log in logs for row in log.rows]
    at = logs[0].tempo_map.position_at  # type: ignore[union-attr]
    meant: dict[int, int] = {}
    for note in notes:
        for frame in range(
            nearest_frame(at(start_s + note.start_s)), nearest_frame(at(start_s + note.end_s))
        ):
            meant[frame] = note.pitch
    by_heard, by_meant = [], []
    for frame, row in rows:
        chord = row.chord.chord
        if chord is None:
            continue
        if row.melody.pitch is not None:
            by_heard.append(row.melody.pitch % 12 in chord.pitch_classes)
        if frame in meant:
            by_meant.append(meant[frame] % 12 in chord.pitch_classes)
    right = sum(
        any(abs(e.at_s - start_s - n.start_s) < 0.05 and e.pitch == n.pitch for e in heard)
        for n in notes
    )
    print(
        f"| {'sung' if singer else 'MIDI'} | {len(notes)} | {len(heard)} | {right} "
        f"| {np.mean(by_heard):.3f} | {np.mean(by_meant):.3f} "
        f"| {counters.late_plans} | {counters.dropouts - before.dropouts} | {voice.lost_blocks} "
        f"| {len(held)} | {memory[len(memory) // 10]:.0f} to {memory[-1]:.0f} MB |",
        flush=True,
    )


def _play(engine: Engine, notes: Sequence[TrueNote], start_s: float) -> None:
    events = sorted(
        [(n.start_s, n.velocity, n.pitch) for n in notes] + [(n.end_s, 0, n.pitch) for n in notes]
    )
    for at_s, velocity, pitch in events:
        time.sleep(max(0.0, start_s + at_s - time.perf_counter()))
        engine.send(KeyInput(pitch, velocity, start_s + at_s))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, help="sing for so long, and by MIDI for as long")
    parser.add_argument("--only", choices=("sung", "midi"))
    parser.add_argument("--keep", action="store_true", help="keep the microphone's sound")
    args = parser.parse_args()
    song = read_tune(TUNE)
    seconds = 60 * args.minutes if args.minutes else song.tempo_map.seconds_at(32 * 16)
    print(
        "| by | notes meant | heard | right | note-in-chord by heard | by meant | late plans "
        "| dropouts | lost blocks | stuck notes | memory of the stage and its ear |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    with jack_server(256) as environment, tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment, XDG_DATA_HOME=folder)
        for way, singer in (("sung", "singer"), ("midi", "")):
            if args.only in (None, way):
                jam(song, seconds, singer, Path(folder), args.keep)
        for file in Path(folder).rglob("*.flac"):
            print(f"kept: {file.stat().st_size / 1e6:.1f} MB, {sf_seconds(file):.1f} s")


if __name__ == "__main__":
    main()
