"""Where in the past the music was as it is now, and what came then.

A small network doesn't learn to copy by itself, so it is shown what it might copy. For every frame
three places of the past are looked up, each at the same place of its bar: the one whose last four
bars of melody are most like the present ones, in any key; and the better of those 4 and 8 bars
back, and of those 16 and 32 bars back, as songs are built. The network sees the chord that sounded
there, how well the melodies agree, and the notes that followed; it can also give a frame's chord
by copying (a pointer with a sentinel: Merity et al. 2017, "Pointer sentinel mixture models").

All of it is a function of the rows before the frame and of the frame's own place in the metre,
computed with whole numbers: in one go or row by row, it is the same. Agreement is counted on
pitch classes of the line as it is remembered: a note goes on in the mind for half a bar of rest,
so playing shorter or a little late costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.network import vocab
from models.network.chords import CHORD_TONES, turn_chords
from models.network.vocab import Ints

NEAR, FAR = (4, 8), (16, 32)
"""Bars back; of two that agree equally the first of them that is `USUAL`."""
MOST_BARS = 64
"""No place further back is looked for."""
WINDOWS = (16, 32, 64)
"""Frames over which agreement is counted; the newest count in all three."""
LEAST_AGREEMENT = 24
"""Of the sum over the windows: what is less alike is no place."""
OTHER_KEY_COSTS = 16
MIND = 8
"""Frames for which a note that has ended is still in mind."""
REST, NEUTRAL = 12, 13
FITS_FRAMES = 8
"""So far it is heard whether a chord fitted what the melody then did."""
AHEAD_BEATS = len(vocab.NOTES) - 1

_LAG_CLASSES = {1: 2, 2: 3, 4: 4, 8: 5, 12: 6, 16: 7, 32: 8}

_FRAME_IN_BAR, _BAR_FRAMES, _BEAT_FRAMES, _BAR = (
    vocab.PLACE_FEATURES.index(n)
    for n in ("frame_in_bar", "bar_frames", "beat_frames", "bar_in_form")
)


def _lag_class(bars: int) -> int:
    if bars in _LAG_CLASSES:
        return _LAG_CLASSES[bars]
    return 9 if bars % 8 == 0 else 10 if bars % 4 == 0 else 11 if bars % 2 == 0 else 12


_CLASS_OF_LAG: Ints = np.array([0] + [_lag_class(b) for b in range(1, MOST_BARS + 1)])
_LAGS = np.arange(1, MOST_BARS + 1)
_PREFERENCE: Ints = (
    (MOST_BARS - _LAGS)[:, None]
    + np.where(_LAGS % 8 == 0, 128, 0)[:, None]
    + np.where(_LAGS % 4 == 0, 64, 0)[:, None]
    + np.where(np.arange(12) == 0, 256, -512 * OTHER_KEY_COSTS)
)
"""(bars, semitones): what decides between places that agree equally well (512 is one frame)."""


@dataclass(frozen=True, slots=True)
class Found:
    """The places found for n frames, (n, 3), and the features that the melody alone decides."""

    frame: Ints
    """-1 where there is none."""
    turn: Ints
    """Semitones from then to now."""
    known: Ints
    """(n, 3, 6): match, distance and the four notes."""
    sang: Ints
    """(n, 3, 12): of the frames from each place on, how many had each pitch class, turned."""

    def arrays(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.frame, self.turn, self.known, self.sang

    def at(self, t: int) -> Found:
        """Of several sessions, (B, n, …), what was found for frame t: (B, …)."""
        return Found(*(a[:, t] for a in self.arrays()))


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of the past as `Found` has it, for one row alone."""

    frame: int = -1
    turn: int = 0
    match: int = 0
    distance: int = 0
    sang: tuple[int, ...] = (0,) * 12


NOWHERE = Spot()


