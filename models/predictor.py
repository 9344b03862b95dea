"""The shipped networks behind the protocol `jam.agent.anticipation.Predictor`."""

from __future__ import annotations

import ctypes
import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.agent.improviser import Improviser, RuleImproviser
from jam.agent.predictor import Logits, Mask
from jam.errors import BadInput
from jam.music.grid import Place
from jam.music.rows import (
    HIGHEST_PITCH,
    HOLD,
    LOWEST_PITCH,
    MELODY_FIRST,
    MELODY_REST,
    NO_CHORD,
    ChordState,
    MelodyState,
    Row,
    chord_state,
)
from jam.settings import JamSettings
from models.decoding import spectral
from models.decoding.decoder import (
    CHORD,
    INTERVAL,
    LAST_PITCH,
    MELODY_AGE,
    MELODY_ONSET,
    PIECE,
    PITCH,
    shared_features,
)
from models.decoding.harmoniser import OfflineDecoder, harmonies, song_harmony
from models.decoding.memory import NO_MEMORY, Memory, features, place_features, remembered
from models.decoding.mixture import Mixture, load_mixture
from models.decoding.rules import Decoding, without
from models.decoding.spectral import Floats
from models.improviser import load_improviser
from models.network import recall, vocab
from models.network.recall import Recall
from models.network.style import StyleListener, counted, load_listener, nearest_mixture
from models.network.vocab import Ints

_log = logging.getLogger(__name__)
FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")
KEPT, MOST_LEAD = 64, 32
"""Newest positions whose hidden vectors are kept, and how far back what was foreseen is asked."""
REMEMBERED = 0.4
"""What came then weighs so much at least beside what the network expects. Of 0, 0.4, 1 and 2 what
brings the chord that fits best nearest to what was sung from two beats ahead on."""
LEAST_FAR = 3
"""Class of agreement over the longest window from which on a melody is taken to come again."""
STYLE_ROWS = 512
"""Of so many newest rows the style is heard."""
LEAST_READ, ROUNDED = 512, 256
"""So many rows of a history are read at least: what lies before a short context echoes in it.
Rounded, so that two agents that are told a history at about the same time begin with one row."""


