"""A jam without time: the loop of closing a frame and asking for a plan, and a wary predictor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.messages.plans import Plan, PlanRequest
from jam.music.grid import Meter, Place, TempoMap
from jam.music.rows import (
    HOLD,
    N_CHORD_CLASSES,
    N_MELODY_CLASSES,
    NO_CHORD,
    REST,
    ChordState,
    MelodyState,
    Row,
    chord_state,
)
from jam.settings import JamSettings


class WaryPredictor:
    """Every logit depends on every bit of the history, the place and the conditions (a hash).

    So a plan that saw anything it must not see, or missed anything it should, comes out
    different. It checks how it is called, and counts what it is asked to compute.
    """

    name = "wary"

    def __init__(self) -> None:
        self._digests = [b""]
        self.rows: list[Row] = []
        self.n_chords_computed = 0

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def reset(self, settings: JamSettings) -> None:
        self.rows.clear()
        self._digests = [self._mix(b"", settings.style, settings.density, settings.adventurous)]

    def form(self, bars: int | None) -> None:
        """No logit knows it."""

    def rewind(self, n_rows: int) -> None:
        assert 0 <= n_rows <= len(self.rows)
        del self.rows[n_rows:], self._digests[n_rows + 1 :]

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        for row, place in zip(rows, places, strict=True):
            self.rows.append(row)
            self._digests.append(self._mix(self._digests[-1], row, place))

    def chord_logits(
        self, place: Place, forbidden: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        self.n_chords_computed += 1
        return self._logits(self._mix(self._digests[-1], "chord", place), N_CHORD_CLASSES)

    def melody_logits(self, place: Place, chord: ChordState) -> NDArray[np.float32]:
        digest = self._mix(self._digests[-1], "melody", place, chord)
        return self._logits(digest, N_MELODY_CLASSES)

    def foreseen(self, places: Sequence[Place], lead_frames: int) -> NDArray[np.float64]:
        known = self._digests[max(0, len(self.rows) - lead_frames)]
        digest = self._mix(known, "foreseen", tuple(places), lead_frames)
        dice = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
        return dice.random(12)

    def harmonise(
        self, melody: Sequence[MelodyState], places: Sequence[Place], seed: int | None = None
    ) -> list[ChordState]:
        states = [NO_CHORD]
        for frame, place in enumerate(places):
            digest = self._mix(self._digests[0], frame, place, tuple(melody))
            class_ = int(self._logits(digest, N_CHORD_CLASSES).argmax())
            states.append(chord_state(class_, states[-1]))
        return states[1:]

    @staticmethod
    def _mix(digest: bytes, *things: object) -> bytes:
        return hashlib.blake2b(digest + repr(things).encode(), digest_size=16).digest()

    @staticmethod
    def _logits(digest: bytes, size: int) -> NDArray[np.float32]:
        dice = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
        logits = dice.normal(0.0, 2.0, size).astype(np.float32)
        logits[HOLD] += 6.0  # changes now and then, as music does
        return logits


@dataclass
class Jam:
    """A session as the program runs it, one frame after the other, with every plan kept."""

    anticipator: Anticipator
    tempo_map: TempoMap = field(default_factory=lambda: TempoMap.constant(100, Meter()))
    settings: JamSettings = field(default_factory=JamSettings)
    silent_until_frame: int = 0
    rows: list[Row] = field(default_factory=list)
    line: list[ChordState] = field(default_factory=list)
    committed_until_frame: int = 0
    told_until_frame: int = 0
    plans: list[Plan] = field(default_factory=list)

    def request(self, first_frame: int | None = None) -> PlanRequest:
        """What the agent would be asked now; from `first_frame` on instead of what is new."""
        first = self.told_until_frame if first_frame is None else first_frame
        next_frame = len(self.rows)
        per_beat = self.tempo_map.meter_at(next_frame).frames_per_beat
        commit = self.settings.commit_beats * per_beat
        end = next_frame + max(self.settings.lookahead_beats * per_beat, commit)
        return PlanRequest(
            first_frame=first,
            rows=tuple(self.rows[first:]),
            committed=tuple(self.line[next_frame : self.committed_until_frame]),
            places=tuple(self.tempo_map.place(frame) for frame in range(first, end)),
            lookahead_frames=end - next_frame,
            commit_frames=commit,
            silent_until_frame=self.silent_until_frame,
            settings=self.settings,
        )

    def ask(self, lost: bool = False, enough: Callable[[], bool] | None = None) -> Plan:
        """Ask the agent and take its plan over, unless it comes too late and is lost."""
        plan = self.anticipator.plan(self.request(), enough)
        self.told_until_frame = len(self.rows)
        if lost:
            return plan
        self.plans.append(plan)
        keep = max(self.committed_until_frame, plan.start_frame)
        self.line[keep:] = plan.chords[keep - plan.start_frame :]
        self.committed_until_frame = max(self.committed_until_frame, plan.committed_until_frame)
        return plan

    def close(self, melody: MelodyState) -> None:
        """The next frame has sounded, with its chord; where the plan has run out, it holds."""
        frame = len(self.rows)
        if frame == len(self.line):
            before = self.line[-1].chord if self.line else None
            self.line.append(ChordState(before, False))
        self.rows.append(Row(melody, self.line[frame]))
        self.committed_until_frame = max(self.committed_until_frame, frame + 1)

    def expected(self) -> MelodyState:
        """What the agent expects in the next frame; a rest where it expects nothing yet."""
        frame = len(self.rows)
        if not self.plans or frame >= self.plans[-1].end_frame:
            return REST
        return self.plans[-1].expected_melody[frame - self.plans[-1].start_frame]

    def play(
        self,
        melody: Sequence[MelodyState | None],
        before_frame: Callable[[Jam, int], bool] = lambda jam, frame: True,
    ) -> Jam:
        """Play a melody (None: what the agent expects).

        `before_frame` may change anything and says whether the agent is to be asked.
        """
        for state in melody:
            if before_frame(self, len(self.rows)):
                self.ask()
            self.close(self.expected() if state is None else state)
        return self

    def from_scratch(self, predictor: Predictor | None = None) -> Plan:
        """The plan of a new agent that is given the whole history at once.

        `predictor`: another one than the agent's, where making one takes time.
        """
        if predictor is None:
            predictor = type(self.anticipator.predictor)()
        return Anticipator(predictor, self.anticipator.seed).plan(self.request(first_frame=0))
