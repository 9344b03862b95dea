"""The shipped improviser behind the protocol `jam.agent.improviser.Improviser`: numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jam.agent.improviser import SOLO_DICE, Bound, Wish
from jam.agent.predictor import gumbel_noise
from jam.music.grid import Place
from jam.music.rows import (
    HOLD,
    LOWEST_PITCH,
    MELODY_FIRST,
    MELODY_REST,
    N_MELODY_CLASSES,
    REST,
    ChordState,
    MelodyState,
    Row,
    melody_state,
)
from models.decoding import spectral
from models.decoding.decoder import LAST_PITCH, PIECE, MelodyDecoder
from models.decoding.memory import NO_MEMORY, features, place_features, remembered
from models.decoding.told import chords_to_come, note_density_class, register_class
from models.network import vocab
from models.network.vocab import Ints

READ, ROUNDED = 256, 128
"""So many frames of the past are read, in steps, so that the window rarely moves."""
_NUCLEUS = 0.95
"""Of the notes that may begin, the least likely beyond this share aren't played (Holtzman et al.
2020)."""
_PITCHES = np.arange(N_MELODY_CLASSES - MELODY_FIRST) + LOWEST_PITCH
_IMPOSSIBLE = np.float32(-1e9)
_ECHO_AT = sum(len(names) for names in list(vocab.TOLD.values())[: list(vocab.TOLD).index("echo")])
"""What is told before the echo."""
Position = tuple[int, ...]
"""The features of a position, in the order of the decoder."""


class NeuralImproviser:
    """The network with a cache along what was played. Not thread-safe.

    What a position is shown decides what it gives, so positions whose features are as they were
    stay in the cache, and only what differs is computed again.
    """

    def __init__(self, decoder: MelodyDecoder) -> None:
        self._decoder = decoder
        self._start = 0
        self._fed: list[Position] = []
        """What the positions from `_start` on that are in the cache were shown."""

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
        first, ahead = len(rows), len(chords)
        start = max(0, first - READ) // ROUNDED * ROUNDED
        if start != self._start:
            self._decoder.stack.clear(start)
            self._start, self._fed = start, []
        past = first - start
        own, memory = [features(NO_MEMORY)], NO_MEMORY
        for row in rows[start:]:
            memory = remembered(memory, row)
            own.append(features(memory))
        states = [row.chord for row in rows[start:]] + list(chords)
        chord, chord_onset = vocab.chord_arrays(states)
        told = self._told(chord, chord_onset, past, ahead, wish)
        lag = wish.echo_bars * places[start].meter.frames_per_bar if first + ahead else 0
        style = vocab.style_index(wish.style)

        def position(t: int) -> Position:
            *there, bar = place_features(places[start + t])
            echoes = t >= past and 0 < lag <= t
            echo = own[t - lag + 1][:3] if echoes else (0, 0, 0)
            shared = (*there, bar % vocab.BARS_IN_FORM, style, 0)
            return (*own[t], *shared, *told[t][:_ECHO_AT], *echo, *told[t][_ECHO_AT:])

        self._read([position(t) for t in range(past)])
        line: list[MelodyState] = []
        before = rows[-1].melody if rows else REST
        for i in range(ahead):
            t, state = past + i, given[i]
            if state is None:
                hidden = self._hidden(t, position(t))
                now = np.array([[chord[t], chord_onset[t]]])
                last = np.array([memory[LAST_PITCH]])
                logits = self._decoder.melody_logits(hidden, now, last)[0]
                noise = gumbel_noise(seed, first + i, SOLO_DICE, N_MELODY_CLASSES)
                class_ = chosen_class(logits, before, bounds[i], wish, noise)
                state = melody_state(class_, before)
            else:
                self._keep(t, position(t))
            line.append(state)
            memory = remembered(memory, Row(state, chords[i]))
            own.append(features(memory))
            before = state
        return line

    def _told(
        self, chord: Ints, onset: Ints, past: int, ahead: int, wish: Wish
    ) -> list[tuple[int, ...]]:
        """What is told of each frame, without the echo. What came after those that lie behind, is
        not told of them, so that what they are shown stays as it is."""
        n = past + ahead
        frames = np.arange(n)
        found = chords_to_come(chord, onset, np.where(frames < past, 0, n))
        asked = (frames >= past).astype(np.int64)
        density, pitch = wish.notes_a_beat, wish.mean_pitch
        found["asked.notes"] = asked * (0 if density is None else note_density_class(density))
        found["asked.register"] = asked * (0 if pitch is None else register_class(pitch))
        columns = [
            found[f"{kind}.{name}"].tolist()
            for kind, names in vocab.TOLD.items()
            if kind != "echo"
            for name in names
        ]
        return list(zip(*columns, strict=True))

    def _read(self, past: list[Position]) -> None:
        """Have the cache hold these positions and no others."""
        same = next(
            (i for i, (a, b) in enumerate(zip(self._fed, past, strict=False)) if a != b),
            min(len(self._fed), len(past)),
        )
        self._forget(same)
        new = past[len(self._fed) :]
        if len(new) > PIECE // 4:
            self._decoder.stack.read(self._decoder.past(np.array(new)))
        else:
            for row in new:
                self._decoder.stack.step(self._decoder.past(np.array([row])))
        self._fed += new

    def _keep(self, t: int, row: Position) -> None:
        """Have the cache hold position t, whose melody is known."""
        if t < len(self._fed) and self._fed[t] == row:
            return
        self._hidden(t, row)

    def _hidden(self, t: int, row: Position) -> spectral.Floats:
        """The hidden vector of position t, behind those that are in the cache."""
        self._forget(t)
        self._fed.append(row)
        return self._decoder.hidden(np.array([row]))

    def _forget(self, n: int) -> None:
        """Let go of the positions from n on, of those since `_start`."""
        if n < len(self._fed):
            del self._fed[n:]
            if not self._decoder.stack.rewind(self._start + n):
                self._decoder.stack.clear(self._start)
                kept, self._fed = self._fed, []
                self._read(kept)


def chosen_class(
    logits: spectral.Floats, before: MelodyState, bound: Bound, wish: Wish, noise: spectral.Floats
) -> int:
    """The class of a frame: within range and bounds, by the frame's own dice."""
    if bound.ends:
        return HOLD if before.pitch is None else MELODY_REST
    logits = logits.copy()
    outside = (wish.lowest > _PITCHES) | (wish.highest < _PITCHES)
    logits[MELODY_FIRST:][outside | bound.holds] = _IMPOSSIBLE
    if before.pitch is None or bound.begins:
        logits[MELODY_REST] = _IMPOSSIBLE
    if bound.begins:
        logits[HOLD] = _IMPOSSIBLE
    scaled = logits.astype(np.float64)
    scaled -= scaled.max()
    # Whether a note begins is left to the network as it is; which one is made surer: a rest that is
    # likelier at every frame than what isn't ruled out would never end.
    onsets = scaled[MELODY_FIRST:]
    total = np.logaddexp.reduce(onsets)
    onsets /= max(wish.temperature, 0.05)
    shares = np.exp(onsets - np.logaddexp.reduce(onsets))
    order = np.argsort(-shares)
    onsets[order[np.cumsum(shares[order]) - shares[order] >= _NUCLEUS]] = -np.inf
    onsets += total - np.logaddexp.reduce(onsets)
    return int(np.argmax(scaled + noise))


def load_improviser(folder: Path | None = None) -> NeuralImproviser:
    """The improviser of a folder of weights (None: the shipped ones). Raises BadInput."""
    folder = folder or Path(__file__).parent / "weights"
    config, weights, _ = spectral.load_weights(folder, "improviser")
    return NeuralImproviser(MelodyDecoder(config, weights))
