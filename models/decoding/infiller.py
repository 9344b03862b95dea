"""The infilling network with numpy alone, and the drawing of what fills a gap.

Chords are drawn where they may change, on beats, from the strong ones to the weak ones; then the
melody from left to right, eighths before what lies between them. Each is given all that is known by
then; between beats a chord goes on.
Frames outside of the gap know of it what the first pass shows them; a pass then computes no more
than the gap itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.agent.rewriting import Filling, Gap, Progress
from jam.music.key import scale_of
from jam.music.rows import ChordState, MelodyState
from models.decoding import spectral
from models.decoding.decoder import feed_forward, normed
from models.decoding.spectral import Floats, Weights
from models.network import gaps, vocab
from models.network.config import NetConfig, encoder_slopes
from models.network.gaps import Bools, Gaps
from models.network.vocab import Ints
from models.predictor import one_thread

AROUND_BARS = 9
"""So many bars before and after a gap are taken into account: as far as the network is told."""
MIN_SHARE = 0.1
"""What is less likely than so much of the likeliest is never drawn: a network that is drawn from as
it is errs now and then."""
STEPS_BETWEEN = 4
"""So many steps draw the melody's frames between eighths."""
_STRENGTH, _FRAME_IN_BEAT, _BEAT_FRAMES, _BAR_FRAMES = (
    vocab.PLACE_FEATURES.index(name)
    for name in ("strength", "frame_in_beat", "beat_frames", "bar_frames")
)
_NEVER = np.float32(-1e9)


