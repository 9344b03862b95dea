"""Jams under the protocol of live play, and how steady their plans are."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jam.agent.anticipation import Anticipator
from jam.agent.merits import places_from
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.messages.plans import PlanRequest
from jam.music.grid import Place
from jam.music.rows import NO_CHORD, ChordState, Row
from jam.settings import JamSettings
from models import load_predictor
from models.data.piece import Piece
from models.evaluation.contestants import load_factory, melody_of, places_of
from models.evaluation.metrics import COLUMN

PIECES, FRAMES = 6, 128


@dataclass
class LiveJam:
    """What came of a piece whose melody was played to the agent."""

    chords: list[ChordState] = field(default_factory=list)
    """As they were committed, a frame each."""
    changed: int = 0
    compared: int = 0
    """Uncommitted frames of a plan that were planned before, and those whose chord is another."""
    plan_ms: list[float] = field(default_factory=list)


def live_jam(
    predictor: Predictor, piece: Piece, settings: JamSettings, seed: int, frames: int
) -> LiveJam:
    """A piece is jammed as live, frame by frame; settings but the metre are those given.

    In the bars of listening no chord sounds.
    """
    agent = Anticipator(predictor, seed)
    melody, places = melody_of(piece), places_of(piece)
    settings = settings.changed(meter=places[0].meter)
    silent_until = first_frame(piece, settings.listen_bars)
    per_beat = settings.meter.frames_per_beat
    lookahead = max(settings.lookahead_beats, settings.commit_beats) * per_beat
    commit = settings.commit_beats * per_beat
    jam = LiveJam()
    chords: dict[int, ChordState] = {}
    committed_until = 0
    last = places[-1]
    after = Place(last.bar + 1, 0, last.meter)
    rest_of_bar = last.meter.frames_per_bar - 1 - last.frame_in_bar
    ahead = places_from(last, 1 + rest_of_bar)[1:] + places_from(after, lookahead)
    places += ahead
    for t in range(min(frames, len(melody))):
        request = PlanRequest(
            max(0, t - 1),
            (Row(melody[t - 1], chords.get(t - 1, NO_CHORD)),) if t else (),
            tuple(chords[f] for f in range(t, committed_until)),
            tuple(places[max(0, t - 1) : t + lookahead]),
            lookahead,
            commit,
            silent_until,
            settings,
        )
        begin_s = time.perf_counter()
        plan = agent.plan(request)
        jam.plan_ms.append(1000 * (time.perf_counter() - begin_s))
        for i, state in enumerate(plan.chords):
            frame = plan.start_frame + i
            if frame >= committed_until and frame in chords:
                jam.compared += 1
                jam.changed += chords[frame].chord != state.chord
            chords[frame] = state
        committed_until = max(committed_until, plan.committed_until_frame)
        jam.chords.append(chords[t])
    return jam


def first_frame(piece: Piece, bars: int) -> int:
    """The frame on which so many bars of a piece are over; 0 where it has no more of them."""
    lines = np.flatnonzero(piece.places[:, COLUMN["frame_in_bar"]] == 0)
    return int(lines[bars]) if len(lines) > bars else 0


def changed_share(predictor: Predictor, pieces: Sequence[Piece]) -> float:
    """The share of uncommitted plan frames whose chord changes from one plan to the next."""
    jams = [
        live_jam(predictor, piece, JamSettings(listen_bars=0), number, FRAMES)
        for number, piece in enumerate(pieces)
    ]
    return sum(jam.changed for jam in jams) / max(1, sum(jam.compared for jam in jams))


def stability(pieces: Sequence[Piece], specs: Sequence[str]) -> dict[str, float]:
    """Name to share, for the rules, the shipped network where there is one, and `specs`."""
    some = [p for p in pieces if p.n_frames >= FRAMES][:PIECES]
    found = {"rule-based": changed_share(RuleBasedPredictor(), some)}
    with contextlib.suppress(BadInput):
        found["shipped"] = changed_share(load_predictor(), some)
    for spec in specs:
        found[spec] = changed_share(load_factory(spec), some)
    return found
