"""A long jam of the real program, used hard: make soak, or python -m tools.soak --minutes 30

`jam window` under Xvfb with sound on JACK's dummy device, recording into a library of its own; a
player in another process, who behaves as people (and broken cables) do; a user who presses the
window's keys. All that they do is fixed by --seed. The report tells what was late, lost, stuck or
grew, and how often the machine itself stood still; its lines are also in build/soak.json. The exit
status is 1 when something was lost, stuck, crashed, or grew as a leak does; dropouts and lateness
depend on the machine and are only told.
`--player tune --bpm 180` is a steady jam instead: a tune with surprises, and nobody at the window.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import rtmidi

from jam.sessions.schema import connect_to_read
from tools.pictures import ROOT, Keyboard, machine, running
from tools.soak_machine import watched
from tools.soak_player import LET_GO_S
from tools.soak_report import Findings, Sample, Tally, jack_troubles, sounding_after, table
from tools.soak_user import Deed, deeds, sessions_begun

_LOOK_S = 60.0
_UP_S = 60.0
_GONE_S = 30.0
_BAD_WORDS = ("Traceback", "Error", "Exception", "Fatal", "terminated", "killed", "Aborted")
_PREFER = """
import sys
from jam.preferences import Preferences, save_preferences
from jam.settings import JamSettings
save_preferences(Preferences(JamSettings(bpm=float(sys.argv[1]), metronome=False)))
"""


def processes(window_pid: int) -> dict[str, int]:
    """Process number of "window", "stage" and "agent", as far as they are there."""
    found = {"window": window_pid}
    tasks = Path(f"/proc/{window_pid}/task").glob("*/children")
    for pid in sorted(int(pid) for task in tasks for pid in task.read_text().split()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"spawn_main" in command:
                is_stage = "libfluidsynth" in Path(f"/proc/{pid}/maps").read_text()
                found["stage" if is_stage else "agent"] = pid
        except OSError:  # it has ended meanwhile
            continue
    return found


def look_at(pids: dict[str, int], library: Path, at_s: float) -> Sample:
    """Memory, threads and open files of processes; the size of the library with its log."""
    rss: dict[str, float] = {}
    pss: dict[str, float] = {}
    threads, files = {}, {}
    for name, pid in pids.items():
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kib = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
            threads[name] = len(os.listdir(f"/proc/{pid}/task"))
            files[name] = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
        rss[name], pss[name] = kib["Rss"] / 1024, kib["Pss"] / 1024
    size = sum(path.stat().st_size for path in library.parent.glob(library.name + "*"))
    return Sample(at_s, rss, pss, threads, files, size / 1024)


class Log:
    """Follows the program's log while it is written."""

    def __init__(self, path: Path, tally: Tally) -> None:
        self._path, self._tally, self._rest = path, tally, ""
        self._file = path.open(encoding="utf-8")

    def read(self) -> None:
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            self._tally.take(json.loads(line))


