"""The files of what was mined from performances, read once."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from jam.accompaniment.feel import Feel, Hand
from jam.accompaniment.passages import Passage, Struck
from jam.accompaniment.walking import Walk

_FOLDER = Path(__file__).resolve().parent / "played"

TEXTURES = ("broken", "mixed", "block")
"""Kinds of pianists' passages: how many notes they strike at once, from few to many."""
GROOVES = (
    "rock",
    "ballad",
    "rock-ballad",
    "pop",
    "funk",
    "hiphop",
    "swing",
    "shuffle",
    "brazil",
    "latin",
    "reggae",
    "country",
    "gospel",
)
"""Kinds of drummers' passages."""
FAMILIES = ("pop", "funk", "jazz", "latin")
"""Kinds of drummers whose timing and accents there are."""


@lru_cache(maxsize=8)
def _file(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=8)
def feel_of(family: str) -> Feel:
    """The players of a kind of music."""
    data = _file("feel")
    start, slope = data["swing"]
    return Feel(
        {
            part: _hand(hands[family] if family in hands else hands["any"])
            for part, hands in data["parts"].items()
        },
        (start, slope),
    )


def _hand(values: dict[str, Any]) -> Hand:
    tables = {
        name: {voice: tuple(places) for voice, places in values[name].items()}
        for name in ("late_ms", "accent")
    }
    return Hand(**{**values, **tables})


@lru_cache(maxsize=1)
def walk_of() -> Walk:
    """How bassists walk."""
    data = _file("walking")
    tones = {tuple(context): tuple(counts) for context, counts in data["tones"]}
    return Walk(tones, tuple(data["steps"]))


@lru_cache(maxsize=256)
def passages_of(name: str, kinds: tuple[str, ...]) -> tuple[Passage, ...]:
    """The passages of a file ("piano", "drums", "fills") of these kinds."""
    return tuple(
        Passage(p["kind"], p["bpm"], _bars(p["bars"]), _bars(p.get("low", [])))
        for p in _file(name)
        if p["kind"] in kinds
    )


def _bars(bars: list[list[list[int]]]) -> tuple[tuple[Struck, ...], ...]:
    return tuple(tuple(Struck(*struck) for struck in bar) for bar in bars)
