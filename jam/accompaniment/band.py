"""The whole band: from the line of chords to the notes of every part, around what is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from jam.accompaniment.arranging import BarPlan, plan_bar
from jam.accompaniment.bass import play_bass
from jam.accompaniment.comping import BarContext, comp
from jam.accompaniment.drums import drum, drum_as_played
from jam.accompaniment.feel import played
from jam.accompaniment.final import ended_as_drawn
from jam.accompaniment.notes import MIN_FRAMES, Draft, Memory, Touch, dice
from jam.accompaniment.passages import Passage
from jam.accompaniment.patterns import bars_of
from jam.accompaniment.spans import Span, voiced_spans
from jam.accompaniment.styles import Style
from jam.accompaniment.textures import Strokes, bar_of, passage_for
from jam.accompaniment.varying import SWUNG, varied, varied_passage
from jam.accompaniment.voicing import Voicing
from jam.messages.notes import PlannedNote
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter, TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.rows import ChordState

_STRAIGHT_QUARTER_BPM, _SWUNG_QUARTER_BPM = 300.0, 150.0
"""Swing is full up to the lower tempo and gone at the higher one, as players do
(Friberg and Sundström, "Swing ratios and ensemble timing in jazz performance", 2002)."""
_STRAIGHT = 2.0
_ANOTHER = 1009
"""From the seed of one variation to that of the next."""
_LATEST_EIGHTH = 0.75
"""A swung eighth stays within its frame, and leaves room for the shortest length."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How chords are played, beyond the chords: what a user chooses and a player's touch.

    styles: (frame, style) in order of frames; each is in force in the bars that begin at or
    after its frame, the first one from the start. finals: onsets of chords that end a piece.
    symbols: what is written for a chord (its bass, its tensions), by the frame of its onset.
    """

    styles: tuple[tuple[int, Style], ...]
    touch: Touch = field(default_factory=Touch)
    bass: bool = True
    drums: bool = True
    seed: int = 0
    feel: float = 0.0
    """0 plays the drawn bars on the grid, 1 as loosely as people do."""
    finals: frozenset[int] = frozenset()
    symbols: Mapping[int, Symbol] = field(default_factory=dict)
    variations: tuple[tuple[int, int], ...] = ((0, 0),)
    """(frame, number) in order of frames, in force as the styles are: other bars of people's."""
    fills: frozenset[int] = frozenset()
    """Frames of bars in which the drums fill, because somebody asked for it."""
    intros: tuple[int, ...] = ()
    """Frames of bars with which an intro begins: the parts come in one after another."""
    breaks: frozenset[int] = frozenset()
    """Frames of bars in which the band strikes the first beat and rests."""
    form: Mapping[int, PlaceInForm] = field(default_factory=dict)
    """Where in a song's form a bar is, by the frame of its first beat; none without a song."""
    levels: tuple[tuple[int, int], ...] = ((0, 1),)
    """(frame, how full people's bars are: 0 thin to 2 full) in order of frames, in force as the
    styles are."""

    def style_at(self, bar_frame: int) -> Style:
        return _in_force(self.styles, bar_frame)

    def variation_at(self, bar_frame: int) -> int:
        return _in_force(self.variations, bar_frame)

    def level_at(self, bar_frame: int) -> int:
        return _in_force(self.levels, bar_frame)


Value = TypeVar("Value")


def _in_force(values: Sequence[tuple[int, Value]], bar_frame: int) -> Value:
    chosen = values[0][1]
    for frame, value in values:
        if frame <= bar_frame:
            chosen = value
    return chosen


@dataclass(frozen=True, slots=True)
class Realisation:
    """What the band plays: the notes in order of time, and what `Memory.keep` needs of them."""

    notes: tuple[PlannedNote, ...]
    drafts: Mapping[int, Draft]
    """By note id."""
    voicings: Mapping[int, Voicing]
    """By the frame of the chord's onset."""


