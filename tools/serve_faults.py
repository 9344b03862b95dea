"""A server among strangers: a thousand who say nothing, nonsense, too much; and a line that is cut.

    python -m tools.serve_faults --jams 4 --strangers 1000

Players play on in real time all the while, from another process than the server. Printed is what
they got in each part: how many plans, how many in time; then why the server cut whom off, and what
memory it took. At last a real jam whose cable is cut for ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import random
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.messages.commands import DeviceChoice
from jam.messages.plans import AgentRequest
from jam.music.rows import MelodyState
from jam.remote import wire
from jam.system import many_files
from tests.support.cable import Cable
from tests.support.jam_player import check_ends, player_in
from tests.support.jamming import Jam
from tools.serve_load import Figures, load, melodies, memory_mib, server

PART_S = 8.0


def silent(url: str, n: int) -> list[socket.socket]:
    """Connections on which nothing is said at all."""
    parts = urlsplit(url)
    return [socket.create_connection((parts.hostname, parts.port)) for _ in range(n)]


def dumb(url: str, n: int) -> list[socket.socket]:
    """Players who were let in, say nothing from then on and answer no ping."""
    parts, found = urlsplit(url), []
    for _ in range(n):
        key = base64.b64encode(os.urandom(16)).decode()
        line = socket.create_connection((parts.hostname, parts.port))
        line.sendall(
            f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {wire.SUBPROTOCOL}\r\n\r\n".encode()
        )
        found.append(line)
    return found


def line_to(url: str) -> ClientConnection:
    line = connect(url, subprotocols=[wire.SUBPROTOCOL], compression=None, proxy=None).__enter__()
    line.recv()
    return line


def nonsense(url: str) -> Counter[str]:
    """Requests with faults, one after another; a line that was cut off is connected again."""
    dice, ends = random.Random(1), Counter[str]()
    jam = Jam(Anticipator(RuleBasedPredictor(), 1))
    for pitch in (60, 64, 67, 72) * 8:
        jam.close(MelodyState(pitch, True))
    ask = wire.encoded(wire.ask_of(AgentRequest(1, 1, jam.request()), 1, 0.0))
    line, until_s = line_to(url), time.monotonic() + PART_S - 1.0
    while time.monotonic() < until_s:
        data = bytearray(ask)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if dice.random() < 0.2:
            data = data[: dice.randrange(len(data))]
        try:
            line.send(bytes(data))
            line.recv(timeout=5)
            ends["understood and answered"] += 1
        except ConnectionClosed as closed:
            ends[f"cut off with {closed.rcvd.code if closed.rcvd else 'no code'}"] += 1
            line = line_to(url)
    line.close()
    return ends


def too_much(url: str) -> Counter[str]:
    """Messages that are longer than any may be."""
    ends, until_s = Counter[str](), time.monotonic() + PART_S - 1.0
    while time.monotonic() < until_s:
        with line_to(url) as line:
            try:
                line.send(b"\0" * (wire.ASK_BYTES + 1))
                line.recv(timeout=5)
            except ConnectionClosed as closed:
                ends[f"cut off with {closed.rcvd.code if closed.rcvd else 'no code'}"] += 1
        time.sleep(0.05)
    return ends


async def part(name: str, url: str, jams: int, does: Callable[[], object]) -> object:
    """Players play while something is done."""
    tunes = melodies([])
    with ThreadPoolExecutor(1) as pool:
        doing = asyncio.get_running_loop().run_in_executor(pool, does)
        figures: Figures = await load([url], jams, PART_S, tunes)
        done = await doing
    took = 1000 * np.array(figures.took_s)
    print(
        f"{name:44} {len(took):6} {100 * (1 - figures.late / max(1, len(took))):9.2f}"
        f" {np.median(took):10.1f} {np.percentile(took, 99):8.1f}",
        flush=True,
    )
    return done


async def among_strangers(url: str, pid: int, jams: int, strangers: int) -> None:
    before = memory_mib(pid)
    print(f"{'':44}  plans  in time %  median ms  99 % ms")
    await part("alone", url, jams, lambda: None)
    kept = await part(f"{strangers} who say nothing", url, jams, lambda: silent(url, strangers))
    assert isinstance(kept, list)
    for one in kept:
        one.close()
    some = strangers // 4
    kept = await part(f"{some} who are let in and go dumb", url, jams, lambda: dumb(url, some))
    assert isinstance(kept, list)
    print(await part("requests with faults", url, jams, lambda: nonsense(url)))
    print(await part("messages that are too long", url, jams, lambda: too_much(url)))
    await part("and again alone", url, jams, lambda: None)
    with urllib.request.urlopen(url.replace("ws:", "http:") + "/metrics", timeout=10) as answer:
        for row in answer.read().decode().splitlines():
            if row.startswith("jam_cut_off_total"):
                print(row)
    for one in kept:
        one.close()
    print(f"memory of the server: {before:.0f} MiB before, {memory_mib(pid):.0f} MiB after")


def cut_for(seconds: float) -> None:
    """A real jam on a cable that is cut for so long."""
    with server(["--agent", "rules"]) as (url, _):
        cable = Cable(int(url.rpartition(":")[2]))
        at = f"ws://127.0.0.1:{cable.port}"
        with player_in(DeviceChoice("none", midi_inputs=(), agent_server=at)) as player:

            def by_server() -> bool:
                return bool(player.snapshot.server.name)

            def waited(s: float) -> None:
                end_s = time.monotonic() + s
                player.play_until(lambda: time.monotonic() > end_s, "some time")

            player.play_until(by_server, "the server")
            waited(4.0)
            late, notes = player.snapshot.counters.late_plans, len(player.notes())
            cable.whole.clear()
            waited(seconds)
            during = len(player.notes()) - notes
            said = player.snapshot.server.words
            cable.whole.set()
            begun_s = time.monotonic()
            player.play_until(by_server, "the server again")
            back_s = time.monotonic() - begun_s
            waited(3.0)
            late = player.snapshot.counters.late_plans - late
        check_ends(player.logs)
        cable.close()
    print(
        f"a cable cut for {seconds:g} s: {during} notes of the band meanwhile, {late} late plans,"
        f" back after {back_s:.1f} s; was told: {said}"
    )


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--jams", type=int, default=4)
    p.add_argument("--strangers", type=int, default=1000)
    p.add_argument("--cut", type=float, default=10.0, metavar="SECONDS")
    args = p.parse_args()
    many_files(4096)
    with server([]) as (url, pid):
        asyncio.run(among_strangers(url, pid, args.jams, args.strangers))
    cut_for(args.cut)


if __name__ == "__main__":
    main()