class NeuralPredictor:
    """The online network for one session. Not thread-safe.

    Row after row is computed by the same operations in the same order, whether it is history or
    plan, so the logits are the same, bit for bit, however the rows came to be held. Attention
    sees the newest `context` rows. A history of more than `PIECE` rows that is fed at once (the
    style was changed, the agent is new) is read instead, which moves the logits by a few
    millionths; of one longer than `context` (and LEAST_READ) only the newest are.
    """

    def __init__(
        self,
        mixture: Mixture,
        offline: OfflineDecoder | None,
        offline_rules: Decoding,
        name: str = "neural",
        load_improviser: Callable[[], Improviser] = RuleImproviser,
        listener: StyleListener | None = None,
    ) -> None:
        self.name = name
        self._listener = listener
        self._load_improviser = load_improviser
        self._improviser: Improviser | None = None
        self._mixture = mixture
        self._adventurous = JamSettings().adventurous
        self._online, self._rules = mixture.decoder(self._adventurous)
        self._offline = offline
        self._offline_rules = offline_rules
        self._style = self._density = 0
        self._memories: list[Memory] = [NO_MEMORY]
        """Number t holds what is remembered before row t."""
        self._places: list[tuple[int, ...]] = []
        """Of each row, and of the next where its position has been computed."""
        self._styles: list[int] = []
        """What is heard of the style (`models.network.style`), as far as `_places`; where none is
        set."""
        self._hidden: Floats | None = None
        """Of position n_rows, where it has been computed already."""
        self._hidden_before: dict[int, Floats] = {}
        """Of the newest positions, by number."""
        self._recall = Recall()
        self._copies: Ints | None = None
        """What position n_rows may copy from the places of the past that are like it, (1, places,
        2)."""
        self._alike: list[recall.Spot] | None = None
        """The same as spots, where they were asked for."""

    @property
    def n_rows(self) -> int:
        return len(self._memories) - 1

    @property
    def _looks_back(self) -> bool:
        """Whether it asks what came at like places of the past."""
        return self._online.config.recall or self._online.config.copies

    def improviser(self) -> Improviser:
        """Who makes up the agent's own melodies; loaded when it is first asked for."""
        if self._improviser is None:
            self._improviser = self._load_improviser()
        return self._improviser

    def reset(self, settings: JamSettings) -> None:
        self._style = vocab.style_index(settings.style)
        self._density = vocab.density_index(settings.density)
        if self._mixture.varied and settings.adventurous != self._adventurous:
            self._adventurous = settings.adventurous
            self._online, self._rules = self._mixture.decoder(settings.adventurous)
        self._forget(0)
        self._online.stack.clear()

    def form(self, bars: int | None) -> None:
        self._recall.form(bars)
        self._copies = self._alike = None
        if self._online.config.recall:
            self._hidden = None
            self._read()

    def rewind(self, n_rows: int) -> None:
        if not 0 <= n_rows <= self.n_rows:
            raise ValueError(f"cannot rewind to row {n_rows} of {self.n_rows}")
        if n_rows == self.n_rows:
            return
        self._forget(n_rows)
        if not self._online.stack.rewind(n_rows):
            self._read()

    def _forget(self, n_rows: int) -> None:
        del self._memories[n_rows + 1 :], self._places[n_rows:], self._styles[n_rows:]
        self._hidden = self._copies = self._alike = None
        self._hidden_before = {t: h for t, h in self._hidden_before.items() if t < n_rows}
        self._recall.rewind(n_rows)

    def _read(self) -> None:
        """All of the rows held, or the newest of them: a second's worth would stall the music.
        Those from which something may be foreseen are computed one after another."""
        n = self.n_rows
        start = max(0, n - max(self._online.config.context, LEAST_READ)) // ROUNDED * ROUNDED
        self._online.stack.clear(start)
        end = max(start, n - MOST_LEAD) if self._online.config.ahead else n
        if start < end:
            rows = np.array([self._features(t) for t in range(start, end)])
            if self._online.config.recall:
                found = self._recall.find(start, np.array(self._places[start:end]))
                before = np.array([m[CHORD] for m in self._memories[start:end]])
                chord, onset = self._recall.chords.T
                there, event, _ = recall.recalled(found, chord, onset, before)
                columns = recall.feature_columns(found, there, event)
                rows = np.concatenate([rows, columns.reshape(end - start, -1)], 1)
            self._online.stack.read(self._online.past(rows))
        for t in range(end, n):
            self._computed(t)

    def _features(self, t: int) -> tuple[int, ...]:
        *place, bar = self._places[t]
        there = (*place, bar % vocab.BARS_IN_FORM)
        return features(self._memories[t]) + there + (self._style_at(t), self._density)

    def _style_at(self, t: int) -> int:
        """The condition of row t: the style that is set or, where any is, what is heard: anew on
        every bar line."""
        if self._style or self._listener is None:
            return self._style
        for row in range(len(self._styles), t + 1):
            if row and not self._places[row][FRAME_IN_BAR]:
                self._styles.append(self._heard_style(self._listener, row))
            else:
                self._styles.append(self._styles[-1] if row else 0)
        return self._styles[t]

    def _heard_style(self, listener: StyleListener, n_rows: int) -> int:
        start = max(0, n_rows - STYLE_ROWS)
        rows = np.array(self._memories[start + 1 : n_rows + 1])
        pitch, onset, interval, age = rows[:, (PITCH, MELODY_ONSET, INTERVAL, MELODY_AGE)].T
        counts = counted(pitch, onset, interval, age, np.array(self._places[start:n_rows]))
        return nearest_mixture(listener.shares(counts))

    def _position(self, place: Place) -> Floats:
        """The hidden vector of position n_rows, computed once for each place, (1, D)."""
        t = self.n_rows
        there = place_features(place)
        if self._hidden is not None:
            if there == self._places[t]:
                return self._hidden
            if not self._online.stack.rewind(t):
                self._read()
        self._places[t:] = [there]
        del self._styles[t:]
        self._copies = self._alike = None
        self._hidden = self._computed(t)
        return self._hidden

    def _computed(self, t: int) -> Floats:
        """Position t, whose rows before the stack holds, (1, D)."""
        row = np.array((self._features(t),))
        if self._online.config.recall:
            found = self._recall.find(t, np.array((self._places[t],)))
            chord, onset = self._recall.chords.T
            before = np.array([self._memories[t][CHORD]])
            then, event, self._copies = recall.recalled(found, chord, onset, before)
            columns = recall.feature_columns(found, then, event)
            row = np.concatenate([row, columns.reshape(1, -1)], 1)
        hidden = self._hidden_before[t] = self._online.position(row)
        self._hidden_before.pop(t - KEPT, None)
        return hidden

    def foreseen(self, places: Sequence[Place], lead_frames: int) -> NDArray[np.float64]:
        self._position(places[0])
        t = max(0, self.n_rows - min(lead_frames, MOST_LEAD))
        if t not in self._hidden_before:  # so many rows were taken back
            if not self._online.stack.rewind(t):
                self._read()
            for row in range(self._online.stack.n, self.n_rows + 1):
                self._hidden = self._computed(row)
        shares = self._online.foreseen(self._hidden_before[t])[0]
        beats = (self.n_rows - t + np.arange(len(places))) // places[0].meter.frames_per_beat
        sounding = np.zeros(12)
        if len(shares):
            sounding += shares[np.minimum(beats, len(shares) - 1)].sum(0)
        return sounding + self.sang_then(places)

    def _append(self, row: Row, place: tuple[int, ...]) -> None:
        memory = remembered(self._memories[-1], row)
        self._memories.append(memory)
        self._hidden = None
        if self._looks_back:
            pitch, last, _, age, onset, chord, _, chord_onset = memory
            line, code = recall.line_of_row(pitch, onset, age, last)
            self._recall.extend(
                np.array([line]), np.array([code]), np.array([place]),
                np.array([[chord, chord_onset]]),
            )  # fmt: skip

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        n_before = self.n_rows
        reads = len(rows) > PIECE
        for row, place in zip(rows, places, strict=True):
            if not reads:
                self._position(place)
            self._append(row, place_features(place))
        if reads:
            self._places[n_before:] = map(place_features, places)
            del self._styles[n_before:]
            self._read()

    def chord_logits(self, place: Place, forbidden: Mask | None = None) -> Logits:
        hidden = self._position(place)
        if self._copies is None and self._online.config.copies:
            # Only now: where the chord is fixed, nobody asks.
            before = self._memories[-1][CHORD]
            copies = recall.copies_of(self._spots(place), self._recall.chords, before)
            self._copies = np.array((copies,))
        logits = self._online.chord_logits(hidden, self._copies)
        if forbidden is not None:
            logits = without(logits, forbidden)
        return self._rules.applied(logits, np.array([place.strength]))[0]

    def melody_logits(self, place: Place, chord: ChordState) -> Logits:
        hidden = self._position(place)
        memory = self._memories[-1]
        index = vocab.chord_index(chord)
        onset = int(index != 0 and (chord.onset or index != memory[CHORD]))
        last = np.array([memory[LAST_PITCH]])
        logits = self._online.melody_logits(hidden, np.array([[index, onset]]), last)[0]
        copied, trust = self._sang_there(place)
        if trust:
            logits = logits - np.logaddexp.reduce(logits) + np.float32(math.log(1 - trust))
            logits[copied] = np.logaddexp(logits[copied], np.float32(math.log(trust)))
        return logits

    def _sang_there(self, place: Place) -> tuple[int, float]:
        """The class with which the melody goes on as it did at a like place, and how far that is
        trusted; 0 where there is no such place or it can't go on so."""
        found = HOLD, 0.0
        if not any(self._rules.trust_in_melody) or not self._looks_back:
            return found
        now, last, *_ = self._memories[-1]
        for spot in self._spots(place):
            trust = self._trust(spot)
            if trust <= found[1]:
                continue
            then, _, _, _, onset, *_ = self._memories[spot.frame + 1]
            last_then = self._memories[spot.frame][LAST_PITCH]
            up = last - last_then if last and last_then else spot.turn
            pitch = then and then + spot.turn + 12 * round((up - spot.turn) / 12)
            if not pitch:
                found = MELODY_REST if now else HOLD, trust
            elif not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
                continue
            elif onset:
                found = MELODY_FIRST + pitch - LOWEST_PITCH, trust
            elif now == pitch:
                found = HOLD, trust
        return found

    def _spots(self, place: Place) -> list[recall.Spot]:
        """The places of the past that are like position n_rows, looked up once."""
        if self._alike is None:
            self._alike = self._recall.spots(place_features(place))
        return self._alike

    def sang_then(self, places: Sequence[Place]) -> NDArray[np.float64]:
        """What the melody did from the place on that is most like this one, (12,), weighed by how
        it is to be trusted beside what is foreseen of as many frames."""
        if not self._looks_back:
            return np.zeros(12)
        alike = self._spots(places[0])[0]
        if alike.frame < 0:
            return np.zeros(12)
        trust = self._trust(alike)
        weight = max(REMEMBERED, trust / (1 - trust))
        sang = np.array(self._recall.sang_from(alike.frame, alike.turn, len(places)), np.float64)
        found: NDArray[np.float64] = sang * (weight * len(places) / max(1.0, sang.sum()))
        return found

    def _trust(self, spot: recall.Spot) -> float:
        """How far the melody is expected to go on as it did there."""
        if not spot.match:
            return 0.0
        near, far = divmod(spot.match - 1, vocab.N_AGREEMENTS)
        return self._rules.trust_in_melody[near] if far >= LEAST_FAR else 0.0

    def harmonise(
        self, melody: Sequence[MelodyState], places: Sequence[Place], seed: int | None = None
    ) -> list[ChordState]:
        if not melody:
            return []
        if self._offline is None:
            raise BadInput("no offline network is loaded")
        pitch, onset = vocab.melody_arrays(melody)
        columns = vocab.place_features(places)
        table = np.stack([columns[name] for name in vocab.PLACE_FEATURES], 1)
        table[:, -1] = [place.bar for place in places]
        rules, conditions = self._offline_rules, (self._style, self._density)
        if seed is not None and pitch.any():
            chords, onsets = song_harmony(
                self._offline, pitch, onset, table, conditions, rules, seed
            )
        else:
            shared = shared_features(table, *conditions)[None]
            found = harmonies(self._offline, pitch[None], onset[None], shared, rules, 1.0, [0])
            chords, onsets = found.chord[0], found.onset[0]
        states: list[ChordState] = []
        for index, starts in zip(chords, onsets, strict=True):
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
    folder = folder_of(weights_dir)
    return NeuralPredictor(
        *load_networks(folder),
        load_improviser=improviser_loader(folder),
        listener=load_listener(folder),
    )