class Recorder:
    """Listens at the program's MIDI output. `messages`: (second, bytes), on jam's clock."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, list[int]]] = []
        self._port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "recorder", queue_size_limit=1 << 16)
        names = self._port.get_ports()
        self._port.open_port(next(i for i, name in enumerate(names) if name.endswith("jam out")))
        self._going = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._going:
            while (message := self._port.get_message()) is not None:
                self.messages.append((time.perf_counter(), message[0]))
            time.sleep(0.01)

    def close(self) -> None:
        self._going = False
        self._thread.join(2.0)
        self._port.close_port()
        self._port.delete()


class Soak:
    """One soak: the program with its player and its user, watched until the time is up."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.tally = Tally()
        options = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
        self.found = Findings(options)
        self.seconds = 60 * args.minutes
        self.done: list[Deed] = []
        self.pids: dict[str, int] = {}
        self.log = args.out.with_suffix(".jsonl").resolve()
        self.stderr = args.out.with_suffix(".stderr").resolve()
        self.jack = args.out.with_suffix(".jack").resolve()
        self.started_s = 0.0

    def fault(self, words: str) -> None:
        self.found.faults.append(words)

    def run(self) -> Findings:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        with ExitStack() as stack:
            jack_says = stack.enter_context(self.jack.open("w"))
            environment = stack.enter_context(
                machine((1280, 720), self.args.block, self.args.realtime, jack_says)
            )
            os.environ["JACK_DEFAULT_SERVER"] = environment["JACK_DEFAULT_SERVER"]
            os.environ["JACK_NO_START_SERVER"] = "1"
            prefer = [sys.executable, "-c", _PREFER, str(self.args.bpm)]
            subprocess.run(prefer, env=environment, check=True)
            said = stack.enter_context(self.stderr.open("w"))
            program = [
                sys.executable,
                "-m",
                "jam",
                "window",
                "--midi-api",
                "jack",
                "--buffer",
                str(self.args.block),
                "--log",
                str(self.log),
            ]
            jam = stack.enter_context(running(program, environment, cwd=ROOT, stderr=said))
            self._use(jam, environment)
            self._after(environment)
        self._judge()
        return self.found

    # While it runs

    def _use(self, jam: subprocess.Popen[str], environment: dict[str, str]) -> None:
        keyboard = Keyboard(environment["DISPLAY"])
        keyboard.point_at(640, 360)
        library = Path(environment["XDG_DATA_HOME"]) / "jam" / "sessions.sqlite3"
        log = Log(self.log, self.tally)
        with watched() as stalls, _player(self.args, self.seconds, environment) as player:
            recorder = Recorder()
            self.started_s = time.perf_counter()
            try:
                self._play(jam, keyboard, log, library)
            except KeyboardInterrupt:
                print("\nsoak: broken off; what was had so far:", file=sys.stderr)
                self.fault("broken off by hand")
            minutes = (time.perf_counter() - self.started_s) / 60
            self.found.minutes = min(minutes, self.args.minutes)
            self._end(jam, keyboard, player)
            recorder.close()
        log.read()
        if self.tally.in_session:
            self.fault("the last session never ended")
            self.tally.end_session(time.perf_counter())
        self._hear(recorder.messages)
        self.found.take_stalls(stalls, self.tally)

    def _play(
        self, jam: subprocess.Popen[str], keyboard: Keyboard, log: Log, library: Path
    ) -> None:
        plan = deeds(self.args.seed, self.seconds, self.args.single)
        if self.args.player == "tune":
            plan = iter([Deed(0.0, ("space",)), Deed(self.seconds, ("space",))])
        deed = next(plan, None)
        next_look_s = 0.0
        # After the last note all is let go, and a single one asks who sounds still.
        while (now_s := time.perf_counter() - self.started_s) < self.seconds + LET_GO_S + 2:
            if jam.poll() is not None:
                self.fault(f"jam has ended by itself with {jam.returncode}")
                return
            if deed is not None and now_s >= deed.at_s:
                for key in deed.keys:
                    keyboard.press(key)
                self.done.append(deed)
                deed = next(plan, None)
                continue
            if now_s >= next_look_s:
                next_look_s += _LOOK_S
                self._look(processes(jam.pid), library, now_s)
            log.read()
            left = f"{left_s:6.0f} s left" if (left_s := self.seconds - now_s) > 0 else "listening"
            print(
                f"\r{left}, {self.tally.dropouts} dropouts,"
                f" {self.tally.heard} notes heard, {len(self.tally.sessions)} sessions  ",
                end="",
                file=sys.stderr,
                flush=True,
            )
            until_s = 1.0 if deed is None else min(1.0, max(0.0, deed.at_s - now_s))
            time.sleep(until_s)
        print("\r" + 70 * " " + "\r", end="", file=sys.stderr)

    def _look(self, pids: dict[str, int], library: Path, now_s: float) -> None:
        if self.pids and (pids.get("stage") != self.pids.get("stage")):
            self.fault(f"the stage was started again, {now_s:.0f} s after the start")
        self.pids = pids
        self.found.samples.append(look_at(pids, library, now_s))

    def _end(
        self, jam: subprocess.Popen[str], keyboard: Keyboard, player: subprocess.Popen[str]
    ) -> None:
        """The player is told to end, the window is closed by its key."""
        assert player.stdin is not None and player.stdout is not None
        player.stdin.close()
        said = player.stdout.read()
        self.found.sent = json.loads(said) if said.strip() else {}
        if jam.poll() is not None:
            return
        pids = processes(jam.pid)
        keyboard.press("Control_L+q")
        try:
            status = jam.wait(_GONE_S)
        except subprocess.TimeoutExpired:
            self.fault(f"the window did not close within {_GONE_S:.0f} s of Ctrl+Q")
            return
        if status:
            self.fault(f"the window ended with status {status}")
        for name, pid in pids.items():
            if Path(f"/proc/{pid}").exists():
                self.fault(f"the {name} goes on after the window has ended")

    def _hear(self, messages: list[tuple[float, list[int]]]) -> None:
        """What the MIDI output tells: every note ended, silence after each session."""
        ends_s = [s.ended_s for s in self.tally.sessions if s.ended_s is not None]
        self.found.out_stuck = len(sounding_after(messages, ends_s))
        n_out = sum(data[0] & 0xF0 == 0x90 and data[2] > 0 for _, data in messages)
        n_logged = sum(session.accompaniment for session in self.tally.sessions)
        self.found.sent["notes_out"], self.found.sent["notes_out_logged"] = n_out, n_logged

    # Afterwards

    def _after(self, environment: dict[str, str]) -> None:
        """The library is whole, and holds what the log holds."""
        check = subprocess.run(
            [sys.executable, "-m", "jam", "sessions", "check"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if check.returncode:
            self.fault(f"jam sessions check: {(check.stdout + check.stderr).strip()}")
        library = Path(environment["XDG_DATA_HOME"]) / "jam" / "sessions.sqlite3"
        recorded = _recorded(library)
        kib = sum(path.stat().st_size for path in library.parent.glob(library.name + "*")) / 1024
        self.found.database_kib_a_minute = kib / max(self.found.minutes, 0.01)
        played = [(s.notes, s.accompaniment) for s in self.tally.sessions]
        for number, (logged, kept) in enumerate(zip(played, recorded, strict=False), 1):
            if logged != kept:
                self.fault(
                    f"session {number}: {kept} notes (player, partner) were recorded,"
                    f" the log has {logged}"
                )
        if len(played) != len(recorded):
            self.fault(f"{len(recorded)} sessions were recorded, the log has {len(played)}")

    def _judge(self) -> None:
        found, tally = self.found, self.tally
        found.take_tally(tally, self.started_s)
        found.judge_memory()
        if len(tally.sessions) != (begun := sessions_begun(self.done)):
            self.fault(f"the user began {begun} sessions, the log has {len(tally.sessions)}")
        found.judge_transport()
        found.jack = jack_troubles(self.jack.read_text(errors="replace").splitlines())
        found.stderr = self.stderr.read_text(errors="replace").splitlines()
        if bad := [line for line in found.stderr if any(word in line for word in _BAD_WORDS)]:
            self.fault(f"stderr has {len(bad)} errors, e.g. {bad[0]}")


@contextmanager
def _player(
    args: argparse.Namespace, seconds: float, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Plays from now on; the program's port may still be on its way."""
    command = [
        sys.executable,
        "-m",
        "tools.soak_player",
        args.player,
        str(args.seed),
        str(seconds),
        str(args.bpm),
    ]
    pipe = subprocess.PIPE
    give_up_s = time.monotonic() + _UP_S
    time.sleep(args.wait)
    while time.monotonic() < give_up_s:
        with running(
            command, environment, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as player:
            assert player.stdout is not None
            if player.stdout.readline():
                yield player
                return
        time.sleep(1.0)
    raise SystemExit("soak: the program has opened no port on JACK")


def _recorded(library: Path) -> list[tuple[int, int]]:
    """Notes of player and partner in each session of a library, oldest first."""
    with closing(connect_to_read(library)) as db:
        rows: list[Any] = db.execute(
            "SELECT (SELECT count(*) FROM notes WHERE session_id = sessions.id),"
            " (SELECT count(*) FROM take_notes WHERE session_id = sessions.id)"
            " FROM sessions ORDER BY id"
        ).fetchall()
    return [(int(player), int(partner)) for player, partner in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="of all that is done (1)")
    parser.add_argument("--player", choices=("people", "tune"), default="people")
    parser.add_argument("--bpm", type=float, default=100.0, help="tempo at the start (100)")
    parser.add_argument("--single", action="store_true", help="one session, never stopped")
    parser.add_argument("--block", type=int, default=256, help="audio frames (256)")
    parser.add_argument("--realtime", action="store_true", help="jackd with real-time priority")
    parser.add_argument("--wait", type=float, default=8.0, help="seconds to start in (8)")
    parser.add_argument("--out", type=Path, default=Path("build/soak.json"))
    args = parser.parse_args()
    missing = [name for name in ("Xvfb", "jackd") if shutil.which(name) is None]
    if missing:
        print(f"soak: {', '.join(missing)} missing (apt install xvfb jackd2)", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has them ignored
        signal.signal(number, signal.default_int_handler)
    found = Soak(args).run()
    args.out.write_text(json.dumps(found.as_json(), indent=1) + "\n")
    print(table(found), flush=True)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
