"""In which order written bars are played: repeats, endings, da capo and dal segno. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from jam.errors import BadInput
from jam.limits import MEASURES

MAX_TURNS = 16
"""How often a section is played at most, and the highest number of an ending."""
MARKS = ("segno", "coda", "tocoda", "fine", "dacapo", "dalsegno")
"""What a bar may be marked with; jumps act at its end."""


class Signs(Protocol):
    """The signs at one written bar."""

    @property
    def starts_section(self) -> bool:
        """A repeat may go back to here."""
        ...

    @property
    def repeats(self) -> int:
        """How often the section that ends with this bar is played; 2 after one repeat sign."""
        ...

    @property
    def endings(self) -> frozenset[int]:
        """The passes in which this bar is played; empty for all."""
        ...

    @property
    def marks(self) -> frozenset[str]:
        """Of MARKS."""
        ...


def jump_marks(words: str) -> frozenset[str]:
    """What words above the staff say of the way through the piece, as marks of a `Measure`."""
    text = re.sub(r"[^a-z]+", " ", words.lower()).strip()
    marks: set[str] = set()
    if re.search(r"\bd ?s\b|\bdal segno\b|\bdel segno\b", text):
        marks.add("dalsegno")
    elif re.search(r"\bd ?c\b|\bda capo\b", text):
        marks.add("dacapo")
    elif re.search(r"\bto (?:the )?coda\b|\bal coda\b|\bda coda\b", text):
        marks.add("tocoda")
    elif text == "coda":
        marks.add("coda")
    elif text == "segno":
        marks.add("segno")
    elif text in ("fine", "end", "fin"):
        marks.add("fine")
    return frozenset(marks)


def played_order(measures: Sequence[Signs]) -> list[int]:
    """Indices of the measures as they are played. Raises BadInput where there is no end to it.

    After a da capo or dal segno, repeats are not taken again (the last ending is played), the
    piece ends at "fine", and "tocoda" leads on to "coda".
    """
    if len(measures) > MEASURES:
        raise BadInput(f"more than {MEASURES} bars")
    last_endings = _last_endings(measures)
    order: list[int] = []
    section = 0
    turn = 1
    jumped = False
    i = steps = 0
    while i < len(measures):
        steps += 1
        if len(order) > MEASURES or steps > MAX_TURNS * MEASURES:
            raise BadInput(f"more than {MEASURES} bars with all repeats")
        measure = measures[i]
        follows = bool(order) and order[-1] == i - 1
        if measure.starts_section and i != section and not measure.endings:
            section, turn = i, 1
        elif follows and measures[i - 1].endings and not measure.endings:
            section, turn = i, 1  # after the last ending a new section begins
        if measure.endings and (
            (last_endings[i] not in measure.endings) if jumped else turn not in measure.endings
        ):
            i += 1
            continue
        order.append(i)
        times = measure.repeats
        if times > 1 and measure.endings:
            times = last_endings[i]
        if times > turn and not jumped:
            turn += 1
            i = section
            continue
        if times > 1 and not measure.endings:
            section, turn = i + 1, 1
        if jumped and "fine" in measure.marks:
            break
        if jumped and "tocoda" in measure.marks:
            i = next((k for k, m in enumerate(measures) if k > i and "coda" in m.marks), i + 1)
            section = i
        elif not jumped and measure.marks & {"dacapo", "dalsegno"}:
            jumped = True
            i = 0
            if "dalsegno" in measure.marks:
                i = next((k for k, m in enumerate(measures) if "segno" in m.marks), 0)
            section = i
        else:
            i += 1
    return order


def _last_endings(measures: Sequence[Signs]) -> list[int]:
    """For each measure the highest pass among the endings that stand together around it."""
    lows = [min(m.endings, default=0) for m in measures]
    highs = [max(m.endings, default=0) for m in measures]
    rising = list(highs)  # the last pass of the endings that rise from here on
    for i in reversed(range(len(measures) - 1)):
        if highs[i] and highs[i + 1] >= highs[i]:
            rising[i] = rising[i + 1]
    firsts = list(range(len(measures)))
    for i in range(1, len(measures)):
        if lows[i] and 0 < lows[i - 1] <= lows[i]:
            firsts[i] = firsts[i - 1]
    return [rising[first] for first in firsts]
