"""What a predictor is: logits for the next chord and note, and the pinned dice that choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from jam.music.grid import Place
from jam.music.rows import ChordState, MelodyState, Row, onset_class
from jam.settings import JamSettings

Logits = NDArray[np.float32]

Mask = NDArray[np.bool_]
"""Chord classes; shape (N_CHORD_CLASSES,)."""


class Predictor(Protocol):
    """What the network and the rules have in common. It holds rows 0 to n_rows - 1.

    Every method may be called only for the row after the last one held, n_rows. A predictor is
    deterministic: the same rows and conditions give the same logits, however they were reached.
    """

    name: str

    @property
    def n_rows(self) -> int: ...

    def reset(self, settings: JamSettings) -> None:
        """Forget every row; take style, density and adventurous as conditions from now on."""
        ...

    def form(self, bars: int | None) -> None:
        """The music goes round in forms of so many bars (None: it isn't known). A condition as
        those of `reset`, without forgetting; it says nothing about where the form began."""
        ...

    def rewind(self, n_rows: int) -> None:
        """Forget the rows from number n_rows on, as if they had never been."""
        ...

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        """Take over rows, each with its place in the metre."""
        ...

    def chord_logits(self, place: Place, forbidden: Mask | None = None) -> Logits:
        """Logits of p(y_t | x_<t, y_<t), t = n_rows; shape (N_CHORD_CLASSES,).

        What the forbidden classes, chords all, would have had goes to the other chords, so the
        chord changes as readily as without the ban.
        """
        ...

    def melody_logits(self, place: Place, chord: ChordState) -> Logits:
        """Logits of p(x_t | x_<t, y_<=t), y_t = chord; shape (N_MELODY_CLASSES,)."""
        ...

    def foreseen(self, places: Sequence[Place], lead_frames: int) -> NDArray[np.float64]:
        """What of the melody may sound in the frames from n_rows on, (12,): the expected number of
        frames in which each pitch class sounds, or any multiple of it; zeros where nobody knows.

        It is foreseen from so many frames before n_rows, or as many as there are or are kept: of
        the melody since then nothing is known. Who remembers what came at a like place may count
        it too.
        """
        ...

    def harmonise(
        self, melody: Sequence[MelodyState], places: Sequence[Place], seed: int | None = None
    ) -> list[ChordState]:
        """Chords for a melody that is known as a whole (the offline model, or rules).

        seed: of a song, which has a beginning and an end; None for what was heard so far and is
        only to be remembered.
        """
        ...


@lru_cache(maxsize=2048)
def gumbel_noise(seed: int, frame: int, which: int, size: int) -> Logits:
    """Gumbel noise that is a function of (seed, frame, which) alone; shape (size,).

    Adding it to log-probabilities and taking the greatest draws from the distribution
    (the Gumbel-max trick). Counter-based (Philox), so no order of calls matters. Kept for the
    frames that are planned again and again; not to be written to.
    """
    key = np.array([seed & (2**64 - 1), which], dtype=np.uint64)
    counter = np.array([0, frame & (2**64 - 1), 0, 0], dtype=np.uint64)
    uniform = Generator(Philox(key=key, counter=counter)).random(size)
    noise = (-np.log(-np.log(np.clip(uniform, 1e-12, 1 - 1e-12)))).astype(np.float32)
    noise.flags.writeable = False
    return noise


def draw(logits: Logits, temperature: float, noise: Logits) -> tuple[int, float]:
    """Class drawn by the Gumbel-max trick, and its probability at this temperature.

    Temperature 0 takes the likeliest class (its probability is then that at temperature 1).
    """
    scaled = logits.astype(np.float64) / (temperature or 1.0)
    scaled -= scaled.max()
    class_ = int(np.argmax(scaled + noise if temperature > 0 else scaled))
    return class_, float(np.exp(scaled[class_]) / np.exp(scaled).sum())


def is_banned(state: ChordState, forbidden: Mask) -> bool:
    """True when a chord sounds that may not be struck."""
    return state.chord is not None and bool(forbidden[onset_class(state.chord)])


LoadPredictor = Callable[[], tuple[Predictor, str]]
"""Gives a predictor and, where it isn't the one that was wanted, a sentence for the user."""
