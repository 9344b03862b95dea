"""What a chord earns, frame by frame: pure functions of what was played.

Rule penalties are those of ReaLchords (arXiv 2506.14723, appendix D): silence, chords held too
long, the same chord struck again and again. Ours besides: a fit to the melody from which chance
is taken off, so that big chords gain nothing by being big; changes of chord where the metre
wants them and moves from chord to chord as common as musicians' (both draw rates to the truth's
and are at rest there); chords that return when the melody returns.

All arrays are (B, T): B jams of T frames; places (B, T, 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jam.settings import STYLES
from models.data.phrases import held_notes, phrase_ends
from models.evaluation.metrics import COLUMN
from models.network import vocab
from models.network.chords import CHORD_TONES, CLASHES, QUALITY, ROOT, THIRD, leads_home
from models.network.vocab import Ints

if TYPE_CHECKING:
    from models.data.piece import Piece

Rewards = NDArray[np.float32]

SILENCE_BUDGET, SILENCE_GRACE = 0.04, 8
TRIAD_CHANCE = 3 / 12
LONG_BEATS, MOST_STRIKES = 8, 4
FORM_BARS = (4, 8, 16)
CHORD_SIZES: NDArray[np.float32] = CHORD_TONES.sum(1).astype(np.float32)
N_STRENGTHS = 4
N_MOVES = 1 + 12 * vocab.N_QUALITIES**2


@dataclass(frozen=True, slots=True)
class Played:
    """Melodies with the chords of a policy, or with their own."""

    pitch: Ints
    onset: Ints
    chord: Ints
    chord_onset: Ints
    places: Ints
    weight: Rewards
    """1 where a frame counts, 0 where it only fills up."""
    style: Ints
    """(B,): what the pieces are, whether the network is told or not."""

    def of(self, name: str) -> Ints:
        """A column of the places."""
        return self.places[..., COLUMN[name]]

    def before(self) -> Ints:
        """The chord that sounds in the frame before; 0 at the start."""
        return np.concatenate([np.zeros_like(self.chord[:, :1]), self.chord[:, :-1]], 1)

    def changes(self) -> NDArray[np.bool_]:
        """Where a chord begins that is another than the one in the frame before."""
        found: NDArray[np.bool_] = (
            (self.chord != self.before()) & (self.chord > 0) & (self.weight > 0)
        )
        return found


def played_of(pieces: Sequence[Piece], frames: int) -> Played:
    """Pieces with their own chords, filled up to so many frames."""

    def padded(name: str) -> Ints:
        return np.stack([np.pad(getattr(p, name), (0, frames - p.n_frames)) for p in pieces])

    places = np.stack([np.pad(p.places, ((0, frames - p.n_frames), (0, 0))) for p in pieces])
    weight = np.stack([np.arange(frames) < p.n_frames for p in pieces]).astype(np.float32)
    return Played(
        padded("pitch"), padded("onset"), padded("chord"), padded("chord_onset"), places, weight,
        np.array([p.style for p in pieces]),
    )  # fmt: skip


def fit(played: Played) -> Rewards:
    """1 where the melody's note is in the chord, less the chance of that for such a size.

    A note without any chord counts as one outside of a triad.
    """
    inside = CHORD_TONES[played.chord, played.pitch % 12]
    earned = np.where(played.chord > 0, inside - CHORD_SIZES[played.chord] / 12, -TRIAD_CHANCE)
    return np.where((played.pitch > 0) & (played.weight > 0), earned, 0).astype(np.float32)


def _held(played: Played) -> NDArray[np.bool_]:
    return held_notes(played.pitch, played.onset, played.of("beat_frames")) & (played.weight > 0)


def clash(played: Played) -> Rewards:
    """-1 in the frames of a held note a semitone above a tone of the chord, where it is not the
    minor ninth of a dominant."""
    found = _held(played) & CLASHES[played.chord, played.pitch % 12]
    return -found.astype(np.float32)


def silence(played: Played) -> Rewards:
    """-1 where the melody sounds without a chord, once such frames are over 4 % of its frames.

    The first 8 frames are free.
    """
    sung = (played.pitch > 0) & (played.weight > 0)
    sung[:, :SILENCE_GRACE] = False
    silent = sung & (played.chord == 0)
    over = np.cumsum(silent, 1) > SILENCE_BUDGET * sung.sum(1, keepdims=True)
    return -(silent & over).astype(np.float32)


def too_long(played: Played) -> Rewards:
    """-1 in every frame of a chord beyond its eighth beat."""
    n = played.chord.shape[1]
    age = vocab.ages(played.chord, played.chord_onset, n + 1)
    long = (played.chord > 0) & (age >= LONG_BEATS * played.of("beat_frames"))
    return -(long & (played.weight > 0)).astype(np.float32)


def struck_again(played: Played) -> Rewards:
    """-1 at every stroke of a chord that has been struck 4 times running already."""
    found = np.zeros(played.chord.shape, np.float32)
    for i, (chords, onsets) in enumerate(zip(played.chord, played.chord_onset, strict=True)):
        frames = np.flatnonzero(onsets)
        before, times = 0, 0
        for frame in frames:
            times = times + 1 if chords[frame] == before else 1
            before = int(chords[frame])
            found[i, frame] = -1.0 if times > MOST_STRIKES else 0.0
    return found


def came_then(played: Played) -> list[Ints]:
    """For 4, 8 and 16 bars, and for the newest bar with this melody: the chord that sounded so
    long before each frame, (B, T).

    -1 where the melody of the frame's bar is not that of the bar then.
    """
    found = [np.full(played.chord.shape, -1) for _ in range(1 + len(FORM_BARS))]
    for i in range(len(played.chord)):
        n = int(played.weight[i].sum())
        lines = np.flatnonzero(played.of("frame_in_bar")[i, :n] == 0)
        ends = np.append(lines[1:], n)
        pitch, chord, onset = played.pitch[i], played.chord[i], played.onset[i]
        newest: dict[tuple[bytes, bytes], slice] = {}
        for b in range(len(lines)):
            now = slice(lines[b], ends[b])
            melody = (pitch[now].tobytes(), onset[now].tobytes())
            if melody in newest and pitch[now].any():
                found[-1][i, now] = chord[newest[melody]]
            newest[melody] = now
        for then_chord, bars in zip(found, FORM_BARS, strict=False):
            for b in range(bars, len(lines)):
                now, then = slice(lines[b], ends[b]), slice(lines[b - bars], ends[b - bars])
                same = now.stop - now.start == then.stop - then.start
                if same and pitch[now].any() and (pitch[now] == pitch[then]).all():
                    then_chord[i, now] = chord[then]
    return found


def returns(played: Played) -> Rewards:
    """1 in the frames of a bar whose melody came before, where the chord sounds that sounded then
    (the mean over the times of `came_then`)."""
    then = came_then(played)
    total = sum(((t == played.chord) & (played.chord > 0)).astype(np.float32) for t in then)
    times = sum((t >= 0).astype(np.float32) for t in then)
    return np.asarray(total / np.maximum(times, 1), np.float32)


@dataclass(frozen=True, slots=True)
class Cadences:
    """Where musicians close a phrase from V to I: the chords of the close, (B, T)."""

    root: Ints
    """Of V until the phrase ends and of I for a beat from there; -1 elsewhere."""
    third: Ints
    end: NDArray[np.bool_]
    """Where I is reached."""


def cadences(true: Played) -> Cadences:
    """Of musicians' chords: V for at most a bar before the phrase ends, then I."""
    shape = true.chord.shape
    found = Cadences(np.full(shape, -1), np.zeros(shape, np.int64), np.zeros(shape, bool))
    for i, chords in enumerate(true.chord):
        n = int(true.weight[i].sum())
        for end in phrase_ends(true.onset[i, :n], true.places[i, :n]):
            bar, beat = (int(true.of(n)[i, end]) for n in ("bar_frames", "beat_frames"))
            last = int(chords[end])
            start = end
            while start > 0 and chords[start - 1] == last:
                start -= 1
            five = int(chords[start - 1]) if start else 0
            if not (five and last and leads_home(five, last)):
                continue
            begin = start
            while begin > max(0, start - bar) and chords[begin - 1] == five:
                begin -= 1
            for span, chord in ((slice(begin, start), five), (slice(start, end + beat), last)):
                found.root[i, span], found.third[i, span] = ROOT[chord], THIRD[chord]
            found.end[i, end] = True
    return found