def accompany(
    line: Sequence[ChordState],
    tempo_map: TempoMap,
    arrangement: Arrangement,
    memory: Memory,
    from_frame: int,
    committed_until_frame: int,
    confidence: Mapping[int, float],
) -> Realisation:
    """Notes of every part: those of the memory, and from `from_frame` on those of the line.

    `line` holds the chord of every frame from 0 on. Notes that start before `from_frame` are
    those of `memory`: pitch, velocity and start are as they were committed, and only an end
    beyond `from_frame` may move with the chords. Nothing starts at or beyond the line's end.
    `committed_until_frame` marks notes, `confidence` maps the frames of chord onsets to
    probabilities. A pure function of its arguments.
    """
    spans = voiced_spans(
        line,
        from_frame,
        tempo_map,
        memory.voicings,
        arrangement.touch.room,
        confidence,
        arrangement.symbols,
    )
    new: dict[int, Draft] = {}
    last_bass = memory.last_bass
    for bar, number in _bars(spans, from_frame, len(line), tempo_map, arrangement):
        plan = _plan(bar, number, arrangement, tempo_map)
        written = list(_band(bar, number, plan, arrangement, last_bass, from_frame))
        last_bass = next((d.pitch for d in reversed(written) if d.part == "bass"), last_bass)
        for draft in _felt(written, bar, arrangement):
            if draft.start_frame < len(line):
                new[draft.note_id] = draft
    drafts = {**memory.drafts, **new}
    holding = spans and spans[0].start_frame < from_frame
    holding_until = spans[0].end_frame if holding else from_frame
    notes = list(_ended(drafts, spans, holding_until, committed_until_frame))
    return Realisation(
        tuple(reversed(notes)), drafts, {span.start_frame: span.voicing for span in spans}
    )


def _bars(
    spans: Sequence[Span], first: int, end: int, tempo_map: TempoMap, arrangement: Arrangement
) -> Iterator[tuple[BarContext, int]]:
    """The bars from the one of frame `first` to `end`, with their numbers."""
    start = first - tempo_map.place(first).frame_in_bar
    while start < end:
        place, until = tempo_map.place(start), tempo_map.next_bar_frame(start + 1)
        inside = [s for s in spans if s.start_frame < until and s.end_frame > start]
        if inside:
            yield (
                BarContext(
                    start,
                    until,
                    place.meter,
                    tempo_map.bpm_at(start),
                    arrangement.style_at(start),
                    arrangement.touch,
                    inside,
                    arrangement.finals,
                ),
                place.bar,
            )
        start = until


def _plan(bar: BarContext, number: int, arrangement: Arrangement, tempo_map: TempoMap) -> BarPlan:
    """How a bar is arranged; a machine (`feel` 0) has everybody play everywhere."""
    frame, people = bar.start_frame, arrangement.feel > 0
    since = [number - tempo_map.place(f).bar for f in arrangement.intros if f <= frame]
    plan = plan_bar(
        number,
        arrangement.form.get(frame),
        arrangement.level_at(frame),
        arrangement.seed,
        bar.style,
        min(since) if since and people else None,
    )
    fills = frame in arrangement.fills or (plan.fills and bar.touch.thin < 2)
    return replace(plan, fills=fills, silent=plan.silent if people else frozenset())


def _band(
    bar: BarContext,
    number: int,
    plan: BarPlan,
    arrangement: Arrangement,
    last_bass: int | None,
    first: int,
) -> Iterator[Draft]:
    """What everyone plays in a bar, from frame `first` on, as it is written (not swung)."""
    bars = bars_of(bar.style, bar.meter)
    style, seed, people = bar.style, arrangement.seed, arrangement.feel > 0
    drawn = bars[number % len(bars)]
    quarter_bpm = bar.bpm * bar.meter.frames_per_beat / 4
    hands = drummer = None
    which = seed + _ANOTHER * arrangement.variation_at(bar.start_frame)
    if people:
        index = _drawn_bar(number, len(bars), which)
        drawn = varied(style, bar.meter, index, plan.level, number, which)
        out_of = plan.level, quarter_bpm, plan.part, plan.kind, which
        hands = passage_for(style.textures, *out_of)
        drummer = passage_for(style.grooves, *out_of)

    def bar_from(passage: Passage | None, part: str) -> Strokes | None:
        if passage is None:
            return None
        if part in style.repeats:
            bars = passage.low if part == "bass" else passage.bars
            return bar_of(bars, plan.bar, bar.meter)
        swings = style.swing > SWUNG
        return varied_passage(passage, part, plan.bar, bar.meter, plan.level, number, which, swings)

    upper = bar_from(hands, "chords")
    with_bass = arrangement.bass and "bass" not in plan.silent
    drafts: list[Draft] = []
    if "chords" not in plan.silent:
        drafts += comp(bar, drawn.lane("chords"), not with_bass, upper)
    if with_bass:
        lanes = drawn.lane("bass")
        left = bar_from(hands, "bass") if style.left_hand else None
        drafts += play_bass(
            bar, lanes, last_bass, first, style.walk if people else None, seed, left or None
        )
    if arrangement.drums and "drums" not in plan.silent:
        struck = bar_from(drummer, "drums")
        fill = None
        if struck and style.drum_fills and plan.fills:
            fills = style.drum_fills
            fill = bar_of(fills[int(dice(seed, 43, number) * len(fills))].bars, 0, bar.meter)
        if struck:
            drafts += drum_as_played(bar, fill or struck, plan.opens)
        else:
            drafts += drum(bar, drawn.lanes, plan.fills, plan.opens)
    if people and bar.finals:
        drafts = list(ended_as_drawn(drafts, bar))
    if bar.start_frame in arrangement.breaks:
        drafts = list(_broken_off(drafts, bar))
    return (draft for draft in drafts if draft.start_frame >= first)


