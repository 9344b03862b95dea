"""Predictors without a network: rules of thumb, and a script for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jam.music.chord import QUALITY_INDEX, QUALITY_NAMES, Chord
from jam.music.grid import Place
from jam.music.key import best_key, scale_of
from jam.music.rows import (
    CHORD_FIRST,
    CHORD_NONE,
    HOLD,
    LOWEST_PITCH,
    MELODY_FIRST,
    MELODY_REST,
    N_CHORD_CLASSES,
    N_MELODY_CLASSES,
    NO_CHORD,
    ChordState,
    MelodyState,
    Row,
    chord_state,
    fold_pitch,
    onset_class,
)
from jam.settings import JamSettings

_NEVER = np.float32(-1e9)
_RECENT_BARS, _KEY_BARS = 0.5, 8.0
"""Half-lives of the two pitch-class histograms: what sounds now, and what key we are in."""

# Diatonic triads of major and minor as (degree in semitones, quality, how usual it is).
_MAJOR_TRIADS = (
    (0, "maj", 1.0),
    (5, "maj", 0.8),
    (7, "maj", 0.8),
    (9, "min", 0.6),
    (2, "min", 0.5),
    (4, "min", 0.1),
)
_MINOR_TRIADS = (
    (0, "min", 1.0),
    (5, "min", 0.6),
    (7, "maj", 0.6),
    (8, "maj", 0.6),
    (3, "maj", 0.6),
    (10, "maj", 0.6),
)

_CHORD_TONES: NDArray[np.float64] = np.zeros((N_CHORD_CLASSES, 12))
for _root in range(12):
    for _quality in QUALITY_NAMES:
        _chord = Chord(_root, _quality)
        _CHORD_TONES[onset_class(_chord), list(_chord.pitch_classes)] = 1.0


RULES_PLAY = "The rule-based engine plays"
"""How it is told that they take the place of the network."""


class RuleBasedPredictor:
    """Keeps a decaying pitch-class histogram, picks the diatonic triad that fits it, and changes
    on strong beats. It expects the player to repeat the rhythm of the bar before.

    The fallback when no weights can be loaded, and the baseline that a model has to beat.
    """

    name = "rules"

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._recent: list[NDArray[np.float64]] = [np.zeros(12)]
        self._key: list[NDArray[np.float64]] = [np.zeros(12)]
        self._changes_per_bar: float | None = None

    @property
    def n_rows(self) -> int:
        return len(self._rows)

    def reset(self, settings: JamSettings) -> None:
        self.rewind(0)
        self._changes_per_bar = settings.density

    def form(self, bars: int | None) -> None:
        """It plans no further than it sees."""

    def rewind(self, n_rows: int) -> None:
        del self._rows[n_rows:], self._recent[n_rows + 1 :], self._key[n_rows + 1 :]

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        for row, place in zip(rows, places, strict=True):
            per_bar = place.meter.frames_per_bar
            recent = self._recent[-1] * 0.5 ** (1 / (_RECENT_BARS * per_bar))
            key = self._key[-1] * 0.5 ** (1 / (_KEY_BARS * per_bar))
            if (pitch := row.melody.pitch) is not None:
                # What falls on a beat tells more of the harmony than what passes between.
                weight = 1.0 + 0.5 * place.strength
                recent[pitch % 12] += weight
                key[pitch % 12] += 1.0
            self._rows.append(row)
            self._recent.append(recent)
            self._key.append(key)

    def _may_change(self, place: Place) -> bool:
        wanted = self._changes_per_bar
        if wanted is None or wanted == 2.0:
            return place.strength >= 2
        if wanted > 2.0:
            return place.strength >= 1
        return place.strength == 3 and (wanted == 1.0 or place.bar % 2 == 0)

    def chord_logits(
        self, place: Place, forbidden: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        logits = np.full(N_CHORD_CLASSES, _NEVER, dtype=np.float32)
        before = self._rows[-1].chord if self._rows else NO_CHORD
        chord = before.chord
        if forbidden is not None and chord is not None and forbidden[onset_class(chord)]:
            before = NO_CHORD  # it has to go, so another comes in as the first one did
        logits[HOLD] = 0.0
        recent, key = self._recent[-1], self._key[-1]
        if key.sum() == 0 or not (self._may_change(place) or before.chord is None):
            logits[CHORD_NONE] = -20.0
            return logits
        fit = self._fit(recent, key)
        if forbidden is not None:
            fit = self._allowed(fit, recent, key, forbidden)
        usable = fit > _NEVER
        if before.chord is not None:
            current = onset_class(before.chord)
            logits[HOLD] = (fit[current] if usable[current] else 0.0) + 0.5
            usable[current] = False
        logits[usable] = fit[usable]
        if before.chord is None and place.strength == 0:
            logits[HOLD] = float(logits.max()) + 4.0  # come in on a beat
        elif before.chord is None:
            logits[HOLD] = float(logits.max()) - 4.0
        logits[CHORD_NONE] = float(logits.max()) - 12.0
        return logits

    @staticmethod
    def _fit(recent: NDArray[np.float64], key: NDArray[np.float64]) -> NDArray[np.float32]:
        """How well each chord class fits; _NEVER outside the key's triads."""
        fit = np.full(N_CHORD_CLASSES, _NEVER, dtype=np.float32)
        tonic, minor = best_key([float(w) for w in key])
        share = recent / max(recent.sum(), 1e-9)
        for degree, quality, usual in _MINOR_TRIADS if minor else _MAJOR_TRIADS:
            class_ = (
                CHORD_FIRST + (tonic + degree) % 12 * len(QUALITY_NAMES) + QUALITY_INDEX[quality]
            )
            fit[class_] = 8.0 * float(_CHORD_TONES[class_] @ share) + usual
        return fit

    @staticmethod
    def _allowed(
        fit: NDArray[np.float32],
        recent: NDArray[np.float64],
        key: NDArray[np.float64],
        forbidden: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """The fit of what is allowed: the key's triads, or where fewer than two of them are left
        every chord, the better the more of the notes it has and the more of the key.
        """
        fit = np.where(forbidden, _NEVER, fit)
        if np.count_nonzero(fit > _NEVER) >= 2:
            return fit
        tonic, minor = best_key([float(w) for w in key])
        scale = np.isin(np.arange(12), sorted((pc + tonic) % 12 for pc in scale_of(minor)))
        sizes = _CHORD_TONES.sum(1)
        any_fit = 8.0 * _CHORD_TONES @ (recent / max(recent.sum(), 1e-9)) - 0.8 * (sizes - 3)
        any_fit -= 2.0 * _CHORD_TONES @ ~scale
        any_fit[:CHORD_FIRST] = _NEVER
        return np.where(forbidden, _NEVER, any_fit).astype(np.float32)

    def melody_logits(self, place: Place, chord: ChordState) -> NDArray[np.float32]:
        logits = np.full(N_MELODY_CLASSES, _NEVER, dtype=np.float32)
        now = self._rows[-1].melody if self._rows else MelodyState()
        a_bar_ago = len(self._rows) - place.meter.frames_per_bar
        expected = self._rows[a_bar_ago].melody if a_bar_ago >= 0 else MelodyState()
        logits[HOLD] = 0.0
        logits[MELODY_REST] = -6.0
        if expected.pitch is None and now.pitch is not None:
            logits[MELODY_REST] = 4.0
        centre = now.pitch if now.pitch is not None else expected.pitch
        if centre is None:
            return logits
        centre = fold_pitch(centre)
        pitches = np.arange(max(centre - 7, LOWEST_PITCH), min(centre + 8, 109))
        key = self._key[-1] / max(self._key[-1].sum(), 1e-9)
        scores = -0.35 * np.abs(pitches - centre) + 6.0 * key[pitches % 12]
        if chord.chord is not None:
            scores += np.isin(pitches % 12, chord.chord.pitch_classes)
        scores -= np.log(np.exp(scores).sum())
        onset = 3.0 if expected.onset else -4.0
        logits[pitches - LOWEST_PITCH + MELODY_FIRST] = scores + onset
        return logits

    def foreseen(self, places: Sequence[Place], lead_frames: int) -> NDArray[np.float64]:
        """What sounded until then goes on."""
        return self._recent[max(0, self.n_rows - lead_frames)]

    def harmonise(
        self, melody: Sequence[MelodyState], places: Sequence[Place], seed: int | None = None
    ) -> list[ChordState]:
        """The best-fitting triad of each bar's (or half bar's) own notes."""
        key = np.zeros(12)
        for state in melody:
            if state.pitch is not None:
                key[state.pitch % 12] += 1
        chords: list[ChordState] = []
        start = 0
        for frame in range(1, len(melody) + 1):
            if frame < len(melody) and places[frame].strength < 2:
                continue
            notes = np.zeros(12)
            for state in melody[start:frame]:
                if state.pitch is not None:
                    notes[state.pitch % 12] += 1
            before = chords[-1] if chords else NO_CHORD
            if notes.sum() > 0:
                fit = self._fit(notes, key)
                if before.chord is not None:
                    fit[onset_class(before.chord)] += 0.5
                state_here = chord_state(int(np.argmax(fit)), before)
                if state_here.chord == before.chord:
                    state_here = ChordState(before.chord, False)
            else:
                state_here = ChordState(before.chord, False)
            chords.append(state_here)
            chords.extend([ChordState(state_here.chord, False)] * (frame - start - 1))
            start = frame
        return chords


class ScriptedPredictor(RuleBasedPredictor):
    """Plays a given list of chord states whatever the player does, and expects a given melody.

    For tests and demonstrations; after the script's end it holds.
    """

    name = "script"

    def __init__(
        self, chords: Sequence[ChordState], melody: Sequence[MelodyState] | None = None
    ) -> None:
        super().__init__()
        self._chords, self._melody = list(chords), list(melody or [])

    def chord_logits(
        self, place: Place, forbidden: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        logits = np.full(N_CHORD_CLASSES, _NEVER, dtype=np.float32)
        if self.n_rows >= len(self._chords):
            logits[HOLD] = 0.0
            return logits
        state = self._chords[self.n_rows]
        if state.onset and state.chord is not None:
            logits[onset_class(state.chord)] = 0.0
        else:
            logits[HOLD if state.chord is not None else CHORD_NONE] = 0.0
        return logits

    def melody_logits(self, place: Place, chord: ChordState) -> NDArray[np.float32]:
        logits = np.full(N_MELODY_CLASSES, _NEVER, dtype=np.float32)
        state = self._melody[self.n_rows] if self.n_rows < len(self._melody) else MelodyState()
        if state.pitch is None:
            logits[MELODY_REST] = 0.0
        else:
            class_ = MELODY_FIRST + state.pitch - LOWEST_PITCH if state.onset else HOLD
            logits[class_] = 0.0
        return logits
