"""The user of a soak: what someone at the window presses while the player plays.

`deeds` is a function of its seed; the state of the window is followed, so that Space starts and
stops where it is meant to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

PAUSE_S = (4.0, 20.0)
"""Between two deeds."""
SESSION_S = (180.0, 900.0)
BREAK_S = (5.0, 20.0)
"""Between two sessions."""
_CONTROL = "Control_L+"
_COMMON: tuple[tuple[float, tuple[str, ...]], ...] = (
    (3, ("Up",) * 3),
    (3, ("Down",) * 3),
    (2, ("Shift_L+Up",)),
    (2, ("Shift_L+Down",)),
    (1, ("b", "b", "b", "b")),
    (2, (_CONTROL + "period",)),
    (1, (_CONTROL + "comma",)),
    (1, ("Right",)),
    (1, ("Left",)),
    (1, ("Shift_L+Right",) * 4),
    (1, ("Shift_L+Left",) * 4),
    (1, (_CONTROL + "Right",)),
    (1, (_CONTROL + "Left",)),
    (0.5, (_CONTROL + "b",) * 2),
    (0.5, (_CONTROL + "d",)),
    (1, ("n",)),
    (1, ("m",)),
    (0.5, ("Shift_L+equal",)),
    (0.5, ("minus",)),
    (1, (_CONTROL + "Up",)),
    (1, (_CONTROL + "Down",)),
    (1.5, (_CONTROL + "z",) * 2),
    (0.5, (_CONTROL + "y",)),
    (2, ("v",)),
    (2, ("F2",)),
    (0.5, (_CONTROL + "h",)),
    (0.5, ("Next",)),
    (0.5, ("Prior",)),
    (0.5, ("Home",)),
    (0.5, (_CONTROL + "l",)),
    (0.5, ("F1", "F1")),
    (1, ("Escape",)),
    (1, ("a", "s", "d", "f")),
    (0.7, (_CONTROL + "1",)),
    (0.7, (_CONTROL + "2",)),
    (1, (_CONTROL + "3",)),
    (1.5, (_CONTROL + "4",)),
)
"""How often, and what: tempo, tap, style, commit, lookahead, looks, presets (one is in three)."""
_REVIEW_EVERY = 0.06
_IN_REVIEW = ("Down", "Up", "bracketleft", "bracketright", "q", "Home", "period", "comma")
"""Not Space, which stops the jam and plays what is in front."""


@dataclass(frozen=True)
class Deed:
    """Keys that are pressed one after the other, at a second of the soak."""

    at_s: float
    keys: tuple[str, ...]


def deeds(seed: int, seconds: float, single: bool = False) -> Iterator[Deed]:
    """In order of time, up to `seconds`, when the last session is stopped.

    single: one session for all the time.
    """
    dice = random.Random(seed + 1)
    weights, common = zip(*_COMMON, strict=True)
    at_s, panel = 0.0, False
    while at_s < seconds:
        yield Deed(at_s, ("space",))
        length_s = min(dice.uniform(*SESSION_S), max(60.0, seconds / 3))
        # No session is begun that would have to end at once.
        last = single or at_s + length_s + 60 > seconds
        end_s = seconds if last else at_s + length_s
        while (at_s := at_s + dice.uniform(*PAUSE_S)) < end_s - 15:
            if dice.random() < _REVIEW_EVERY and not panel:
                yield Deed(at_s, (_CONTROL + "r",))
                for _ in range(dice.randint(0, 4)):
                    at_s += 1.5
                    yield Deed(at_s, (dice.choice(_IN_REVIEW),))
                at_s += 1.5
                yield Deed(at_s, (_CONTROL + "j",))
                continue
            keys = dice.choices(common, weights)[0]
            panel ^= keys == ("F2",)
            yield Deed(at_s, keys)
        if panel:
            yield Deed(end_s - 2, ("F2",))
            panel = False
        yield Deed(end_s, ("space",))
        at_s = end_s + (0.0 if last else dice.uniform(*BREAK_S))


def sessions_begun(done: list[Deed]) -> int:
    """How many sessions these deeds start: outside the review every other Space."""
    in_review, spaces = False, 0
    for deed in done:
        in_review = deed.keys == (_CONTROL + "r",) or (in_review and deed.keys != (_CONTROL + "j",))
        spaces += deed.keys == ("space",) and not in_review
    return (spaces + 1) // 2
