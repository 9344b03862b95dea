"""How steady plans are: the share of uncommitted plan frames that change from one to the next."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from jam.anticipation import Anticipator, Predictor
from jam.errors import BadInput
from jam.messages import PlanRequest
from jam.rows import NO_CHORD, ChordState, Row
from jam.rules import RuleBasedPredictor
from jam.settings import JamSettings
from models import load_predictor
from models.contestants import load_factory, melody_of, places_of
from models.data import Piece

PIECES, FRAMES = 6, 128


def changed_share(predictor: Predictor, pieces: Sequence[Piece]) -> float:
    """Each piece is jammed as live, with default lookahead and commit; chords are compared."""
    changed = compared = 0
    for number, piece in enumerate(pieces):
        agent = Anticipator(predictor, seed=number)
        melody, places = melody_of(piece), places_of(piece)
        settings = JamSettings(meter=places[0].meter)
        per_beat = settings.meter.frames_per_beat
        lookahead = settings.lookahead_beats * per_beat
        commit = settings.commit_beats * per_beat
        chords: dict[int, ChordState] = {}
        committed_until = 0
        for t in range(min(FRAMES, len(melody) - lookahead - 1)):
            plan = agent.plan(
                PlanRequest(
                    t,
                    (Row(melody[t], chords.get(t, NO_CHORD)),),
                    tuple(chords[f] for f in range(t + 1, committed_until)),
                    tuple(places[t : t + 1 + lookahead]),
                    lookahead,
                    commit,
                    0,
                    settings,
                )
            )
            for i, state in enumerate(plan.chords):
                frame = plan.start_frame + i
                if frame >= committed_until and frame in chords:
                    compared += 1
                    changed += chords[frame].chord != state.chord
                chords[frame] = state
            committed_until = max(committed_until, plan.committed_until_frame)
    return changed / max(1, compared)


def stability(pieces: Sequence[Piece], specs: Sequence[str]) -> dict[str, float]:
    """Name to share, for the rules, the shipped network where there is one, and `specs`."""
    some = [p for p in pieces if p.n_frames >= FRAMES][:PIECES]
    found = {"rule-based": changed_share(RuleBasedPredictor(), some)}
    with contextlib.suppress(BadInput):
        found["shipped"] = changed_share(load_predictor(), some)
    for spec in specs:
        found[spec] = changed_share(load_factory(spec), some)
    return found