def _drawn_bar(number: int, n_bars: int, seed: int) -> int:
    """Which of the bars that a style draws is played: two in a row as they are drawn, for many
    patterns answer each other, and which two is a matter of the dice."""
    if n_bars < 4:
        return number % n_bars
    pair, second = divmod(number, 2)
    return (2 * int(dice(seed, 44, pair) * (n_bars // 2)) + second) % n_bars


def _broken_off(drafts: Iterable[Draft], bar: BarContext) -> Iterator[Draft]:
    """What begins on the first beat, and ends with it."""
    end = bar.start_frame + bar.meter.frames_per_beat
    for draft in drafts:
        if draft.start_frame == bar.start_frame:
            yield replace(draft, until_frame=min(draft.until_frame, end))


def _felt(drafts: Iterable[Draft], bar: BarContext, arrangement: Arrangement) -> Iterator[Draft]:
    """Off-beats moved back where the style swings, and every note as its player places it."""
    middle = second_eighth(bar.style, bar.meter, bar.bpm, arrangement.feel)
    for draft in drafts:
        column = int(draft.start_frame) - bar.start_frame
        if middle != _STRAIGHT:
            start = _moved(draft.start_frame, bar.start_frame, middle)
            until = _moved(draft.until_frame, bar.start_frame, middle)
            draft = replace(draft, start_frame=start, until_frame=until)
        hand = bar.style.feel.hands.get(draft.part) if arrangement.feel else None
        if hand is not None:
            draft = played(
                draft, hand, column, bar.meter, bar.bpm, arrangement.feel, arrangement.seed
            )
        yield draft


def swung_frame(frame: int, tempo_map: TempoMap, style: Style, feel: float) -> float:
    """Where a frame lies when somebody plays with a band of this style."""
    place = tempo_map.place(frame)
    middle = second_eighth(style, place.meter, tempo_map.bpm_at(frame), feel)
    return (
        float(frame) if middle == _STRAIGHT else _moved(frame, frame - place.frame_in_bar, middle)
    )


def second_eighth(style: Style, meter: Meter, bpm: float, feel: float) -> float:
    """Where it lies in a quarter, in frames; straight where the metre has no eighths to swing."""
    if not style.swing or meter.compound or meter.frames_per_beat < 4:
        return _STRAIGHT
    quarter_bpm = bpm * meter.frames_per_beat / 4
    slow = (_STRAIGHT_QUARTER_BPM - quarter_bpm) / (_STRAIGHT_QUARTER_BPM - _SWUNG_QUARTER_BPM)
    drawn = 2 / 3 * min(1.0, max(0.0, slow))
    late = min(style.feel.second_eighth(quarter_bpm) - _STRAIGHT, _LATEST_EIGHTH)
    return _STRAIGHT + style.swing * (drawn + feel * (late - drawn))


def _moved(frame: float, bar_frame: int, middle: float) -> float:
    """A frame of the bar that begins at `bar_frame`, swung."""
    quarters, rest = divmod(frame - bar_frame, 4)
    moved = rest * middle / 2 if rest <= 2 else middle + (rest - 2) * (4 - middle) / 2
    return bar_frame + quarters * 4 + moved


def _ended(
    drafts: Mapping[int, Draft], spans: Sequence[Span], holding_until: int, committed_until: int
) -> Iterator[PlannedNote]:
    """Notes that end when their player wants, or their chord, or when their key is struck again.

    What began before the first new frame belongs to the chord that lasts to `holding_until`.
    """
    next_start: dict[tuple[str, int], float] = {}
    later = sorted(spans, key=lambda span: span.start_frame, reverse=True)
    at = 0
    for note_id, draft in sorted(drafts.items(), key=lambda i: i[1].start_frame, reverse=True):
        while at < len(later) and later[at].start_frame > draft.start_frame:
            at += 1
        allowed = later[at].end_frame if at < len(later) else holding_until
        # The bass is one voice; of the others each key.
        key = (draft.part, 0 if draft.part == "bass" else draft.pitch)
        end = min(draft.until_frame, allowed, next_start.get(key, draft.until_frame))
        next_start[key] = draft.start_frame
        yield PlannedNote(
            note_id,
            draft.pitch,
            draft.velocity,
            draft.start_frame,
            max(end, draft.start_frame + MIN_FRAMES),
            draft.part,
            draft.start_frame < committed_until,
            draft.confidence,
        )
