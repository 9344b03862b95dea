"""A cluster of two nodes on this machine: a replica is killed, or all are updated, in mid-jam.

    python -m tools.serve_cluster --players 4            # kill -9 of a replica
    python -m tools.serve_cluster --players 2 --update   # other weights: replicas one by one
    python -m tools.serve_cluster --players 2 --tls      # by TLS, with tokens and without
    python -m tools.serve_cluster --players 8 --scale    # one or two replicas, by need
    python -m tools.serve_cluster --load 4 8 16          # as tools.serve_load, through Ray's proxy

Starts what two machines would start (`ray start --head`, `ray start --address`), deploys with
`jam serve --ray`, plays in real time, does it, and says what the players got in each part: whose
agent planned, how many plans were late, for how long the server planned nothing, and whether a plan
differs from the one that is made here with the same seed and the weights that the jam began with.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import models
from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.clock import SystemClock
from jam.messages.plans import AgentRequest
from jam.music.rows import MelodyState
from jam.remote.client import RemoteAgent, ServerAddress
from jam.remote.told import Told
from jam.server.tokens import Tokens
from jam.settings import JamSettings
from tests.support.jamming import Jam
from tools.serve_load import HEADING, cpu_s, melodies, row

TUNE = (60, 64, 67, 72)
BPM = 120.0
FRAME_S = 60.0 / BPM / 4
SETTINGS = JamSettings(bpm=BPM)
COMMIT_S = SETTINGS.commit_beats * 60.0 / BPM
"""Until the first frame that isn't committed: then a plan is due."""
TLS = Path(__file__).parents[1] / "tests" / "fixtures" / "tls"
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",  # nobody but this machine reaches it
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "RAY_worker_niceness": "0",  # 15 otherwise: anything else would go first
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
def deployed(
    environment: dict[str, str], agent: str, *options: str, replicas: str = "2"
) -> Iterator[str]:
    """Replicas on the cluster; gives their address."""
    command = [sys.executable, "-m", "jam", "serve", "--ray", "auto", "--replicas", replicas]
    command.append("--head-only")  # two nodes of one machine can't both have the port
    process = subprocess.Popen(
        [*command, "--agent", agent, *options], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("jam serve --ray has ended")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=30)


def actors(kind: str) -> list[int]:
    """Process numbers of Ray's actors of a kind."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_text()
            except OSError:
                continue
            if words.startswith(f"ray::{kind}"):
                found.append(int(entry.name))
    return sorted(found)


def replicas() -> list[int]:
    """Process numbers of the replicas."""
    return actors("ServeReplica:jam")


@dataclass(slots=True)
class Part:
    """What a player got in a part of the jam."""

    by_server: int = 0
    by_us: int = 0
    late: int = 0
    different: int = 0
    away_s: float = 0.0
    longest_s: float = 0.0
    why_not: set[str] = field(default_factory=set)
    """Why the server didn't plan."""


