"""Chords for gaps by the offline network, which knows the melody and the chords on both sides.

The network writes from left to right, so it knows no chord behind a gap. Of every proposal several
ways through the gap are drawn, and one of them is chosen by how likely the chords that stay are
after it. By Bayes' rule such choices follow p(gap | melody, chords before and after), the better
the more ways there are (sampling importance resampling: Rubin 1988).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jam.agent.rewriting import WHOLLY, Filling, Gap, Progress
from jam.music.rows import CHORD_FIRST, CHORD_NONE, HOLD, N_CHORD_CLASSES, ChordState
from models.decoding.decoder import remember, shared_features
from models.decoding.harmoniser import OfflineDecoder
from models.decoding.infiller import MIN_SHARE, opened_frames, written_chords
from models.decoding.rules import Decoding, without
from models.decoding.spectral import Floats
from models.network import vocab
from models.network.gaps import Bools
from models.network.vocab import Ints

BEFORE_BARS, HEARD_BARS, AFTER_BARS = 16, 8, 2
"""So many bars before a gap are read, so many of the melody after it, so many of the chords."""
WAYS, MOST_WAYS = 8, 64
"""Ways through a gap for every proposal, and in all."""
_BAR_FRAMES, _STRENGTH = (vocab.PLACE_FEATURES.index(name) for name in ("bar_frames", "strength"))


@dataclass(frozen=True, slots=True)
class Music:
    """What is known around a gap, (T,); places (T, 6). What stands in the gap is not looked at."""

    pitch: Ints
    onset: Ints
    chord: Ints
    chord_onset: Ints
    places: Ints
    style: int = 0
    density: int = 0


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways through a gap, (B, T) from the frame `first` on."""

    first: int
    chord: Ints
    onset: Ints
    log_probability: NDArray[np.float64]
    """Of every frame's chord, given the melody and the chords before it."""


Choose = Callable[[Floats, Ints, int], Ints]
"""(logits (B, N_CHORD_CLASSES), chords before (B,), frame) to classes (B,)."""


