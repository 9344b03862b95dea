"""How the last chord is played: its bar's rhythm as the style draws it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from jam.accompaniment.comping import BarContext
from jam.accompaniment.notes import Draft
from jam.music.grid import Meter

_ROLL_FRAMES = 0.45
"""From one note of a rolled chord to the next."""
_SOFTER = {"X": 6, "x": 0, "o": -14, "R": 0}


def row_for(ending: Mapping[str, str], meter: Meter) -> str:
    """The row of an ending in a metre, drawn or made of the one in quarters or in eighths: a longer
    bar goes on as its row ends, a shorter one holds the last stroke that it has room for.
    """
    length = meter.frames_per_bar
    if drawn := ending.get(str(meter)):
        return drawn
    row = ending.get("6/8" if meter.compound or meter.denominator == 8 else "4/4", "")
    if not row or length >= len(row):
        return row.ljust(length, row[-1]) if row else ""
    last = max((column for column in range(length) if row[column] in _SOFTER), default=0)
    return row[: last + 1].ljust(length, "-")


def ended_as_drawn(drafts: Iterable[Draft], bar: BarContext) -> Iterator[Draft]:
    """What is struck with the last chord, struck as the style's ending has it.

    The last stroke is held as long as the chord, unless the row ends in silence.
    """
    drafts = list(drafts)
    row = row_for(bar.style.ending, bar.meter)
    span = bar.span_at(bar.start_frame)
    lasts = span is not None and span.end_frame >= bar.end_frame
    if bar.start_frame not in bar.finals or not row or not lasts:
        yield from drafts
        return
    struck = [d for d in drafts if d.start_frame == bar.start_frame]
    strokes = [(column, sign) for column, sign in enumerate(row) if sign in _SOFTER]
    for number, (column, sign) in enumerate(strokes):
        end = column + 1
        while end < len(row) and row[end] == "-":
            end += 1
        is_last = number == len(strokes) - 1 and end == len(row)
        order = sorted(d.pitch for d in struck if d.part == "chords") if sign == "R" else []
        for draft in struck:
            late = (
                _ROLL_FRAMES * order.index(draft.pitch) if draft.part == "chords" and order else 0
            )
            start = bar.start_frame + column + late
            until = draft.until_frame if is_last else bar.start_frame + end
            velocity = max(1, min(127, draft.velocity + _SOFTER[sign]))
            yield replace(
                draft, start_frame=start, until_frame=max(until, start + 1), velocity=velocity
            )
