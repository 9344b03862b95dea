"""How long plans take: by history and lookahead, beside a network of the rival's size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product

import numpy as np

from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.cli.main import load_predictor, load_rules
from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, KeyInput, Start
from jam.messages.plans import PlanRequest
from jam.messages.snapshot import SessionLog
from jam.music.grid import Meter, TempoMap, nearest_frame
from jam.music.rows import ChordState, MelodyState, Row
from jam.settings import JamSettings
from models.decoding.mixture import Mixture
from models.decoding.rules import Decoding
from models.network.config import NetConfig, parameter_shapes
from models.predictor import NeuralPredictor
from tools.bench_lines import Line

HISTORIES = (64, 256, 1024)
SURPRISE, EXPECTED, RESTYLED = "after a surprise", "row expected", "style changed"
RIVAL_MS = {"PyTorch": (514.0, 801.0), "ONNX": (1130.0, 1130.0)}
"""ReaLJam's own code and architecture: a plan of 4 beats, on 2 cores of such a machine."""
AS_WIDE = "untrained 36.7 M, dense"
AS_MANY = "untrained 37 M, free"
# What ties a network to the twelve keys leaves a tenth of its weights free. So there are two of
# the rival's size (36.7 million parameters): one that computes what such a network computes, and
# one with as many free parameters, which computes what one of 220 million does.
_UNTRAINED = {
    AS_WIDE: NetConfig(channels=48, invariant=96, heads=8, layers=8),
    AS_MANY: NetConfig(channels=80, invariant=400, heads=8, layers=12),
}


def untrained(name: str) -> NeuralPredictor:
    """A network of the rival's size, decoded as the shipped one."""
    config = _UNTRAINED[name]
    dice = np.random.default_rng(0)
    weights = {
        part: dice.normal(0.0, 0.02, shape).astype(np.float32) + np.float32("gain" in part)
        for part, shape in parameter_shapes(config).items()
    }
    rules = Decoding()
    return NeuralPredictor(Mixture(config, (weights, weights), (rules, rules)), None, rules, name)


def plan_times(
    predictor: Predictor, what: str, history_frames: int, n: int, settings: JamSettings
) -> list[float]:
    """Milliseconds of n plans after so many frames: in every row a surprise, or none, or another
    style, for which all that was played is read anew."""
    tempo_map = TempoMap.constant(settings.bpm, Meter(4, 4))
    lookahead, commit = 4 * settings.lookahead_beats, 4 * settings.commit_beats
    clock = SystemClock()
    anticipator = Anticipator(predictor, 1)
    predictor.rewind(0)
    rows = [Row(MelodyState(60 + (5 * i) % 17, i % 2 == 0)) for i in range(history_frames)]
    first, times_ms = 0, []
    committed: tuple[ChordState, ...] = ()
    warm_up = 5
    for i in range(n + warm_up):
        if what == RESTYLED:
            settings = settings.changed(style=("pop", "jazz")[i % 2])
        places = tuple(tempo_map.place(f) for f in range(first, len(rows) + lookahead))
        request = PlanRequest(
            first, tuple(rows[first:]), committed, places, lookahead, commit, 0, settings
        )
        begin_s = clock.now_s()
        plan = anticipator.plan(request)
        times_ms.append(1000 * (clock.now_s() - begin_s))
        first = len(rows)
        surprise = MelodyState(48 + (7 * i) % 31, True)
        rows.append(Row(surprise if what == SURPRISE else plan.expected_melody[0], plan.chords[0]))
        committed = plan.chords[1 : plan.committed_until_frame - plan.start_frame]
    return times_ms[warm_up:]


def plans() -> Iterator[Line]:
    """Full and expected plans by history, for the shipped network and one of the rival's size;
    then by lookahead."""
    predictor, message = load_predictor()
    if message:
        print(message)
    settings = JamSettings()
    times = plan_times(load_rules()[0], SURPRISE, 256, 100, settings)
    yield Line.of(f"plan of 16 frames, rules, 256 frames, {SURPRISE}", times)
    # The rival's plans weigh nothing.
    plain = settings.changed(foresight_beats=0)
    for who, n, histories, its_settings in (
        (predictor, 150, HISTORIES, settings),
        (untrained(AS_WIDE), 30, HISTORIES, plain),
        (untrained(AS_MANY), 12, HISTORIES[1:2], plain),
    ):
        for history_frames, what in product(histories, (SURPRISE, EXPECTED)):
            name = f"plan of 16 frames, {who.name}, {history_frames} frames, {what}"
            yield Line.of(name, plan_times(who, what, history_frames, n, its_settings))
    for history_frames in HISTORIES:
        name = f"plan of 16 frames, {predictor.name}, {history_frames} frames, {RESTYLED}"
        times = plan_times(predictor, RESTYLED, history_frames, 40, settings)
        yield Line.of(name, times)
    for beats in (2, 8, 16):
        times = plan_times(predictor, SURPRISE, 256, 60, settings.changed(lookahead_beats=beats))
        name = f"plan of {4 * beats} frames, {predictor.name}, 256 frames, {SURPRISE}"
        yield Line.of(name, times)