def load_networks(
    weights_dir: Path | str | None = None,
) -> tuple[Mixture, OfflineDecoder, Decoding]:
    """What a `NeuralPredictor` is made of. Raises BadInput, as `load_predictor`."""
    folder = folder_of(weights_dir)
    one_thread()
    mixture = load_mixture(folder)
    off_config, off_weights, off_settings = spectral.load_weights(folder, "offline")
    off_rules = Decoding.from_dict(off_settings.get("decoding", {}), f"{folder / 'offline.json'}")
    return mixture, OfflineDecoder(off_config, off_weights), off_rules


def improviser_loader(weights_dir: Path | str | None = None) -> Callable[[], Improviser]:
    """Loads what improvises, when it is needed."""
    return partial(_improviser_of, folder_of(weights_dir))


def folder_of(weights_dir: Path | str | None) -> Path:
    """None: the weights that are shipped."""
    return Path(weights_dir) if weights_dir is not None else Path(__file__).parent / "weights"


def _improviser_of(folder: Path) -> Improviser:
    """That of a folder of weights; weights made before there was one improvise by rule."""
    try:
        return (
            load_improviser(folder) if (folder / "improviser.json").exists() else RuleImproviser()
        )
    except BadInput as error:  # chords are more than solos: they go on
        _log.warning("melodies are improvised by rule: %s", error)
        return RuleImproviser()