class Player:
    """One player's jam in real time, in a thread of its own, and the same jam played here."""

    def __init__(self, address: ServerAddress, seed: int, predictor: Predictor) -> None:
        self.remote = RemoteAgent(address, SystemClock())
        self.told, self.seed = Told(), seed
        self.jam = Jam(Anticipator(predictor, seed), settings=SETTINGS)
        self.parts = [Part()]
        self._away_since_s: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._over.wait(max(0.0, next_s - time.monotonic())):
            next_s = max(next_s + FRAME_S, time.monotonic() - FRAME_S)
            self.frame()

    def frame(self) -> None:
        """Another frame is over."""
        begun_s = time.monotonic()
        request = replace(self.jam.request(), due_s=begun_s + COMMIT_S)
        asked = AgentRequest(1, self.seed, request)
        assert self.told.take(asked)
        part = self.parts[-1]
        found, plan = self.remote.plan(asked, self.told), self.jam.ask()
        now_s = time.monotonic()
        part.late += now_s > request.due_s
        part.longest_s = max(part.longest_s, now_s - begun_s)
        if found is None:
            part.by_us += 1
            part.why_not.add(self.remote.why_not)
            self._away_since_s = self._away_since_s or now_s
        else:
            part.by_server += 1
            # One that is cut short, since it is due, is the beginning of the whole one.
            part.different += found.chords != plan.chords[: len(found.chords)]
            if self._away_since_s is not None:
                part.away_s = max(part.away_s, now_s - self._away_since_s)
            self._away_since_s = None
        n = len(self.jam.rows)
        self.jam.close(MelodyState(TUNE[n // 4 % len(TUNE)], n % 4 == 0))

    def begin_part(self) -> None:
        self.parts.append(Part())

    def end(self) -> None:
        self._over.set()
        self._thread.join(timeout=5.0)
        self.remote.close()


def wait_for_the_server(players: Sequence[Player], timeout_s: float = 60.0) -> None:
    """Until it plans for all."""
    end_s = time.monotonic() + timeout_s
    while any(p.remote.why_not for p in players):
        if time.monotonic() > end_s:
            raise SystemExit(f"waited for the server: {[p.remote.why_not for p in players]}")
        time.sleep(0.05)


def part(name: str, players: Sequence[Player], seconds: float, does: Callable[[], object]) -> None:
    """Do something while everybody plays on, until the server plans for all again."""
    for player in players:
        player.begin_part()
    does()
    time.sleep(seconds)
    wait_for_the_server(players)
    time.sleep(2.0)
    for player in players:
        got = player.parts[-1]
        print(
            f"{name:34} {player.seed:6} {got.by_server:9} {got.by_us:7} {got.late:5}"
            f" {got.away_s:7.1f} {got.longest_s:10.2f} {got.different:10}"
            f"  {', '.join(sorted(filter(None, got.why_not)))}",
            flush=True,
        )


def heading() -> None:
    print(f"{'':34} player by server by ours  late away, s longest, s  different  why")


def tried(n_players: int) -> list[Player]:
    """Play, kill a replica, play on until everybody is planned for again."""
    port = ["--port", str(free_port())]
    with cluster() as environment, deployed(environment, "rules", *port) as url:
        players = [Player(ServerAddress(url), k, RuleBasedPredictor()) for k in range(n_players)]
        wait_for_the_server(players)
        heading()
        part("two replicas", players, 2.0, lambda: None)
        part("one killed", players, 2.0, lambda: os.kill(replicas()[0], signal.SIGKILL))
        for player in players:
            player.end()
        return players


def updated(n_players: int) -> None:
    """Other weights while everybody plays: replicas are replaced one after the other."""
    port = ["--port", str(free_port())]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shipped = Path(models.__file__).parent / "weights"
        for path in shipped.iterdir():
            if path.is_file():
                name = path.name.replace("variety", "online")  # the one tuned for variety alone
                if not path.name.startswith("online"):
                    shutil.copy(path, folder / name)
        environment = stack.enter_context(cluster())
        url = stack.enter_context(deployed(environment, "auto", *port))
        address = ServerAddress(url)
        players = [Player(address, seed, models.load_predictor()) for seed in range(n_players)]
        wait_for_the_server(players)
        heading()
        part("shipped weights", players, 4.0, lambda: None)

        def deploy() -> None:
            begun_s = time.monotonic()
            stack.enter_context(deployed(environment, "auto", *port, "--weights", str(folder)))
            print(f"deployed in {time.monotonic() - begun_s:.1f} s")

        part("other weights, one by one", players, 3.0, deploy)
        late_comer = Player(address, 99, models.load_predictor(folder))
        wait_for_the_server([late_comer])
        part("a new jam, by the other weights", [late_comer], 3.0, lambda: None)
        for player in (*players, late_comer):
            player.end()


@contextmanager
def watched() -> Iterator[None]:
    """Says when replicas come and go."""
    begun_s, over = time.monotonic(), threading.Event()

    def watch() -> None:
        known: list[int] = []
        while not over.wait(0.1):
            if (found := replicas()) != known:
                print(f"{time.monotonic() - begun_s:6.1f} s: {len(found)} replicas", flush=True)
                known = found

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def scaled(n_players: int) -> None:
    """Twice as many players as one replica has room for; then all but the first and last leave."""
    options = ["--port", str(free_port()), "--players", str(n_players // 2)]
    with (
        cluster() as environment,
        deployed(environment, "rules", *options, replicas="1-2") as url,
        watched(),
    ):
        players = [Player(ServerAddress(url), k, RuleBasedPredictor()) for k in range(n_players)]
        heading()
        part("players come", players, 0.0, lambda: wait_for_the_server(players))
        first, *leaving, last = players
        for player in leaving:
            player.end()
        begun_s = time.monotonic()

        def fewer() -> None:
            while len(replicas()) > 1 and time.monotonic() < begun_s + 100.0:
                time.sleep(0.1)
            print(f"they have left; {time.monotonic() - begun_s:.1f} s later a replica is gone")

        part("the others have left", (first, last), 2.0, fewer)
        first.end()
        last.end()


def loaded(jams: Sequence[int], seconds: float) -> None:
    """How many jams two replicas carry, each on a node of its own, through one proxy."""
    tunes = melodies([])
    options = ["--port", str(free_port())]
    with cluster() as environment, deployed(environment, "auto", *options) as url:
        print(HEADING)
        for n in jams:
            pids = [*replicas(), *actors("ProxyActor")]
            before_s = {pid: cpu_s(pid) for pid in pids}
            row([url], replicas(), n, seconds, tunes)
            took = [(cpu_s(pid) - before_s[pid]) / seconds for pid in pids]
            print("      replicas and proxy, in cores:", *(f"{cores:.2f}" for cores in took))


def status_of_page(url: str, password: str) -> int:
    """What the page of figures answers a browser."""
    said = base64.b64encode(f"me:{password}".encode()).decode()
    page = url.replace("wss:", "https:")
    request = urllib.request.Request(page, headers={"Authorization": f"Basic {said}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def by_tls(n_players: int) -> None:
    """Players with tokens and without, by TLS."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tokens = Tokens(folder / "tokens.json")
        token = tokens.add("anna")
        os.environ["SSL_CERT_FILE"] = str(TLS / "cert.pem")
        port = free_port()
        options = ["--port", str(port), "--host", "0.0.0.0", "--tokens", str(tokens.path)]
        options += ["--tls-cert", str(TLS / "cert.pem"), "--tls-key", str(TLS / "key.pem")]
        environment = stack.enter_context(cluster())
        stack.enter_context(deployed(environment, "rules", *options))
        url = f"wss://127.0.0.1:{port}"
        known = ServerAddress(url, token)
        players = [Player(known, seed, RuleBasedPredictor()) for seed in range(n_players)]
        wait_for_the_server(players)
        heading()
        part("by TLS, with a token", players, 3.0, lambda: None)
        for wrong in ("", "jam_wrong"):
            stranger = RemoteAgent(ServerAddress(url, wrong), SystemClock())
            time.sleep(2.0)
            print(f"with the token {wrong!r}: {stranger.state.words}")
            stranger.close()
        for password in (token, "jam_wrong"):
            print(f"page: {status_of_page(url, password)} with the password {password[:4]}…")
        tokens.revoke("anna")
        end_s = time.monotonic() + 10.0
        while not all(p.remote.why_not for p in players) and time.monotonic() < end_s:
            time.sleep(0.05)
        print(
            f"revoked, after {time.monotonic() - end_s + 10:.1f} s: {players[0].remote.state.words}"
        )
        for player in players:
            player.end()


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--players", type=int, default=4)
    p.add_argument("--update", action="store_true", help="other weights, then replicas anew")
    p.add_argument("--tls", action="store_true", help="by TLS, with tokens")
    p.add_argument("--scale", action="store_true", help="replicas by need")
    p.add_argument("--load", type=int, nargs="+", metavar="JAMS", help="how many are carried")
    p.add_argument("--seconds", type=float, default=14.0, help="of each load")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no cluster is left behind
    if args.update:
        updated(args.players)
    elif args.scale:
        scaled(args.players)
    elif args.load:
        loaded(args.load, args.seconds)
    elif args.tls:
        by_tls(args.players)
    else:
        tried(args.players)


if __name__ == "__main__":
    main()
