"""The bass: roots, fifths, approach notes, and a walking line, by rule or as bassists walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jam.accompaniment.comping import FOR_GOOD, BarContext, strokes
from jam.accompaniment.notes import Draft, dice
from jam.accompaniment.patterns import Hit, Lane
from jam.accompaniment.spans import Span
from jam.accompaniment.textures import Strokes, lane_of
from jam.accompaniment.voicing import BASS_RANGE
from jam.accompaniment.walking import LONG, Walk, contexts, kind_of
from jam.music.chord import QUALITIES
from jam.music.grid import Meter

_LIGHT = -10
_SURE = 0.6
"""From this probability of the chord that comes on, a note outside the chord may lead to it."""


def play_bass(
    bar: BarContext,
    lanes: Sequence[Lane],
    last: int | None,
    first: int,
    walk: Walk | None = None,
    seed: int = 0,
    left_hand: Strokes | None = None,
) -> Iterator[Draft]:
    """Drafts of the bass in a bar from frame `first` on; `last` is what it played before.

    With a `walk` its walking steps are a bassist's, by the dice of `seed`, else those of the rules.
    A `left_hand`, by column, is what a pianist played in the place of the drawn lanes.
    """
    if left_hand:
        lanes = (lane_of(left_hand, bar.end_frame - bar.start_frame),)
    for lane in lanes:
        hits = list(strokes(bar, lane, patient=False))
        walks = walk is not None and any(hit.sign in "Ww" for hit in lane.hits)
        for i, hit in enumerate(hits):
            frame = bar.start_frame + hit.column
            if frame < first:
                continue
            span = bar.span_at(frame)
            assert span is not None
            after = hits[i + 1].column + bar.start_frame if i + 1 < len(hits) else bar.end_frame
            if walks and frame == span.start_frame and last is not None:
                last = _near(span.voicing[0], last)
            elif walk is not None and hit.sign in "Ww":
                last = _walked(walk, span, frame, last, bar, dice(seed, 17, frame))
            elif left_hand and (there := left_hand.get(hit.column)) and frame != span.start_frame:
                interval = there[0].height
                tone = (span.chord.root + interval) % 12
                last = _near(
                    tone if interval % 12 in span.tones else span.voicing[0],
                    last or span.voicing[0],
                )
            else:
                last = _pitch(span, hit, frame, after, last, bar)
            velocity = bar.touch.velocity + (8 if hit.column == 0 else 2)
            velocity += _LIGHT if hit.sign.islower() and hit.sign != "x" else 0
            late_ms = None
            if left_hand and (there := left_hand.get(hit.column)):
                velocity = bar.touch.velocity + there[0].louder
                late_ms = there[0].late_ms
            yield Draft(
                "bass",
                last,
                max(1, min(127, velocity)),
                frame,
                frame + (hit.length if lane.hits else FOR_GOOD),
                span.confidence,
                late_ms,
            )


def _pitch(span: Span, hit: Hit, frame: int, after: int, last: int | None, bar: BarContext) -> int:
    """The pitch of a hit; `after` is the frame of the one that follows."""
    root = span.voicing[0]
    if frame == span.start_frame:
        return root
    intervals, tones = QUALITIES[span.chord.quality][0], span.tones
    chord_root = span.chord.root
    sure = span.next_confidence >= _SURE
    leads_on = span.next_bass is not None and after >= span.end_frame
    match hit.sign.upper():
        case "F":
            return _near(chord_root + next((i for i in (7, 6, 8) if i in tones), 0), root)
        case "O":
            return root + 12 if root + 12 < BASS_RANGE[1] else root
        case "T":
            return _near(chord_root + intervals[1], root)
        case "A" if leads_on and sure and span.next_bass is not None and span.next_bass != root:
            return _approach(span.next_bass, root)
        case "A":
            return _near(chord_root + 7 if 7 in tones else chord_root, root)
        case "W":
            return walk_by_rule(span, frame, after, root if last is None else last, bar.meter)
        case _:
            return root


def _walked(
    walk: Walk, span: Span, frame: int, last: int | None, bar: BarContext, chance: float
) -> int:
    per_beat, root = bar.meter.frames_per_beat, span.chord.root
    last = span.voicing[0] if last is None else last
    knows = span.next_bass is not None and span.next_confidence >= _SURE
    left = -((frame - span.end_frame) // per_beat) if knows else LONG
    ahead = (span.next_bass - root) % 12 if knows and span.next_bass is not None else None
    beat = (frame - span.start_frame) // per_beat
    of = contexts(kind_of(span.chord.quality), beat, left, (last - root) % 12, ahead)
    choices = [p for p in range(*BASS_RANGE) if (p - root) % 12 not in span.avoided]
    return walk.choose(tuple(of), root, last, choices, chance)


def walk_by_rule(span: Span, frame: int, after: int, last: int, meter: Meter) -> int:
    """A step of a walking bass as it is drawn; `after` is the frame of the stroke that follows."""
    leads_on = span.next_bass is not None and after >= span.end_frame
    if leads_on and span.next_confidence >= _SURE and span.next_bass is not None:
        return _approach(span.next_bass, last)
    return _step(span, frame, last, meter)


def _near(pitch_class: int, pitch: int) -> int:
    """The pitch of a class that is nearest to another one, within the bass's range."""
    choices = [p for p in range(*BASS_RANGE) if p % 12 == pitch_class % 12]
    return min(choices, key=lambda p: (abs(p - pitch), p))


def _approach(target: int, last: int) -> int:
    """A semitone beside the note that comes, on the side where the line is."""
    below, above = target - 1, target + 1
    nearer = below if last < target else above
    if nearer == last:  # no repeated note: come from the other side
        nearer = above if nearer == below else below
    return nearer if BASS_RANGE[0] <= nearer < BASS_RANGE[1] else below + above - nearer


def _step(span: Span, frame: int, last: int, meter: Meter) -> int:
    """A chord note near the last one, on the way to the next chord's bass (or to the fifth)."""
    per_beat = meter.frames_per_beat
    if span.next_bass is not None and span.end_frame - frame <= meter.frames_per_bar:
        target, left = span.next_bass, max(1, (span.end_frame - frame) // per_beat)
    else:  # up to the fifth and back, a bar each way
        up = (frame - span.start_frame) // meter.frames_per_bar % 2 == 0
        target, left = span.voicing[0] + (7 if up else 0), 2
    way = last + (target - last) / left
    own = {(span.chord.root + i) % 12 for i in span.tones}
    tones = set(own)
    if left > 1:  # between two chord notes a note of the scale will do
        tones |= {(span.chord.root + i) % 12 for i in (2, 9 if 9 in _six(span) else 10)}
    ahead = span.next_bass if left == 1 else None  # it must not come twice
    choices = [
        p for p in range(*BASS_RANGE) if p % 12 in tones and 0 < abs(p - last) <= 5 and p != ahead
    ]
    if not choices:
        return span.voicing[0]
    return min(choices, key=lambda p: (abs(p - way) + (0 if p % 12 in own else 1.2), p))


def _six(span: Span) -> tuple[int, ...]:
    return (9,) if QUALITIES[span.chord.quality][0][1] == 4 else ()