class Recall:
    """The melody of one session and its agreement with its own past. It grows and rewinds."""

    def __init__(self) -> None:
        self.n = 0
        self.far = FAR
        """Bars back: as songs are built, or the length of the form that is known."""
        self._line: Ints = np.zeros(256, np.int64)
        """The pitch class in mind, or REST."""
        self._code: Ints = np.zeros(256, np.int64)
        self.chords: Ints = np.zeros((256, 2), np.int64)
        """Chord index and onset, for whom they are told."""
        self._where: Ints = np.zeros(256, np.int64)
        """Frame in the bar and the bar's length, as one number."""
        self._interval: NDArray[np.int8] = np.full((256, MOST_BARS), NEUTRAL, np.int8)
        """Semitones from so many bars before to each frame; REST where only one of the two has a
        note, NEUTRAL where there is nothing to compare."""
        self._starts: dict[int, int] = {}
        """Bar to the frame of its line."""
        self._lines: tuple[int, Ints] | None = None
        """A bar, and the frames of the lines of the bars before it, as `_then` has them."""
        self._looked_up: tuple[int, tuple[int, ...], Ints] | None = None
        """What was looked up last for one row: rows held, place, frames. A row is found where it
        is looked for before it comes."""

    def form(self, bars: int | None) -> None:
        """The form is so many bars long (None: not known): then the place of the chorus before, and
        the one before that, are what songs usually have far back."""
        known = bars is not None and bars <= MOST_BARS
        self.far = (bars, min(2 * bars, MOST_BARS)) if known and bars else FAR

    def rewind(self, n: int) -> None:
        """Forget the rows from number n on."""
        self.n = min(self.n, n)
        self._looked_up = self._lines = None
        while self._starts and self._starts[bar := next(reversed(self._starts))] >= n:
            del self._starts[bar]

    def extend(self, line: Ints, code: Ints, places: Ints, chords: Ints | None = None) -> None:
        """n rows more: the pitch class in mind (n,), the feature "melody" of `vocab` (n,), the
        places (n, 6) with bars counted on, and the chords (n, 2)."""
        first, end = self.n, self.n + len(line)
        while end > len(self._line):
            self._line, self._code = (np.concatenate([a, a]) for a in (self._line, self._code))
            self.chords = np.concatenate([self.chords, self.chords])
            self._where = np.concatenate([self._where, self._where])
            self._interval = np.concatenate([self._interval, self._interval])
        self._line[first:end], self._code[first:end] = line, code
        self._where[first:end] = _where(places)
        if chords is not None:
            self.chords[first:end] = chords
        for i, (bar, in_bar) in enumerate(places[:, (_BAR, _FRAME_IN_BAR)].tolist()):
            if bar not in self._starts:
                self._starts[bar] = first + i - in_bar
                self._lines = None
        self.n = end
        then = self._then(places)
        now, before = self._line[first:end, None], self._line[then]
        interval = np.where((now == REST) | (before == REST), REST, (now - before) % 12)
        neutral = (then < 0) | ((now == REST) & (before == REST))
        self._interval[first:end] = np.where(neutral, NEUTRAL, interval)

    def _then(self, places: Ints) -> Ints:
        """(n, MOST_BARS): the frame at the same place of its bar, so many bars before; or -1."""
        if len(places) == 1:
            return self._then_row(tuple(places[0].tolist()))[None]
        bars = places[:, _BAR]
        lowest, highest = int(bars.min()) - MOST_BARS, int(bars.max())
        starts = np.array([self._starts.get(b, -1) for b in range(lowest, highest)] or [-1])
        start = starts[bars[:, None] - _LAGS - lowest]
        return self._same_place(start, places[:, _FRAME_IN_BAR, None], _where(places)[:, None])

    def _then_row(self, place: tuple[int, ...]) -> Ints:
        """The same for one row, (MOST_BARS,)."""
        known = self._looked_up
        if known is not None and known[0] in (self.n, self.n - 1) and known[1] == place:
            return known[2]
        bar = place[_BAR]
        if self._lines is None or self._lines[0] != bar:
            lines = [self._starts.get(b, -1) for b in range(bar - 1, bar - 1 - MOST_BARS, -1)]
            self._lines = bar, np.array(lines)
        found = self._same_place(self._lines[1], place[_FRAME_IN_BAR], _where(place))
        self._looked_up = self.n, place, found
        return found

    def _same_place(self, line: Ints, in_bar: Ints | int, where: Ints) -> Ints:
        """The frames so far from bar lines, -1 where there is no such or it lies elsewhere."""
        frame = line + in_bar
        there = (line >= 0) & (frame < self.n)
        frame = np.where(there, frame, 0)
        return np.where(there & (self._where[frame] == where), frame, -1)

    def find(self, first: int, places: Ints) -> Found:
        """The places for the frames from `first` on, at `places` in the metre; all but the last
        of them are rows that are held."""
        m = len(places)
        then = self._then(places)
        # A row that is held already sees only what was before it.
        then = np.where(then < np.arange(first, first + m)[:, None], then, -1)
        n_lags = int(np.flatnonzero((then >= 0).any(0))[-1]) + 1 if (then >= 0).any() else 1
        then = then[:, :n_lags]
        agreed = self._agreed(first, m, n_lags)
        before = np.minimum(np.arange(first, first + m), np.array(WINDOWS)[:, None])
        compared = before[..., None] - agreed[..., NEUTRAL]
        total = agreed[..., :12].sum(0, dtype=np.int64)
        score = 512 * total + _PREFERENCE[:n_lags]
        score[then < 0] = -(2**40)
        best = score.reshape(m, -1).argmax(1)
        rows = np.arange(m)
        lag, turn = np.divmod(best, 12)
        none = (then[rows, lag] < 0) | (total[rows, lag, turn] < LEAST_AGREEMENT)
        lags = [np.where(none, -1, lag)]
        turns = [np.where(none, 0, turn)]
        for one, other in (NEAR[::-1], self.far):
            lags.append(_better(then, score[..., 0], one - 1, other - 1))
            turns.append(np.zeros(m, np.int64))
        lag, turn = np.stack(lags, 1), np.stack(turns, 1)
        has, at = lag >= 0, np.maximum(lag, 0)
        frame = np.where(has, then[rows[:, None], at], -1)
        hits = agreed[:, rows[:, None], at, turn]
        seen = compared[:, rows[:, None], at]
        share = np.where(
            4 * seen < np.array(WINDOWS)[:, None, None], 0,
            1 + (20 * hits >= np.array((5, 10, 15, 19))[:, None, None, None] * seen).sum(0),
        )  # fmt: skip
        known = np.empty((m, len(vocab.RECALL_SLOTS), 3 + AHEAD_BEATS), np.int64)
        known[..., 0] = np.where(has, 1 + 6 * share[0] + share[2], 0)
        known[..., 1] = np.where(has, np.where(turn > 0, 1, _CLASS_OF_LAG[at + 1]), 0)
        ends = np.arange(first, first + m)[:, None]
        known[..., 2:] = self._notes(frame, turn, places[:, _BEAT_FRAMES, None], ends)
        return Found(frame, turn, known, self._sang(frame, turn, ends))

    def spots(self, place: tuple[int, ...]) -> list[Spot]:
        """`find` for the row after the last, without the notes, in a third of the time."""
        n = self.n
        then = self._then_row(place)
        some = np.flatnonzero(then >= 0)
        if not len(some):
            return [NOWHERE] * len(vocab.RECALL_SLOTS)
        n_lags = int(some[-1]) + 1
        window = self._interval[max(0, n - WINDOWS[-1]) : n, :n_lags]
        index = window + _LANES[:n_lags]
        weight = _WEIGHTS[len(_WEIGHTS) - len(window) :, :n_lags]
        counts = np.bincount(index.ravel(), weight.ravel(), n_lags * (NEUTRAL + 1))
        agreed = counts.astype(np.int64).reshape(n_lags, NEUTRAL + 1)
        score = (agreed[:, :12] & 127) * 512 + _PREFERENCE[:n_lags]
        score[then[:n_lags] < 0] = -(2**40)
        lag, turn = divmod(int(score.argmax()), 12)

        def spot(lag: int, turn: int) -> Spot:
            counted, neutral = int(agreed[lag, turn]), int(agreed[lag, NEUTRAL])
            near, far = (
                _match_class((counted >> shift) & 127, min(n, w) - ((neutral >> shift) & 127), w)
                for shift, w in ((7, WINDOWS[0]), (21, WINDOWS[2]))
            )
            frame = int(then[lag])
            distance = 1 if turn else int(_CLASS_OF_LAG[lag + 1])
            sang = tuple(self.sang_from(frame, turn, FITS_FRAMES))
            return Spot(frame, turn, 1 + 6 * near + far, distance, sang)

        alike = (int(agreed[lag, turn]) & 127) >= LEAST_AGREEMENT and then[lag] >= 0
        found = [spot(lag, turn) if alike else NOWHERE]
        for one, other in (NEAR[::-1], self.far):
            lags = [lag for lag in (one - 1, other - 1) if lag < n_lags and then[lag] >= 0]
            best = max(lags, key=lambda lag: score[lag, 0] // 512, default=-1)
            found.append(NOWHERE if best < 0 else spot(best, 0))
        return found

    def sang_from(self, frame: int, turn: int, frames: int) -> list[int]:
        """In how many of so many frames each pitch class sounded, turned by semitones."""
        sang = [0] * 12
        for code in self._code[frame : min(frame + frames, self.n)].tolist():
            if code % 13:
                sang[(code % 13 - 1 + turn) % 12] += 1
        return sang

    def _notes(self, frame: Ints, turn: Ints, beat: Ints | int, end: Ints | int) -> Ints:
        """(n, 3, 4): the melody at the places and on the beats after, as far as it is known before
        `end`; beat and end (n, 1) or numbers."""
        there = frame[..., None] + np.arange(1 + AHEAD_BEATS) * np.asarray(beat)[..., None]
        heard = (frame >= 0)[..., None] & (there < np.asarray(end)[..., None])
        code = np.where(heard, self._code[np.where(heard, there, 0)], 0)
        return turned_code(code, turn[..., None])

    def _sang(self, frame: Ints, turn: Ints, end: Ints) -> Ints:
        """(n, 3, 12), see `Found`; end (n, 1): frames from there on are not known."""
        there = frame[..., None] + np.arange(FITS_FRAMES)
        heard = (frame >= 0)[..., None] & (there < end[..., None])
        note = np.where(heard, self._code[np.where(heard, there, 0)] % 13, 0)
        pitch_class = np.where(note > 0, (note - 1 + turn[..., None]) % 12, REST)
        found: Ints = (pitch_class[..., None] == np.arange(12)).sum(-2)
        return found

    def _agreed(self, first: int, m: int, n_lags: int) -> Ints:
        """(windows, m, n_lags, intervals): in so many frames of each window before each of m
        frames the melody lay so many semitones above that of so many bars before."""
        longest = WINDOWS[-1]
        interval = self._interval[max(0, first - longest) : first + m - 1, :n_lags]
        shape = (n_lags, NEUTRAL + 1)
        counts = np.zeros((longest + m, *shape), np.int16)
        one_hot = counts[len(counts) - len(interval) :]
        one_hot[...] = interval[..., None] == np.arange(NEUTRAL + 1, dtype=np.int8)
        np.cumsum(counts, 0, out=counts)
        ends = counts[longest:]
        return np.stack([ends - counts[longest - w : len(counts) - w] for w in WINDOWS])


_LANES = (NEUTRAL + 1) * np.arange(MOST_BARS, dtype=np.int16)
_WEIGHTS = np.zeros((WINDOWS[-1], MOST_BARS))
"""Of a frame so far back: it counts once in all windows together for each that it is in (the
lowest 7 bits), and once in each of them (7 bits each). Whole numbers, so sums are exact."""
for _i, _frames in enumerate(WINDOWS):
    _WEIGHTS[-_frames:] += 1 + 2 ** (7 * (_i + 1))


def _match_class(hits: int, seen: int, window: int) -> int:
    """How well two melodies agree: 0 where too little was there to compare."""
    if 4 * seen < window:
        return 0
    return 1 + sum(20 * hits >= share * seen for share in (5, 10, 15, 19))


def _where(place: Ints | tuple[int, ...]) -> Ints:
    """Places (…, 6) as one number each: frame in the bar and the bar's length."""
    there = np.asarray(place)
    found: Ints = there[..., _FRAME_IN_BAR] + 256 * there[..., _BAR_FRAMES]
    return found


def _better(then: Ints, score: Ints, one: int, other: int) -> Ints:
    """Of two distances (less 1) the one whose melody agrees better, the first if equal; or -1."""
    n_lags = then.shape[1]
    found = np.full(len(then), -1)
    best = np.full(len(then), -(2**39))
    for lag in (one, other):
        if lag < n_lags:
            agrees = score[:, lag] // 512
            better = (then[:, lag] >= 0) & (agrees > best)
            found, best = np.where(better, lag, found), np.where(better, agrees, best)
    return found


def turned_code(code: Ints, turn: Ints | int) -> Ints:
    """The feature "melody" of `vocab`, transposed."""
    onset, note = np.divmod(code, 13)
    return np.where(note > 0, 13 * onset + 1 + (note - 1 + turn) % 12, code)


def line_of_row(pitch: int, onset: int, age: int, last: int) -> tuple[int, int]:
    """`line_of` for one frame, from what is remembered of it."""
    in_mind = pitch or (last if age < MIND else 0)
    return in_mind % 12 if in_mind else REST, onset * 13 + (1 + pitch % 12 if pitch else 0)


def line_of(pitch: Ints, onset: Ints) -> tuple[Ints, Ints]:
    """(the pitch class in mind or REST, the feature "melody") of each frame of a melody (n,)."""
    age = vocab.ages(pitch, onset, MIND + 1)
    last = vocab.last_pitches(pitch, onset)
    in_mind = (pitch > 0) | ((last > 0) & (age < MIND))
    code = onset * 13 + np.where(pitch > 0, 1 + pitch % 12, 0)
    return np.where(in_mind, np.where(pitch > 0, pitch, last) % 12, REST), code


def find_all(pitch: Ints, onset: Ints, places: Ints) -> Found:
    """The places for every frame of a melody (n,) with its places (n, 6)."""
    recall = Recall()
    recall.extend(*line_of(pitch, onset), places)
    return recall.find(0, places)


def recalled(found: Found, chord: Ints, chord_onset: Ints, before: Ints) -> tuple[Ints, Ints, Ints]:
    """What the chords add: the features "chord" and "event", (n, 3), and copies, (n, 3, 2): the
    class that copying would give (-1: nothing to copy) and the case.

    chord, chord_onset: rows at least as far as the places go; before (n,): what sounds before
    each frame.
    """
    at = np.maximum(found.frame, 0)
    earlier = np.where(at > 0, chord[np.maximum(at - 1, 0)], 0)
    return _recalled(found, chord[at], chord_onset[at], earlier, before[:, None])


def _recalled(
    found: Found, chord: Ints, onset: Ints, earlier: Ints, before: Ints
) -> tuple[Ints, Ints, Ints]:
    frame, turn, known, sang = found.arrays()
    has = frame >= 0
    there = turn_chords(np.where(has, chord, 0), turn)
    struck = has & (onset > 0)
    same = turn_chords(earlier, turn) == before
    event = np.where(has, 1 + 2 * struck + same, 0)
    held = (there == before) & ~struck
    copied = np.where(has, np.where(held, 0, there + 1), -1)
    fitted = 2 * (sang * CHORD_TONES[there]).sum(-1) >= sang.sum(-1)
    case = 2 * (known[..., 0] * vocab.N_EVENTS + event) + fitted
    return there, event, np.stack([copied, case], -1)


def feature_columns(found: Found, there: Ints, event: Ints) -> Ints:
    """(n, 3, 8) in the order of `vocab.RECALL_FEATURES`."""
    return np.concatenate([np.stack([there, event], -1), found.known], -1)


def features_of(
    pitch: Ints, onset: Ints, places: Ints, chord: Ints, chord_onset: Ints
) -> tuple[Ints, Ints]:
    """(n, 3, 8) features and (n, 3, 2) copies of a whole window, each array (n,)."""
    found = find_all(pitch, onset, places)
    before = np.concatenate([[0], chord[:-1]])
    there, event, copies = recalled(found, chord, chord_onset, before)
    return feature_columns(found, there, event), copies


def copies_of(spots: Sequence[Spot], chords: Ints, before: int) -> list[tuple[int, int]]:
    """The copies of `recalled` for one row alone. chords: (n, 2), index and onset."""
    copies = []
    for spot in spots:
        if spot.frame < 0:
            copies.append((-1, 1))
            continue
        there, struck = chords[spot.frame].tolist()
        there = _turned(there, spot.turn)
        earlier = _turned(int(chords[spot.frame - 1, 0]), spot.turn) if spot.frame else 0
        event = 1 + 2 * (struck > 0) + (earlier == before)
        fitted = 2 * sum(spot.sang[pc] for pc in _TONES[there]) >= sum(spot.sang)
        copied = 0 if there == before and not struck else there + 1
        copies.append((copied, 2 * (spot.match * vocab.N_EVENTS + event) + fitted))
    return copies


_TONES = [np.flatnonzero(tones).tolist() for tones in CHORD_TONES]


def _turned(chord: int, turn: int) -> int:
    if not turn or not chord:
        return chord
    root, quality = divmod(chord - 1, vocab.N_QUALITIES)
    return 1 + (root + turn) % 12 * vocab.N_QUALITIES + quality


def at_frame(found: Found, t: int, chord: Ints, chord_onset: Ints) -> tuple[Ints, Ints]:
    """Of frame t of B sessions, whose chords (B, T) are known before it: the features of the
    places, (B, 24), and copies as `recalled` has them, (B, 3, 2)."""
    rows = np.arange(len(chord))[:, None]
    at = np.maximum(found.frame[:, t], 0)
    before = chord[:, t - 1, None] if t else np.zeros((len(chord), 1), np.int64)
    earlier = np.where(at > 0, chord[rows, np.maximum(at - 1, 0)], 0)
    there, event, copies = _recalled(
        found.at(t), chord[rows, at], chord_onset[rows, at], earlier, before
    )
    columns = np.concatenate([np.stack([there, event], -1), found.known[:, t]], -1)
    return columns.reshape(len(chord), -1), copies


def stacked(found: Sequence[Found]) -> Found:
    """Of several sessions, on a new first axis."""
    frame, turn, known, sang = zip(*(f.arrays() for f in found), strict=True)
    return Found(np.stack(frame), np.stack(turn), np.stack(known), np.stack(sang))