def _as_wanted(chord: Ints, root: Ints, third: Ints) -> NDArray[np.bool_]:
    """Chords with this root and no other third."""
    same = (ROOT[chord] == root) & (root >= 0)
    return same & ((THIRD[chord] == third) | (THIRD[chord] == 0) | (third == 0))


def cadence(played: Played, cadences: Cadences) -> Rewards:
    """1 in the frames of a close in which the chord is the musicians', by root and third."""
    return _as_wanted(played.chord, cadences.root, cadences.third).astype(np.float32)


@cache
def move_table() -> Ints:
    """(N_CHORDS, N_CHORDS), from chord to chord: root's interval and both qualities, as one
    number; 0 where there is no chord before or after."""
    chord = np.arange(vocab.N_CHORDS)
    root, quality = np.divmod(chord - 1, vocab.N_QUALITIES)
    interval = (root - root[:, None]) % 12
    index = 1 + (interval * vocab.N_QUALITIES + quality[:, None]) * vocab.N_QUALITIES + quality
    return np.where((chord[:, None] > 0) & (chord > 0), index, 0)


def moves(played: Played) -> tuple[NDArray[np.bool_], Ints]:
    """(where a chord gives way to another, which move that is)."""
    changed = played.changes() & (played.before() > 0)
    return changed, np.where(changed, move_table()[played.before(), played.chord], 0)


