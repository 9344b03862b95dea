"""Settings that persist; a broken file is set aside, never fatal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.messages.commands import DeviceChoice
from jam.music.grid import Meter
from jam.preferences import (
    LastSong,
    PreferenceFile,
    Preferences,
    View,
    check_preset_name,
    load_preferences,
    save_preferences,
    settings_from_json,
    settings_to_json,
)
from jam.settings import JamSettings

CHANGED = JamSettings(
    bpm=87.5,
    meter=Meter(7, 8),
    density=2.0,
    key_lock=(3, True),
    style="jazz",
    metronome=False,
    palette=("min7", "Ebm"),
    model="rules",
    drums_program=8,
    latency_offset_ms=-12.5,
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    saved = Preferences(
        CHANGED,
        DeviceChoice("Speakers", 44100, 512, ("Keys",), ("Synth",)),
        {"mine": CHANGED, "plain": JamSettings()},
        View(theme="dark", zoom=2.0),
        record=False,
        song=LastSong("| C | F |", 7),
    )
    save_preferences(saved, path)
    assert load_preferences(path) == (saved, "")
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "settings.json") == (Preferences(), "")


BROKEN = ["", "{", "[]", "null", "[" * 100_000]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_set_aside(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    preferences, complaint = load_preferences(path)
    assert preferences == Preferences()
    assert str(path) in complaint and "set aside" in complaint
    assert not path.exists()
    assert (tmp_path / "settings.json.broken").read_text() == text


HALF_BROKEN = [
    '{"settings": 3}',
    '{"settings": {"bpm": "fast"}}',
    '{"settings": {"bpm": 1e9}}',
    '{"midi_inputs": 3}',
    '{"midi_outputs": [1]}',
    '{"settings": {"key_lock": [99, true]}}',
    '{"settings": {"key_lock": {}}}',
    '{"settings": {"meter": "0/0"}}',
    '{"settings": {"bpm": NaN}}',
    '{"settings": {"palette": ["Z7"]}}',
    '{"settings": {"key_lock": [0, false], "palette": ["F#7"]}}',
    '{"audio": []}',
    '{"audio": {"block_frames": 100}}',
    '{"view": {"theme": "pink"}}',
    '{"view": {"zoom": 0}}',
    '{"presets": []}',
    '{"presets": {"": {}}}',
    '{"presets": {"a": {"bpm": []}}}',
    '{"settings": {"player_program": 3.5}}',
    '{"settings": {"density": 1e999}}',
    '{"settings": {"style": "\\ud800"}}',
    '{"presets": {"a": {"palette": ["\\ud800"]}}}',
    '{"record": 1}',
]


@pytest.mark.parametrize("text", HALF_BROKEN, ids=range(len(HALF_BROKEN)))
def test_a_broken_value_costs_only_itself(text: str, tmp_path: Path) -> None:
    good = {"commit_beats": 3, "no such setting": [1, 2]}
    data = json.loads(text)
    if isinstance(data.setdefault("settings", {}), dict):
        data["settings"] = {**good, **data["settings"]}
    data["from the future"] = {"a": 1}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(data))
    preferences, complaint = load_preferences(path)
    assert str(path) in complaint and "\n" not in complaint
    expected = JamSettings() if data["settings"] == 3 else JamSettings(commit_beats=3)
    assert preferences.settings.commit_beats == expected.commit_beats
    assert preferences.settings.bpm == 100.0
    # The file is kept as it was, and what it has under unknown names stays in it.
    assert (tmp_path / "settings.json.broken").read_text() == path.read_text()
    save_preferences(preferences, path)
    assert load_preferences(path) == (preferences, "")
    saved = json.loads(path.read_text())
    assert saved["from the future"] == {"a": 1}
    assert data["settings"] == 3 or saved["settings"]["no such setting"] == [1, 2]


def test_presets(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    file = PreferenceFile(path)
    file.update(presets={check_preset_name(" slow waltz "): CHANGED})
    file.update(presets={**file.current.presets, "fast": JamSettings(bpm=200.0)})
    again = PreferenceFile(path)
    assert again.current.presets == {"slow waltz": CHANGED, "fast": JamSettings(bpm=200.0)}
    again.update(presets={"slow waltz": CHANGED})
    assert set(PreferenceFile(path).current.presets) == {"slow waltz"}
    for name in ("", "   ", "x" * 61, "two\nlines"):
        with pytest.raises(BadInput):
            check_preset_name(name)


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
    ("text", "said"),
    [
        ('{"settings": {"bpm": 1000}}', "settings.bpm: expected a number <= 300"),
        ('{"settings": {"key_lock": [12, true]}}', "settings.key_lock[0]: expected a whole number"),
        ('{"settings": {"style": "polka"}}', "settings.style: 'polka' is none"),
        ('{"settings": {"meter": "4/0"}}', "settings.meter: metre 4/0"),
        ('{"view": {"zoom": "large"}}', "view.zoom: expected a number, got a text"),
        ('{"midi_inputs": ["a", 1]}', "midi_inputs[1]: expected a text"),
        (
            '{"presets": {"a": {"foresight_beats": -1}}}',
            "preset 'a'.foresight_beats: expected a whole number >= 0",
        ),
    ],
)
def test_the_place_of_a_wrong_value_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    assert said in load_preferences(path)[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bpm", 29.9),
        ("bpm", float("nan")),
        ("temperature", 2.1),
        ("style", "polka"),
        ("density", 3.0),
        ("midi_channel", 17),
        ("nothing", 1),
        ("model", "gpt"),
        ("palette", ("Z7",)),
        ("palette", ("C/E",)),
        ("latency_offset_ms", 501.0),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadInput):
        JamSettings().changed(**{name: value})


def test_two_programs_keep_each_other_s_values(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    PreferenceFile(path).update(presets={"Old": JamSettings(bpm=60.0)})
    one, other = PreferenceFile(path), PreferenceFile(path)
    one.update(settings=JamSettings(bpm=120.0), devices=DeviceChoice(midi_inputs=("Piano",)))
    other.update(
        settings=JamSettings(accompaniment="bossa"), presets={"Mine": JamSettings(bpm=90.0)}
    )
    one.update(
        view=View(theme="light"), presets={"Old": JamSettings(bpm=60.0), "Two": JamSettings()}
    )
    assert one.current.settings.accompaniment == "piano"  # what is in use doesn't change by itself
    kept = load_preferences(path)[0]
    assert (kept.settings.bpm, kept.settings.accompaniment) == (120.0, "bossa")
    assert kept.devices.midi_inputs == ("Piano",) and kept.view.theme == "light"
    assert sorted(kept.presets) == ["Mine", "Two"]  # "Old" was deleted by the other
    other.update(settings=JamSettings(bpm=140.0, accompaniment="bossa"))
    one.update(settings=JamSettings(bpm=100.0))
    assert load_preferences(path)[0].settings.bpm == 100.0  # the last word counts
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_could_not_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    path = folder / "settings.json"
    kept = PreferenceFile(path)
    folder.write_text("a file is in the way")
    with pytest.raises(OSError):
        kept.update(settings=JamSettings(bpm=120.0))
    folder.unlink()
    kept.update(devices=DeviceChoice(midi_inputs=()))
    assert load_preferences(path)[0].settings.bpm == 120.0
