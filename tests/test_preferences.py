"""Settings that persist; a broken file is set aside, never fatal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.grid import Meter
from jam.preferences import (
    Preferences,
    load_preferences,
    save_preferences,
    settings_from_json,
    settings_to_json,
)
from jam.settings import JamSettings

CHANGED = JamSettings(
    bpm=87.5, meter=Meter(7, 8), density=2.0, key_lock=(3, True), style="jazz", metronome=False
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    saved = Preferences(CHANGED, ("Keys",))
    save_preferences(saved, path)
    assert load_preferences(path) == (saved, "")
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "settings.json") == (Preferences(), "")


BROKEN = [
    "", "{", "[]", "null", '{"settings": 3}', '{"settings": {"bpm": "fast"}}',
    '{"settings": {"bpm": 1e9}}', '{"settings": {"no such": 1}}', '{"midi_inputs": 3}',
    '{"settings": {"key_lock": [99, true]}}', '{"settings": {"meter": "0/0"}}', "[" * 100_000,
    '{"settings": {"bpm": NaN}}',
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_set_aside(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    preferences, complaint = load_preferences(path)
    assert preferences == Preferences()
    assert str(path) in complaint and "set aside" in complaint
    assert not path.exists()
    assert (tmp_path / "settings.json.broken").read_text() == text


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(settings_to_json(CHANGED))), json_values)
def test_any_value_is_taken_or_refused(name: str, value: object) -> None:
    try:
        settings = settings_from_json({name: value})
    except (BadInput, TypeError, ValueError, IndexError, KeyError):
        return
    assert json.loads(json.dumps(settings_to_json(settings))) is not None
    assert settings_from_json(settings_to_json(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("bpm", 29.9), ("bpm", float("nan")), ("temperature", 2.1), ("style", "polka"),
     ("density", 3.0), ("midi_channel", 17), ("nothing", 1)],
)  # fmt: skip
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadInput):
        JamSettings().changed(**{name: value})