@dataclass(frozen=True, slots=True)
class Habits:
    """How often chords change at each metric strength, and by which moves; counts that fade."""

    frames: NDArray[np.float64]
    """(4,) frames of each strength."""
    changes: NDArray[np.float64]
    """(4,) changes at each strength."""
    moves: NDArray[np.float64]
    """(N_MOVES,)."""
    qualities: NDArray[np.float64]
    """(styles, N_QUALITIES): frames in which each sounds in pieces of each style."""

    @classmethod
    def none(cls) -> Habits:
        return cls(
            np.zeros(N_STRENGTHS), np.zeros(N_STRENGTHS), np.zeros(N_MOVES),
            np.zeros((len(STYLES), vocab.N_QUALITIES)),
        )  # fmt: skip

    def and_of(self, played: Played, keep: float) -> Habits:
        """With what was played just now; what was before counts `keep` times as much."""
        strength, counted = played.of("strength"), played.weight > 0
        changed, move = moves(played)
        return Habits(
            keep * self.frames + np.bincount(strength[counted], minlength=N_STRENGTHS),
            keep * self.changes + np.bincount(strength[changed], minlength=N_STRENGTHS),
            keep * self.moves + np.bincount(move[changed], minlength=N_MOVES),
            keep * self.qualities + _quality_frames(played),
        )

    def rates(self) -> NDArray[np.float64]:
        """Changes a frame at each strength, a little smoothed."""
        smoothed: NDArray[np.float64] = (self.changes + 0.5) / (self.frames + 100)
        return smoothed


def _quality_frames(played: Played) -> NDArray[np.float64]:
    sounds = (played.chord > 0) & (played.weight > 0)
    kind = QUALITY[played.chord] + vocab.N_QUALITIES * played.style[:, None]
    size = len(STYLES) * vocab.N_QUALITIES
    return np.bincount(kind[sounds], minlength=size).reshape(len(STYLES), -1).astype(np.float64)


def value_of_quality(own: Habits, true: Habits) -> Rewards:
    """(styles, N_QUALITIES): log(a quality's share of musicians' frames in a style / of the
    policy's). The policy's together earn nothing."""
    both = (own.qualities + true.qualities).sum(0)
    prior = 400.0 * both / max(1.0, both.sum())

    def shares(habits: Habits) -> NDArray[np.float64]:
        found: NDArray[np.float64] = habits.qualities + prior + 1e-3
        return found / found.sum(1, keepdims=True)

    mine = shares(own)
    value = np.clip(np.log(shares(true) / mine), -2, 2)
    value -= (value * mine).sum(1, keepdims=True)
    return value.astype(np.float32)


def value_of_strength(own: Habits, true: Habits) -> Rewards:
    """(4,): log(how often musicians change chords there / how often the policy does)."""
    return np.clip(np.log(true.rates() / own.rates()), -2, 2).astype(np.float32)


def value_of_move(own: Habits, true: Habits) -> Rewards:
    """(N_MOVES,): log(a move's share in musicians' moves / its share in the policy's).

    The policy's moves together earn nothing, or it would do best not to move. Shares are smoothed
    with the mean of both, so that a move never seen is rare and not impossible.
    """
    both = (own.moves + true.moves) / max(1.0, (own.moves + true.moves).sum())
    prior = 50.0

    def shares(habits: Habits) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (habits.moves + prior * both) / (habits.moves.sum() + prior)
        return found + 1e-6

    value = np.clip(np.log(shares(true) / shares(own)), -3, 3)
    value -= (value * own.moves).sum() / max(1.0, own.moves.sum())
    value[0] = 0
    return value.astype(np.float32)


def on_time(played: Played, own: Habits, true: Habits) -> Rewards:
    """What changes of chord earn at their place in the metre; nothing once both are alike."""
    values = value_of_strength(own, true)[played.of("strength")]
    return np.where(played.changes(), values, 0).astype(np.float32)