def wire(seconds: float = 25.0) -> Iterator[Line]:
    """From a surprising note to the plan that knows of it, through stage, socket and agent."""
    logs: list[SessionLog] = []
    settings = JamSettings(bpm=120.0, listen_bars=1, count_in_bars=0, metronome=False)
    clock = SystemClock()
    with Engine(settings, DeviceChoice("none"), load_predictor, logs.append) as engine:
        engine.wait_until_up()
        while (newest := engine.snapshot()) is None or newest.agent_state == "loading":
            time.sleep(0.05)
        engine.send(Start(1))
        end_s = clock.now_s() + seconds
        n = 0
        while clock.now_s() < end_s:
            pitch = 48 + (11 * n) % 31
            n += 1
            engine.send(KeyInput(pitch, 80, clock.now_s()))
            time.sleep(0.2)
            engine.send(KeyInput(pitch, 0, clock.now_s()))
            time.sleep(0.137)  # anywhere in a frame
        time.sleep(1.0)
    tempo_map = next(log.tempo_map for log in reversed(logs) if log.tempo_map is not None)
    made = [plan for log in logs for plan in log.plans]
    from_note_ms, from_row_ms = [], []
    for event in (e for log in logs for e in log.played if getattr(e, "velocity", 0)):
        frame = nearest_frame(tempo_map.position_at(event.at_s))
        plan = next((p for p in made if p.made_at_frame >= frame >= 0), None)
        if plan is not None and plan.taken_s > event.at_s:
            from_note_ms.append(1000 * (plan.taken_s - event.at_s))
            closed_s = tempo_map.seconds_at(frame + 0.5)
            from_row_ms.append(1000 * (plan.taken_s - max(closed_s, event.at_s)))
    yield Line.of("a surprising note's row closed to the plan taken over", from_row_ms)
    yield Line.of("the note itself to that plan (a frame is 125 ms)", from_note_ms)


def table(lines: list[Line]) -> str:
    """The plans beside the rival's, as Markdown; "" where they weren't measured."""
    by_name = {line.name: line for line in lines}
    rows = [
        "| plan of 4 beats (16 frames), median / 99 %, ms | "
        + " | ".join(f"{h:,} frames" for h in HISTORIES)
        + " |",
        "|---" * (len(HISTORIES) + 1) + "|",
    ]
    full: dict[str, float] = {}
    labels = {
        "neural": "jam",
        AS_WIDE: "jam, untrained, 36.7 M weights if written out densely, nothing foreseen",
        AS_MANY: "jam, untrained, 37 M free parameters, nothing foreseen",
    }
    for (who, label), what in product(labels.items(), (SURPRISE, EXPECTED, RESTYLED)):
        if what == RESTYLED and who != "neural":
            continue
        found = [by_name.get(f"plan of 16 frames, {who}, {h} frames, {what}") for h in HISTORIES]
        if found[1] is None:
            return ""
        cells = [f"{line.median:.1f} / {line.p99:.1f}" if line else "" for line in found]
        rows.append(f"| {label}, {what} | " + " | ".join(cells) + " |")
        if what == SURPRISE:
            full[label] = found[1].median
    for runtime, (low, high) in RIVAL_MS.items():
        cell = f"{low:,.0f} to {high:,.0f}" if low < high else f"{low:,.0f}"
        rows.append(f"| ReaLJam, 36.7 M parameters, {runtime} | | {cell} | |")
    rows.append("")
    for label, median in full.items():
        ratios = [
            f"{low / median:.0f}"
            + (f" to {high / median:.0f}" if low < high else "")
            + f" ({runtime})"
            for runtime, (low, high) in RIVAL_MS.items()
        ]
        rows.append(f"ReaLJam's time for a full plan over that of {label}: {', '.join(ratios)}.")
    return "\n".join(rows)
