"""What an improviser is: a melody for frames to come, over chords that are known there. Pure.

The agent plays a melody itself where its role says so (`jam.roles`). Who makes it up is a
network (`models.improviser`) or the rule of thumb below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jam.agent.predictor import gumbel_noise
from jam.music.grid import Place
from jam.music.rows import REST, ChordState, MelodyState, Row

SOLO_DICE = 9001
"""Which of a frame's dice choose the note that the agent plays."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How it is to play.

    echo_bars: the phrase that it may take up lies so many bars back; 0: none. notes_a_beat,
    mean_pitch: about so dense and so high (None: as it likes). lowest, highest: its range. style:
    a condition of `jam.settings.STYLES`. temperature: how freely it chooses.
    """

    echo_bars: int = 0
    notes_a_beat: float | None = None
    mean_pitch: float | None = None
    lowest: int = 55
    highest: int = 84
    style: str = "any"
    temperature: float = 0.9


@dataclass(frozen=True, slots=True)
class Bound:
    """What holds for a frame whatever the improviser likes.

    ends: the note before must end here, and none begins (the turn is over, or a breath is due).
    holds: nothing new begins here, but what sounds may go on. begins: a note begins here.
    """

    ends: bool = False
    holds: bool = False
    begins: bool = False


FREE = Bound()


class Improviser(Protocol):
    """Makes up the melody of the frames after `rows`."""

    def improvise(
        self,
        rows: Sequence[Row],
        places: Sequence[Place],
        chords: Sequence[ChordState],
        given: Sequence[MelodyState | None],
        bounds: Sequence[Bound],
        wish: Wish,
        seed: int,
    ) -> list[MelodyState]:
        """The melody of frames len(rows), len(rows) + 1, …

        places: of the rows and of the frames after them. chords: of the frames after. given: the
        melody of a frame where that is fixed, or another's; None where one is to be made up. It is
        a function of its arguments: the dice of a frame are those of (seed, frame).
        """
        ...


@runtime_checkable
class Improvises(Protocol):
    """A predictor that has an improviser of its own."""

    def improviser(self) -> Improviser: ...


class RuleImproviser:
    """A line of chord and scale tones by step, where there is no network. Deterministic."""

    def improvise(
        self,
        rows: Sequence[Row],
        places: Sequence[Place],
        chords: Sequence[ChordState],
        given: Sequence[MelodyState | None],
        bounds: Sequence[Bound],
        wish: Wish,
        seed: int,
    ) -> list[MelodyState]:
        first = len(rows)
        density = 1.0 if wish.notes_a_beat is None else wish.notes_a_beat
        middle = round(wish.mean_pitch or (wish.lowest + wish.highest) / 2)
        last = next((r.melody.pitch for r in reversed(rows) if r.melody.pitch), None) or middle
        line: list[MelodyState] = []
        for i, chord in enumerate(chords):
            before = line[-1] if line else (rows[-1].melody if rows else REST)
            fixed = given[i]
            place, bound = places[first + i], bounds[i]
            noise = gumbel_noise(seed, first + i, SOLO_DICE, 4)
            if fixed is not None:
                state = fixed
            elif bound.ends or chord.chord is None:
                state = REST
            elif bound.holds:
                state = MelodyState(before.pitch, False)
            else:
                strong = (2.0, 1.6, 1.2, 0.5)[3 - place.strength]
                on_eighth = place.frame_in_bar % 2 == 0
                if bound.begins or (on_eighth and noise[0] < 2.2 * density * strong - 1.2):
                    pitch = _near(last, chord, middle, float(noise[1]), wish)
                    state = MelodyState(pitch, True)
                else:
                    state = MelodyState(before.pitch, False)
            if state.pitch is not None:
                last = state.pitch
            line.append(state)
        return line


def _near(last: int, chord: ChordState, middle: int, dice: float, wish: Wish) -> int:
    """A tone of the chord a step or two from the last note, back towards the middle."""
    assert chord.chord is not None
    up = (dice > 0.6) == (last <= middle) or last < wish.lowest + 3
    tones = chord.chord.pitch_classes
    steps = range(1, 13) if up else range(-1, -13, -1)
    near = [last + s for s in steps if (last + s) % 12 in tones]
    inside = [p for p in near if wish.lowest <= p <= wish.highest]
    return inside[0] if inside else min(max(middle, wish.lowest), wish.highest)
