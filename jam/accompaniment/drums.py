"""The drums: lanes of the kit, fills at the ends of phrases, a cymbal after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jam.accompaniment.comping import BarContext
from jam.accompaniment.notes import Draft
from jam.accompaniment.patterns import Hit, Lane, fill_of
from jam.accompaniment.styles import DRUMS
from jam.accompaniment.textures import Strokes

_ACCENT, _LIGHT = 14, -18
_OF_KIT = 0.7
"""Velocities of an electronic kit differ more than those of the SoundFont's have to."""
_SOFTEST, _LOUDEST = -36, 28


def drum(
    bar: BarContext, lanes: Mapping[str, Sequence[Lane]], fills: bool, opens: bool
) -> Iterator[Draft]:
    """Drafts of the drums in a bar; they rest where no chord sounds.

    fills: the bar ends with a fill. opens: it begins with a cymbal, after one.
    """
    fill = fill_of(bar.style, bar.meter)
    filling = fill is not None and fills
    hits = [
        (name, hit)
        for name, rows in lanes.items()
        if name in DRUMS
        for lane in rows
        for hit in lane.hits
        if bar.is_played(hit)
    ]
    if filling and fill is not None:
        start, lanes_of_fill = fill
        hits = [(name, hit) for name, hit in hits if hit.column < start]
        hits += [(n, hit) for n, row in lanes_of_fill.items() for hit in row if bar.is_played(hit)]
    if fill is not None and opens and bar.touch.thin < 2:
        hits = [(name, h) for name, h in hits if h.column or name not in ("hat", "ride")]
        hits.append(("crash", Hit(0, 1, "x")))
    struck: set[tuple[int, int]] = set()
    for name, hit in sorted(hits, key=lambda h: (h[1].column, h[0])):
        frame = bar.start_frame + hit.column
        span = bar.span_at(frame)
        if span is None or span.start_frame in bar.finals or (frame, DRUMS[name]) in struck:
            continue
        struck.add((frame, DRUMS[name]))
        yield _stroke(bar, name, hit, frame)
    for span in bar.spans:
        if (
            any(lane in DRUMS for lane in lanes)
            and span.start_frame in bar.finals
            and span.start_frame >= bar.start_frame
        ):
            last = Hit(span.start_frame - bar.start_frame, 1, "x")
            yield from (_stroke(bar, name, last, span.start_frame) for name in ("kick", "crash"))


def drum_as_played(bar: BarContext, strokes: Strokes, opens: bool) -> Iterator[Draft]:
    """Drafts of a bar that somebody played, by column; they rest where no chord sounds."""
    for column, there in strokes.items():
        frame = bar.start_frame + column
        span = bar.span_at(frame)
        if span is None or span.start_frame in bar.finals or frame >= bar.end_frame:
            continue
        for struck in there:
            if bar.is_played(Hit(column, 1, struck.sign)):
                louder = max(_SOFTEST, min(_LOUDEST, _OF_KIT * struck.louder))
                velocity = max(1, min(127, round(bar.touch.velocity + louder)))
                yield Draft(
                    "drums", struck.height, velocity, frame, frame + 1, late_ms=struck.late_ms
                )
    first = bar.span_at(bar.start_frame)
    crashes = any(s.height == DRUMS["crash"] for s in strokes.get(0, ()))
    if opens and first is not None and first.start_frame not in bar.finals and not crashes:
        yield _stroke(bar, "crash", Hit(0, 1, "x"), bar.start_frame)
    for span in bar.spans:
        if span.start_frame in bar.finals and span.start_frame >= bar.start_frame:
            last = Hit(span.start_frame - bar.start_frame, 1, "x")
            yield from (_stroke(bar, name, last, span.start_frame) for name in ("kick", "crash"))


def _stroke(bar: BarContext, name: str, hit: Hit, frame: int) -> Draft:
    change = _ACCENT if hit.sign == "X" else _LIGHT if hit.sign == "o" else 0
    velocity = max(1, min(127, bar.touch.velocity + change))
    return Draft("drums", DRUMS[name], velocity, frame, frame + 1)
