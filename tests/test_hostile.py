"""What was found by `make fuzz` once, and a few hundred new hostile inputs for every reader."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.fuzzing.mutate import mutated
from tools.fuzzing.reader import judge
from tools.fuzzing.readers import READERS

HOSTILE = Path(__file__).parent / "fixtures" / "hostile"
FOUND = sorted(path for path in HOSTILE.glob("*/*") if path.is_file())


def test_every_find_has_a_reader() -> None:
    assert {path.parent.name for path in FOUND} <= set(READERS)
    assert all(path.suffix == READERS[path.parent.name].suffix for path in FOUND)


@pytest.mark.parametrize("path", FOUND, ids=[f"{p.parent.name}-{p.stem}" for p in FOUND])
def test_what_was_found_is_survived(path: Path) -> None:
    verdict = judge(READERS[path.parent.name], path.read_bytes())
    assert not verdict.is_find, f"{verdict.kind}: {verdict.fault}\n{verdict.detail}"


@pytest.mark.parametrize("name", READERS)
def test_the_seeds_are_good(name: str) -> None:
    for data in READERS[name].seeds():
        verdict = judge(READERS[name], data)
        assert verdict.kind == "accepted", f"{verdict.fault}\n{verdict.detail}"


@pytest.mark.parametrize("name", READERS)
def test_hostile_input_is_refused_or_survived(name: str) -> None:
    reader = READERS[name]
    seeds = reader.seeds()

    @settings(max_examples=reader.examples)
    @given(st.integers(0, 2**32))
    def feed(number: int) -> None:
        data = mutated(Random(number), reader, seeds)
        verdict = judge(reader, data)
        assert not verdict.is_find, f"{data!r:.2000}: {verdict.fault}\n{verdict.detail}"

    feed()