class Reharmoniser:
    """Draws chords for gaps in them."""

    def __init__(self, net: OfflineDecoder, rules: Decoding) -> None:
        self.net = net
        self._rules = replace(rules, min_share=max(rules.min_share, MIN_SHARE))

    def fill(self, gap: Gap, n: int, seed: int, progress: Progress | None = None) -> list[Filling]:
        """As `jam.agent.rewriting.Rewriter`; the gap is one of chords alone."""
        where = np.flatnonzero(gap.chord_open)
        if not len(where):
            return []
        first, stop = int(where[0]), int(where[-1]) + 1
        music, low = _around(gap, first, stop)
        span = np.array(gap.chord_open)[low : low + len(music.pitch)]
        rng = np.random.default_rng((seed & (2**63 - 1), 19))
        each = max(1, min(WAYS, MOST_WAYS // n))
        opened = opened_frames(rng, span, music.places, gap.share, n, 1).repeat(each, 0)
        ways = self.ways(music, opened, self._drawing(gap, music, rng), progress)
        inside = opened[:, ways.first : ways.first + ways.chord.shape[1]]
        stays = (ways.log_probability * ~inside).sum(1).reshape(n, each)
        drawn = (ways.log_probability * inside).sum(1).reshape(n, each)
        total = _log_mean(stays.reshape(1, -1) if gap.share >= WHOLLY else stays)
        order = np.argsort(-(stays + rng.gumbel(size=stays.shape)), 1)
        found: list[Filling] = []
        lines = set[bytes]()
        for i, logs in enumerate(np.broadcast_to(total, n).tolist()):
            rows = [i * each + int(way) for way in order[i]]
            # Another one than those before, where there is any.
            row = next((r for r in rows if ways.chord[r].tobytes() not in lines), rows[0])
            lines.add(ways.chord[row].tobytes())
            way = row - i * each
            # How likely what stays is in all was counted with few ways: nothing is sure by it.
            likelihood = min(0.0, drawn[i, way] + stays[i, way] - logs)
            chord, onset = music.chord.copy(), music.chord_onset.copy()
            there = slice(ways.first, ways.first + ways.chord.shape[1])
            chord[there], onset[there] = ways.chord[row], ways.onset[row]
            chords = list(gap.chords)
            written_chords(chords, chord, onset, low, span)
            found.append(Filling(gap.melody, tuple(chords), float(likelihood / inside[row].sum())))
        return sorted(found, key=lambda filling: -filling.likelihood)

    def ways(
        self, music: Music, opened: Bools, choose: Choose, progress: Progress | None = None
    ) -> Ways:
        """Ways on from the first open frame; opened: (B, T), the frames that are drawn."""
        b, n = opened.shape
        where = np.flatnonzero(opened.any(0))
        first = int(where[0])
        shared = shared_features(music.places, music.style, music.density)
        encoded = self.net.encode(music.pitch[None], music.onset[None], shared[None])[0]
        bar = int(music.places[where[-1], _BAR_FRAMES])
        last = min(n, int(where[-1]) + 1 + AFTER_BARS * bar)
        trunk = self.net.for_batch(1, max(1, first))
        known = np.stack([music.pitch, music.onset, music.chord, music.chord_onset], 1)[:first]
        memory = trunk.read(known, shared[:first], encoded[:first]).repeat(b, 0)
        branches = trunk.branching(b, last - first)
        found = Ways(
            first,
            np.zeros((b, last - first), np.int64),
            np.zeros((b, last - first), np.int64),
            np.zeros((b, last - first)),
        )
        before = np.full(b, music.chord[first - 1] if first else 0)
        for t in range(first, last):
            if progress is not None:
                progress(t - first, last - first)
            here = np.broadcast_to(shared[t], (b, shared.shape[1]))
            heard = np.broadcast_to(encoded[t], (b, encoded.shape[1]))
            logits = branches.chord_logits(memory, here, heard)
            stays = np.full(b, music.chord[t]), np.full(b, music.chord_onset[t])
            class_ = vocab.chord_targets(*stays, before)
            exact = logits.astype(np.float64)
            exact -= np.logaddexp.reduce(exact, 1, keepdims=True)
            if opened[:, t].any():
                class_ = np.where(opened[:, t], choose(logits, before, t), class_)
            index = np.where(class_ == HOLD, before, np.where(class_ == CHORD_NONE, 0, class_ - 1))
            onset = (class_ >= CHORD_FIRST).astype(np.int64)
            found.chord[:, t - first], found.onset[:, t - first] = index, onset
            found.log_probability[:, t - first] = exact[np.arange(b), class_]
            sung = np.full(b, music.pitch[t]), np.full(b, music.onset[t])
            memory, before = remember(memory, *sung, index, onset), index
        return found

    def _drawing(self, gap: Gap, music: Music, rng: np.random.Generator) -> Choose:
        forbidden = np.zeros(N_CHORD_CLASSES, bool)
        if gap.allowed is not None:
            allowed = [vocab.chord_index(ChordState(chord, True)) + 1 for chord in gap.allowed]
            forbidden[CHORD_FIRST:] = True
            forbidden[allowed] = False

        def choose(logits: Floats, before: Ints, t: int) -> Ints:
            strength = np.full(len(logits), music.places[t, _STRENGTH])
            found = self._rules.applied(logits.copy(), strength)
            if gap.allowed is not None:
                found = without(found, forbidden)
                found[(before > 0) & forbidden[before + 1], HOLD] = -1e9
            if gap.temperature <= 0:
                return found.argmax(1)
            return (found / gap.temperature + rng.gumbel(size=found.shape)).argmax(1)

        return choose


def _around(gap: Gap, first: int, stop: int) -> tuple[Music, int]:
    """What is read for a gap from frame `first` to `stop`, and which frame is its first."""
    columns = vocab.place_features(gap.places)
    places = np.stack([columns[name] for name in vocab.PLACE_FEATURES], 1)
    places[:, vocab.PLACE_FEATURES.index("bar_in_form")] = [place.bar for place in gap.places]
    bar = int(places[first, _BAR_FRAMES])
    cut = slice(max(0, first - BEFORE_BARS * bar), stop + HEARD_BARS * bar)
    pitch, onset = vocab.melody_arrays(gap.melody[cut])
    chord, chord_onset = vocab.chord_arrays(gap.chords[cut])
    music = Music(
        pitch,
        vocab.with_changes(pitch, onset),
        chord,
        chord_onset,
        places[cut],
        vocab.style_index(gap.style),
        vocab.density_index(gap.density),
    )
    return music, cut.start


def _log_mean(logs: Floats) -> Floats:
    """Of the numbers with these logarithms, over the last axis."""
    found: Floats = np.logaddexp.reduce(logs, -1) - np.log(logs.shape[-1])
    return found
