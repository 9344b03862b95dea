"""The shipped networks behind the protocol `jam.anticipation.Predictor`."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jam.anticipation import Logits
from jam.errors import BadInput
from jam.grid import Place
from jam.rows import NO_CHORD, ChordState, MelodyState, Row, chord_state
from jam.settings import JamSettings
from models import spread, vocab
from models.decode import (
    CHORD,
    LAST_PITCH,
    N_MEMORY,
    Ints,
    OnlineDecoder,
    no_memory,
    remember,
    shared_features,
)
from models.decoding import Decoding
from models.harmonise import OfflineDecoder, harmonies
from models.spread import Floats


class NeuralPredictor:
    """The online network for one session. Not thread-safe.

    Row after row is computed by the same operations in the same order, whether it is history or
    plan, so the logits are the same, bit for bit, however the rows came to be held. Two things
    are bounded: attention sees the newest `context` rows, and a history of more than twice that
    which is fed at once begins with its newest `context` rows.
    """

    def __init__(
        self, online: OnlineDecoder, rules: Decoding, offline: OfflineDecoder | None,
        offline_rules: Decoding, name: str = "neural",
    ) -> None:  # fmt: skip
        self.name = name
        self._online = online
        self._rules = rules
        self._offline = offline
        self._offline_rules = offline_rules
        self._style = self._density = 0
        self._n_rows = 0
        self._memories: Ints = np.zeros((1025, N_MEMORY), np.int64)
        self._memories[0] = no_memory(1)[0]
        """Number t holds what is remembered before row t."""
        self._shared: Ints = np.zeros((1025, 8), np.int64)
        self._hidden: Floats | None = None
        """Of position n_rows, where it has been computed already."""

    @property
    def n_rows(self) -> int:
        return self._n_rows

    def reset(self, settings: JamSettings) -> None:
        self._style = vocab.style_index(settings.style)
        self._density = vocab.density_index(settings.density)
        self._n_rows = 0
        self._hidden = None
        self._online.stack.clear()

    def rewind(self, n_rows: int) -> None:
        if not 0 <= n_rows <= self._n_rows:
            raise ValueError(f"cannot rewind to row {n_rows} of {self._n_rows}")
        if n_rows == self._n_rows:
            return
        self._n_rows = n_rows
        self._hidden = None
        if not self._online.stack.rewind(n_rows):
            self._compute_again()

    def _compute_again(self) -> None:
        """After a leap back beyond what the cache has kept: the newest context once more."""
        start = max(0, self._n_rows - self._online.config.context)
        self._online.stack.clear(start)
        for t in range(start, self._n_rows):
            self._online.hidden(self._memories[t : t + 1], self._shared[t : t + 1])

    def _position(self, place: Place) -> Floats:
        """The hidden vector of position n_rows, computed once for each place, (1, D)."""
        t = self._n_rows
        shared = self._features(place)
        if self._hidden is not None:
            if np.array_equal(shared, self._shared[t]):
                return self._hidden
            if not self._online.stack.rewind(t):
                self._compute_again()
        self._shared[t] = shared
        self._hidden = self._online.hidden(self._memories[t : t + 1], shared[None])
        return self._hidden

    def _features(self, place: Place) -> Ints:
        meter = place.meter
        return np.array(
            (
                place.frame_in_bar, meter.frames_per_bar, meter.frames_per_beat,
                place.frame_in_bar % meter.frames_per_beat, place.strength,
                place.bar % vocab.BARS_IN_FORM, self._style, self._density,
            ),
            np.int64,
        )  # fmt: skip

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        context = self._online.config.context
        skipped = len(rows) - context if not self._n_rows and len(rows) > 2 * context else 0
        if skipped:
            self._hidden = None
            self._online.stack.clear(skipped)
        for i, (row, place) in enumerate(zip(rows, places, strict=True)):
            if i >= skipped:
                self._position(place)
            else:
                self._shared[self._n_rows] = self._features(place)
            self._append(row)

    def _append(self, row: Row) -> None:
        t = self._n_rows
        if t + 2 > len(self._memories):
            self._memories = np.concatenate([self._memories, np.zeros_like(self._memories)])
            self._shared = np.concatenate([self._shared, np.zeros_like(self._shared)])
        pitch, onset = vocab.melody_arrays([row.melody])
        chord, chord_onset = vocab.chord_arrays([row.chord])
        # Whatever changes, starts; but what a held state holds is known only to `remember`.
        onset[0], chord_onset[0] = int(row.melody.onset), int(row.chord.onset)
        self._memories[t + 1] = remember(
            self._memories[t : t + 1], pitch, onset, chord, chord_onset
        )[0]
        self._n_rows = t + 1
        self._hidden = None

    def chord_logits(self, place: Place) -> Logits:
        logits = self._online.chord_logits(self._position(place))
        return self._rules.applied(logits, np.array([place.strength]))[0]

    def melody_logits(self, place: Place, chord: ChordState) -> Logits:
        t = self._n_rows
        hidden = self._position(place)
        index = vocab.chord_index(chord)
        onset = int(index != 0 and (chord.onset or index != self._memories[t, CHORD]))
        last = self._memories[t : t + 1, LAST_PITCH]
        return self._online.melody_logits(hidden, np.array([index]), np.array([onset]), last)[0]

    def harmonise(self, melody: Sequence[MelodyState], places: Sequence[Place]) -> list[ChordState]:
        if not melody:
            return []
        if self._offline is None:
            raise BadInput("no offline network is loaded")
        pitch, onset = vocab.melody_arrays(melody)
        columns = vocab.place_features(places)
        table = np.stack([columns[name] for name in vocab.PLACE_FEATURES], 1)
        rules = self._offline_rules
        chords, onsets = harmonies(
            self._offline, pitch[None], onset[None],
            shared_features(table, self._style, self._density)[None],
            rules, rules.temperature, [0],
        )  # fmt: skip
        states: list[ChordState] = []
        for index, starts in zip(chords[0], onsets[0], strict=True):
            before = states[-1] if states else NO_CHORD
            class_ = 1 + int(index) if starts else (1 if index == 0 else 0)
            states.append(chord_state(class_, before))
        return states


def one_thread() -> None:
    """Keep numpy's OpenBLAS on one thread: a second one disturbs the sound more than it helps."""
    for library in (Path(np.__file__).parent.parent / "numpy.libs").glob("libscipy_openblas*"):
        try:
            ctypes.CDLL(str(library)).scipy_openblas_set_num_threads64_(1)
        except (OSError, AttributeError):
            return


def load_predictor(weights_dir: Path | str | None = None) -> NeuralPredictor:
    """The predictor of a folder of weights (None: those that are shipped).

    Raises BadInput for weights that are missing, broken, of another shape, or whose JSON has an
    unknown key. Nothing in the files is executed: numbers are safetensors, the rest is JSON.
    """
    folder = Path(weights_dir) if weights_dir is not None else Path(__file__).parent / "weights"
    one_thread()
    config, weights, settings = spread.load_weights(folder, "online")
    rules = Decoding.from_dict(settings.get("decoding", {}), f"{folder / 'online.json'}")
    off_config, off_weights, off_settings = spread.load_weights(folder, "offline")
    off_rules = Decoding.from_dict(off_settings.get("decoding", {}), f"{folder / 'offline.json'}")
    return NeuralPredictor(
        OnlineDecoder(config, weights), rules, OfflineDecoder(off_config, off_weights), off_rules
    )
