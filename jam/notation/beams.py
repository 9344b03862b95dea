"""Which notes of a bar share a beam, and what of it each of them has. Pure.

Beams show the beats: a group doesn't go over one, but for four eighths in half a bar of 4/4 (Gould,
"Behind Bars", 2011, pages 151 to 164).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from jam.music.grid import FRAMES_PER_QUARTER, Meter
from jam.notation.bars import Piece

_EIGHTH = Fraction(1, 2)


def flags_of(piece: Piece) -> int:
    """How many flags or beams a note has: an eighth one, a sixteenth two."""
    length = piece.length * Fraction(3, 2) if piece.tuplet else piece.length
    if length.numerator == 3:  # dotted
        length *= Fraction(2, 3)
    flags = 0
    while length <= _EIGHTH and flags < 4:
        flags, length = flags + 1, length * 2
    return flags


def beams(pieces: Sequence[Piece], meter: Meter, before: Fraction) -> list[tuple[str, ...]]:
    """For each piece, by number of the beam: "begin", "continue", "end" or a hook.

    before: quarters that a pickup lacks at the start of its bar.
    """
    beat = Fraction(meter.frames_per_beat, FRAMES_PER_QUARTER)
    places = [_place(piece, before, beat) for piece in pieces]
    if (meter.numerator, meter.denominator) == (4, 4):
        halves = {place // 2 for place in places}
        for half in halves:
            inside = [p for p, place in zip(pieces, places, strict=True) if place // 2 == half]
            if len(inside) == 4 and all(
                p.length == _EIGHTH and p.pitch is not None and not p.tuplet for p in inside
            ):
                places = [half * 2 if place // 2 == half else place for place in places]
    found: list[tuple[str, ...]] = []
    for (_, has_flags), group in groupby(
        zip(places, pieces, strict=True),
        key=lambda item: (item[0], item[1].pitch is not None and flags_of(item[1]) > 0),
    ):
        flags = [flags_of(piece) for _, piece in group]
        found.extend(_group(flags) if has_flags and len(flags) > 1 else [()] * len(flags))
    return found


def _place(piece: Piece, before: Fraction, beat: Fraction) -> int:
    return int((before + piece.start) // beat)


def _group(flags: list[int]) -> list[tuple[str, ...]]:
    around = [0, *flags, 0]
    return [
        tuple(
            _state(last >= number, following >= number, i == 0)
            for number in range(1, around[i + 1] + 1)
        )
        for i, (last, following) in enumerate(zip(around[:-2], around[2:], strict=True))
    ]


def _state(before: bool, after: bool, is_first: bool) -> str:
    if before and after:
        return "continue"
    if before or after:
        return "end" if before else "begin"
    return "forward hook" if is_first else "backward hook"
