"""A cluster of two nodes on this machine: players on two replicas, one of which is killed.

    python -m tools.serve_cluster --players 6

Starts what two machines would start (`ray start --head`, `ray start --address`), deploys with
`jam serve --ray`, plays, kills a replica with SIGKILL in mid-jam, and says what the players saw:
whose agent planned, for how long none was there, and whether a plan differs from the one that is
made here with the same seed.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.clock import SystemClock
from jam.messages.plans import AgentRequest
from jam.music.rows import MelodyState
from jam.remote.client import RemoteAgent, ServerAddress
from jam.remote.told import Told
from jam.settings import JamSettings
from tests.support.jamming import Jam

TUNE = (60, 64, 67, 72)
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",  # nobody but this machine reaches it
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "OMP_NUM_THREADS": "1",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Two nodes, each with one processor; gives the environment in which they are found."""
    port = free_port()
    environment = os.environ | _ENVIRONMENT | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
    ray = str(Path(sys.executable).parent / "ray")
    common = ["--num-cpus=1", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1"]
    head = [ray, "start", "--head", f"--port={port}", "--include-dashboard=false", *common]
    other = [ray, "start", f"--address=127.0.0.1:{port}", *common]
    try:
        for command in (head, other):
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield environment
    finally:
        subprocess.run([ray, "stop", "--force"], env=environment, stdout=subprocess.DEVNULL)


@contextmanager
def deployed(environment: dict[str, str], agent: str) -> Iterator[str]:
    """Two replicas on the cluster; gives their address."""
    port = free_port()
    command = [sys.executable, "-m", "jam", "serve", "--ray", "auto", "--replicas", "2"]
    command.append("--head-only")  # two nodes of one machine can't both have the port
    process = subprocess.Popen(
        [*command, "--port", str(port), "--agent", agent], env=environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("jam serve --ray has ended")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=30)


def replicas() -> list[int]:
    """Process numbers of the replicas."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if words.startswith(b"ray::ServeReplica:jam"):
                found.append(int(entry.name))
    return sorted(found)


class Player:
    """One player's jam, and the same jam played here."""

    def __init__(self, url: str, seed: int) -> None:
        self.remote = RemoteAgent(ServerAddress(url), SystemClock())
        self.told, self.seed = Told(), seed
        self.jam = Jam(Anticipator(RuleBasedPredictor(), seed), settings=JamSettings(bpm=120.0))
        self.by_server = self.by_us = self.different = 0
        self.away_s = 0.0
        self._away_since_s: float | None = None

    def frame(self) -> None:
        """Another frame is over."""
        asked = AgentRequest(1, self.seed, self.jam.request())
        assert self.told.take(asked)
        found, plan = self.remote.plan(asked, self.told), self.jam.ask()
        now_s = time.monotonic()
        if found is None:
            self.by_us += 1
            self._away_since_s = self._away_since_s or now_s
        else:
            self.by_server += 1
            self.different += found.chords != plan.chords
            if self._away_since_s is not None:
                self.away_s = max(self.away_s, now_s - self._away_since_s)
            self._away_since_s = None
        n = len(self.jam.rows)
        self.jam.close(MelodyState(TUNE[n // 4 % len(TUNE)], n % 4 == 0))


def play(players: list[Player], seconds: float) -> None:
    """Everybody plays on, eight frames a second."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        next_s = time.monotonic() + 0.125
        for player in players:
            player.frame()
        time.sleep(max(0.0, next_s - time.monotonic()))


def tried(n_players: int) -> list[Player]:
    """Play, kill a replica, play on until everybody is planned for again."""
    with cluster() as environment, deployed(environment, "rules") as url:
        players = [Player(url, seed) for seed in range(n_players)]
        end_s = time.monotonic() + 30
        while any(p.remote.why_not for p in players) and time.monotonic() < end_s:
            play(players, 0.5)
        play(players, 3.0)
        print(f"{n_players} players on {len(replicas())} replicas")
        os.kill(replicas()[0], signal.SIGKILL)
        play(players, 2.0)
        end_s = time.monotonic() + 60
        while any(p.remote.why_not for p in players) and time.monotonic() < end_s:
            play(players, 0.5)
        play(players, 2.0)
        for player in players:
            player.remote.close()
        return players


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--players", type=int, default=6)
    args = p.parse_args()
    print("player  plans by the server  by the agent here  away, s  different")
    for player in tried(args.players):
        print(
            f"{player.seed:6} {player.by_server:20} {player.by_us:18} {player.away_s:8.1f}"
            f" {player.different:10}"
        )


if __name__ == "__main__":
    main()