def common_moves(played: Played, own: Habits, true: Habits) -> Rewards:
    """What moves from chord to chord earn; nothing once they are as common as musicians'."""
    changed, move = moves(played)
    return np.where(changed, value_of_move(own, true)[move], 0).astype(np.float32)


def in_style(played: Played, own: Habits, true: Habits) -> Rewards:
    """What a chord's quality earns in a piece of its style; nothing once all are as common as
    musicians'."""
    values = value_of_quality(own, true)[played.style[:, None], QUALITY[played.chord]]
    return np.where((played.chord > 0) & (played.weight > 0), values, 0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Gains:
    """What every chord would earn if it began at a frame, (B, T, N_CHORDS), and not only the one
    that was drawn. The melody doesn't depend on the chords, so all this is known."""

    lasting: Rewards
    """By sounding, over the frames to come; also of the chord that is held."""
    beginning: Rewards
    """By beginning here."""


EARNED_BY_ALL = ("fit", "clash", "returns", "cadence", "in_style", "on_time", "moves")


def gains_of_every_chord(
    played: Played,
    own: Habits,
    true: Habits,
    closes: Cadences,
    persistence: float,
    worth: Mapping[str, float],
) -> Gains:
    """worth: the weights of the rewards `EARNED_BY_ALL`. A chord is taken to last as chords do:
    each frame to come counts `persistence` times the one before it."""
    b, t = played.pitch.shape
    fit, returns = worth["fit"], worth["returns"]
    gain = (CHORD_TONES.T - CHORD_SIZES / 12).astype(np.float32)  # (12, N_CHORDS)
    gain = np.float32(fit) * np.concatenate([np.zeros((1, vocab.N_CHORDS), np.float32), gain])
    gain[1:, 0] = -fit * TRIAD_CHANCE
    held = gain.copy()
    held[1:] -= np.float32(worth["clash"]) * CLASHES.T
    gain = np.concatenate([gain, held])
    note = np.where((played.pitch > 0) & (played.weight > 0), 1 + played.pitch % 12, 0)
    note += 13 * _held(played)
    style = np.zeros((b, vocab.N_CHORDS), np.float32)
    style[:, 1:] = value_of_quality(own, true)[played.style][:, QUALITY[1:]]
    style *= np.float32(worth["in_style"])
    every = np.arange(vocab.N_CHORDS)
    then = came_then(played)
    times = np.maximum(sum((c >= 0).astype(np.float32) for c in then), 1)
    lasting = np.zeros((b, t, vocab.N_CHORDS), np.float32)
    ahead = np.zeros((b, vocab.N_CHORDS), np.float32)
    for frame in range(t - 1, -1, -1):
        ahead = gain[note[:, frame]] + np.float32(persistence) * ahead
        ahead += style * played.weight[:, frame, None]
        closing = np.flatnonzero(closes.root[:, frame] >= 0)
        if len(closing):
            wanted = (a[closing, frame, None] for a in (closes.root, closes.third))
            ahead[closing] += np.float32(worth["cadence"]) * _as_wanted(every, *wanted)
        for chords in then:
            back = np.flatnonzero(chords[:, frame] > 0)
            ahead[back, chords[back, frame]] += returns / times[back, frame]
        lasting[:, frame] = ahead
    before = played.before()
    value = np.float32(worth["moves"]) * value_of_move(own, true)
    beginning: Rewards = value[move_table()[before]]
    beginning += (
        np.float32(worth["on_time"])
        * value_of_strength(own, true)[played.of("strength")][..., None]
    )
    beginning[..., 0] = 0
    np.put_along_axis(beginning, before[..., None], 0, -1)
    return Gains(lasting, beginning)


def advantages(
    rewards: Rewards, values: Rewards, weight: Rewards, gamma: float, lambda_: float
) -> tuple[Rewards, Rewards]:
    """(advantages, returns) by generalised advantage estimation (Schulman et al. 2016).

    What comes after the last frame that counts is worth nothing.
    """
    b, t = rewards.shape
    found = np.zeros((b, t), np.float32)
    ahead, next_value = np.zeros(b, np.float32), np.zeros(b, np.float32)
    for frame in range(t - 1, -1, -1):
        counts = weight[:, frame]
        delta = rewards[:, frame] + gamma * next_value - values[:, frame]
        ahead = (delta + gamma * lambda_ * ahead) * counts
        found[:, frame] = ahead
        next_value = values[:, frame] * counts
    return found, found + values * weight