class Infiller:
    """The network: logits of the open frames of B pieces of music of one length."""

    def __init__(self, config: NetConfig, weights: Weights) -> None:
        self.config = config
        self.layers = [spectral.layer(config, weights, f"blocks.{i}") for i in range(config.layers)]
        names = ("here", *(f"there.{lag}" for lag in vocab.LAGS))
        self._tables = spectral.together([spectral.tables(config, weights, name) for name in names])
        norm = spectral.gain(weights, "norm")
        self.chord_out = spectral.head(weights, "chord_out", config.width, norm, 1)
        self.melody_out = spectral.head(weights, "melody_out", config.width, norm, 1)
        here = tuple(vocab.GAP_FEATURES) + vocab.PLACE_FEATURES + vocab.CONDITION_FEATURES
        there = [f"{lag}.{name}" for lag in vocab.LAGS for name in vocab.GAP_FEATURES]
        self._names = (*here, *there)

    def embedded(self, shown: Gaps, rows: Ints | None = None) -> Floats:
        """(B, T, D) of frames `rows` (None: all), in the basis of frequencies."""
        found = gaps.features(shown)
        b, n = shown.pitch.shape
        columns = [np.broadcast_to(found[name], (b, n)) for name in self._names]
        table = np.stack(columns if rows is None else [c[:, rows] for c in columns], -1)
        return np.stack([self._tables(one) for one in table])

    def _bias(self, queries: Ints, n: int) -> Floats:
        """(heads, queries, n): half of the heads look back, the others ahead."""
        ahead = (np.arange(n)[None, :] - queries[:, None]).astype(np.float32)
        half = []
        for side in (-ahead, ahead):
            for reach in encoder_slopes(self.config.heads):
                half.append(np.where(side >= 0, -np.float32(reach) * side, np.float32(-1e30)))
        return np.stack(half)

    def read(self, shown: Gaps) -> Reading:
        """All frames, as they are now."""
        b, n = shown.pitch.shape
        x = self.embedded(shown).reshape(b * n, -1)
        everywhere = np.arange(n)
        bias = self._bias(everywhere, n)
        keys = []
        for layer in self.layers:
            q, k, v = self._heads(normed(x), layer, b)
            keys.append(np.stack([k, v]))
            x = self._after(x, q, k, v, bias, layer)
        return Reading(np.stack(keys), x.reshape(b, n, -1))

    def again(self, reading: Reading, shown: Gaps, rows: Ints) -> Floats:
        """(B, len(rows), D) of frames `rows` as they are now; the others are as they were read."""
        b, n = shown.pitch.shape
        x = self.embedded(shown, rows).reshape(b * len(rows), -1)
        bias = self._bias(rows, n)
        for layer, kept in zip(self.layers, reading.keys, strict=True):
            q, k, v = self._heads(normed(x), layer, b)
            kept[0][:, :, rows], kept[1][:, :, rows] = k, v
            x = self._after(x, q, kept[0], kept[1], bias, layer)
        return x.reshape(b, len(rows), -1)

    def _heads(self, x: Floats, layer: spectral.Layer, b: int) -> tuple[Floats, Floats, Floats]:
        """Queries, keys and values, each (B, heads, T, size)."""
        heads = self.config.heads
        qkv = layer.qkv(x).take(layer.to_heads, axis=1)
        parts = qkv.reshape(b, -1, 3, heads, qkv.shape[1] // (3 * heads)).transpose(2, 0, 3, 1, 4)
        return parts[0], parts[1], parts[2]

    def _after(
        self, x: Floats, q: Floats, k: Floats, v: Floats, bias: Floats, layer: spectral.Layer
    ) -> Floats:
        """A layer's output, (B * T, D), of its input and attention's parts."""
        scores: Floats = q @ k.swapaxes(-1, -2)
        scores += bias
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        mixed: Floats = (scores @ v).transpose(0, 2, 1, 3).reshape(len(x), -1)
        after: Floats = x + layer.out(mixed.take(layer.from_heads, axis=1))
        after += feed_forward(after, layer, self.config.ffn * self.config.invariant)
        return after


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network made of all frames: keys and values of each layer, and what came out."""

    keys: Floats
    """(layers, 2, B, heads, T, size)"""
    out: Floats


def load_infiller(folder: Path | None = None) -> Infiller:
    """Of a folder of weights (None: those that are shipped). Raises BadInput."""
    one_thread()
    folder = folder or Path(__file__).parents[1] / "weights"
    config, weights, _ = spectral.load_weights(folder, "infilling")
    return Infiller(config, weights)


# Drawing


@dataclass(slots=True)
class _Canvas:
    """B fillings of one gap on their way. All (B, T) but places, (T, 6)."""

    shown: Gaps
    log_probability: NDArray[np.float64]
    """Of all that was drawn, (B,)."""
    n_drawn: NDArray[np.int64]


class InfillingRewriter:
    """The infilling network as a `jam.agent.rewriting.Rewriter`."""

    def __init__(self, net: Infiller) -> None:
        self.net = net

    def fill(self, gap: Gap, n: int, seed: int, progress: Progress | None = None) -> list[Filling]:
        pitch, onset = vocab.melody_arrays(gap.melody)
        chord, chord_onset = vocab.chord_arrays(gap.chords)
        columns = vocab.place_features(gap.places)
        places = np.stack([columns[name] for name in vocab.PLACE_FEATURES], 1)
        places[:, -1] = [place.bar for place in gap.places]
        opened = np.array(gap.melody_open) | np.array(gap.chord_open)
        if not opened.any():
            return []
        where = np.flatnonzero(opened)
        reach = AROUND_BARS * int(places[where[0], _BAR_FRAMES])
        low, high = max(0, int(where[0]) - reach), min(len(pitch), int(where[-1]) + 1 + reach)
        cut = slice(low, high)
        places = places[cut]
        span = np.array(gap.chord_open)[cut]
        melody_open = np.array(gap.melody_open)[cut]
        rng = np.random.default_rng((seed & (2**63 - 1), 17))
        middle = gaps.around(pitch[cut], ~melody_open)

        def each(values: Ints | Bools) -> NDArray[np.int64]:
            return np.repeat(values[None], n, 0).astype(np.int64)

        shown = Gaps(
            each(pitch[cut]),
            each(vocab.with_changes(pitch[cut], onset[cut])),
            each(chord[cut]),
            each(vocab.with_changes(chord[cut], chord_onset[cut])),
            np.broadcast_to(places, (n, *places.shape)),
            opened_frames(rng, melody_open, places, gap.share, n, 1),
            opened_frames(rng, span, places, gap.share, n, 2),
            np.repeat(span[None], n, 0),
            np.full(n, middle),
            vocab.style_index(gap.style),
            vocab.density_index(gap.density),
        )
        canvas = _Canvas(shown, np.zeros(n), np.zeros(n, np.int64))
        self._draw(canvas, gap, rng, progress)
        found = []
        for i in range(n):
            melody, chords = list(gap.melody), list(gap.chords)
            _write(melody, chords, shown, i, low, melody_open, span)
            likelihood = canvas.log_probability[i] / max(1, canvas.n_drawn[i])
            found.append(Filling(tuple(melody), tuple(chords), float(likelihood)))
        return sorted(found, key=lambda filling: -filling.likelihood)

    def _draw(
        self, canvas: _Canvas, gap: Gap, rng: np.random.Generator, progress: Progress | None
    ) -> None:
        shown = canvas.shown
        forbidden_chords, forbidden_notes = _forbidden(gap, int(shown.around[0]))
        steps = list(_steps(shown))
        rows = np.flatnonzero((shown.melody_open | shown.chord_open).any(0))
        reading = self.net.read(shown)
        for number, (part, frames) in enumerate(steps):
            if progress is not None:
                progress(number, len(steps))
            hidden = reading.out[:, rows] if not number else self.net.again(reading, shown, rows)
            at = np.searchsorted(rows, frames)
            there = normed(hidden[:, at].reshape(-1, hidden.shape[-1]))
            head = self.net.chord_out if part == "chords" else self.net.melody_out
            logits = head(there).reshape(len(hidden), len(frames), -1)
            forbidden = forbidden_chords if part == "chords" else forbidden_notes
            for i, t in enumerate(frames.tolist()):
                _draw_frame(canvas, part, t, logits[:, i], forbidden, gap.temperature, rng)


def opened_frames(
    rng: np.random.Generator, span: Bools, places: Ints, share: float, n: int, strength: int
) -> Bools:
    """Which frames of a span are drawn anew in each of n fillings: stretches from one place of
    this strength to the next, so many of them as `share` says, one at least."""
    found = np.repeat(span[None], n, 0)
    if share >= 1 or not span.any():
        return found
    stretch = np.cumsum(places[:, _STRENGTH] >= strength)
    there = np.unique(stretch[span])
    for i in range(n):
        chosen = rng.choice(there, max(1, round(share * len(there))), replace=False)
        found[i] &= np.isin(stretch, chosen)
    return found


def _steps(shown: Gaps) -> list[tuple[str, Ints]]:
    """(part, frames) in the order in which they are drawn."""
    places = shown.places[0]
    strength, rest = places[:, _STRENGTH], places[:, _FRAME_IN_BEAT]
    between = rest % 2 == 1  # of beats of 4 frames, and of 6
    chords: Bools = np.logical_or.reduce(shown.chord_open, 0)
    melody: Bools = np.logical_or.reduce(shown.melody_open, 0)
    begins = chords & ~np.concatenate([[False], chords[:-1]])
    strength = np.where(begins, np.maximum(strength, 1), strength)
    found: list[tuple[str, Ints]] = []
    for level in (3, 2, 1):
        for t in np.flatnonzero(chords & (strength == level)).tolist():
            found.append(("chords", np.array([t])))
    for t in np.flatnonzero(melody & ~between).tolist():
        found.append(("melody", np.array([t])))
    for i in range(STEPS_BETWEEN):
        if len(frames := np.flatnonzero(melody & between)[i::STEPS_BETWEEN]):
            found.append(("melody", frames))
    return found


def _forbidden(gap: Gap, middle: int) -> tuple[Bools, Bools]:
    """The classes of chords and of melody that may not be drawn."""
    classes = np.arange(gaps.N_CHORD_STATES)
    index, _ = gaps.chords_of(classes)
    chords = np.zeros(len(classes), bool)
    if gap.allowed is not None:
        allowed = {vocab.chord_index(ChordState(chord, True)) for chord in gap.allowed}
        chords = (index > 0) & ~np.isin(index, list(allowed))
    notes = np.zeros(gaps.N_MELODY_STATES, bool)
    if gap.scale is not None:
        tonic, minor = gap.scale
        scale = [(tonic + degree) % 12 for degree in scale_of(minor)]
        pitch, _ = gaps.melody_of(np.arange(gaps.N_MELODY_STATES), middle)
        notes = (pitch > 0) & ~np.isin(pitch % 12, scale)
    return chords, notes


def _draw_frame(
    canvas: _Canvas,
    part: str,
    t: int,
    logits: Floats,
    forbidden: Bools,
    temperature: float,
    rng: np.random.Generator,
) -> None:
    """Draw frame t of every filling in which it is open; what sounds on goes on as it is known."""
    shown = canvas.shown
    if part == "chords":
        value, onset, open_ = shown.chord, shown.chord_onset, shown.chord_open
        of_class, onset_of_class = gaps.chords_of(np.arange(logits.shape[-1]))
    else:
        value, onset, open_ = shown.pitch, shown.onset, shown.melody_open
        of_class, onset_of_class = gaps.melody_of(np.arange(logits.shape[-1]), shown.around[0])
    span = shown.chord_span
    goes_on = (of_class > 0) & (onset_of_class == 0)
    n = value.shape[1]
    noise = rng.gumbel(size=logits.shape)
    for i in np.flatnonzero(open_[:, t]).tolist():
        allowed = ~forbidden
        if t == 0:
            allowed = allowed & ~goes_on
        elif not open_[i, t - 1]:
            allowed = allowed & ~(goes_on & (of_class != value[i, t - 1]))
        elif part == "melody" and t > 1 and not open_[i, t - 2]:  # the eighth before
            allowed = allowed & ~(goes_on & (of_class != value[i, t - 2]))
        end = _end(part, t, open_[i], shown.places[i])
        if end < n and not open_[i, end] and value[i, end] and not onset[i, end]:
            outside = part == "chords" and span[i, t] and not span[i, end]
            if not outside:
                allowed = allowed & (of_class == value[i, end])
        if not allowed.any():
            allowed = ~forbidden
        scaled = np.where(allowed, logits[i].astype(np.float64), -np.inf)
        top = scaled.max()
        log_total = top + np.log(np.exp(scaled - top).sum())
        likely = np.where(scaled < top + np.log(MIN_SHARE), -np.inf, scaled)
        warm = likely / max(temperature, 1e-3)
        class_ = int(np.argmax(warm + (noise[i] if temperature > 0 else 0)))
        canvas.log_probability[i] += scaled[class_] - log_total
        canvas.n_drawn[i] += 1
        value[i, t], onset[i, t] = of_class[class_], onset_of_class[class_]
        value[i, t + 1 : end], onset[i, t + 1 : end] = value[i, t], 0
        open_[i, t:end] = False


def _end(part: str, t: int, open_: Bools, places: Ints) -> int:
    """The first frame that isn't drawn with frame t: of chords the next beat, or what is known."""
    end = t + 1
    while part == "chords" and end < len(open_) and open_[end] and not places[end, _STRENGTH]:
        end += 1
    return end


def _write(
    melody: list[MelodyState],
    chords: list[ChordState],
    shown: Gaps,
    i: int,
    low: int,
    melody_span: Bools,
    chord_span: Bools,
) -> None:
    """What was drawn, written over what was; the first chord after the span begins if it is
    another one than the last of it."""
    for t in np.flatnonzero(melody_span).tolist():
        pitch, before = int(shown.pitch[i, t]), melody[low + t - 1] if low + t else MelodyState()
        begins = bool(shown.onset[i, t]) or before.pitch != pitch
        melody[low + t] = MelodyState(pitch, begins) if pitch else MelodyState()
    written_chords(chords, shown.chord[i], shown.chord_onset[i], low, chord_span)


def written_chords(
    chords: list[ChordState], chord: Ints, onset: Ints, low: int, span: Bools
) -> None:
    """Chords (n,) from frame `low` on, written where `span` says; what sounds after the span begins
    there if it is another one than the last of it."""
    for t in np.flatnonzero(span).tolist():
        index, before = int(chord[t]), chords[low + t - 1] if low + t else ChordState()
        if not index:
            chords[low + t] = ChordState()
            continue
        new = vocab.chord_of_index(index)
        chords[low + t] = ChordState(new, bool(onset[t]) or before.chord != new)
    behind = (np.flatnonzero(span & ~np.append(span[1:], False)) + 1 + low).tolist()
    for t in behind:
        after = chords[t] if t < len(chords) else ChordState()
        if after.chord is not None and after.chord != chords[t - 1].chord:
            chords[t] = ChordState(after.chord, True)
