"""What the user keeps in text: settings with presets, and styles of their own."""

from __future__ import annotations

import json
import tomllib
from random import Random
from typing import Any

from jam.accompaniment import Arrangement, Memory, accompany
from jam.accompaniment.styles import read_style, style_files
from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.audio.mixer import mix
from jam.errors import BadInput
from jam.messages.commands import DeviceChoice
from jam.music.chord import Chord
from jam.music.grid import METERS, Meter, TempoMap
from jam.music.rows import ChordState
from jam.performance.conductor import Conductor
from jam.preferences import (
    Preferences,
    View,
    load_preferences,
    preferences_to_json,
    save_preferences,
    settings_from_json,
    settings_to_json,
)
from jam.settings import JamSettings
from tools.fuzzing.mutate import mutate_json, mutate_tree
from tools.fuzzing.reader import Reader, as_file

# -- settings


def _read_settings(data: bytes) -> None:
    """The file as a whole never raises: what is wrong is said in a sentence."""
    with as_file(data, "settings.json") as path:
        found, complaint = load_preferences(path)
        assert len(complaint.splitlines()) <= 1 and len(complaint) < 1000, "a complaint of one line"
        save_preferences(found, path)
        again, second = load_preferences(path)
        assert second == "", second
        assert preferences_to_json(again) == preferences_to_json(found)
    for settings in (found.settings, *list(found.presets.values())[:3]):
        _play(settings)
    if complaint:
        raise BadInput(complaint)


def _read_one_settings(data: bytes) -> None:
    """Settings alone, as sessions keep them."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput("not JSON") from error
    settings = settings_from_json(values)
    again = settings_from_json(json.loads(json.dumps(settings_to_json(settings))))
    assert again == settings
    _play(settings)


def _play(settings: JamSettings) -> None:
    """The first bar and a half with these settings."""
    conductor, agent = Conductor(settings, 0.0), Anticipator(RuleBasedPredictor())
    for frame in range(0, 24, 6):
        now_s = conductor.tempo_map.seconds_at(frame + 0.5)
        if conductor.advance(now_s):
            conductor.take(agent.plan(conductor.request()), now_s)


def _settings_seeds() -> list[bytes]:
    mine = JamSettings(
        bpm=87.5,
        meter=Meter(7, 8),
        density=2.0,
        key_lock=(3, True),
        palette=("min7", "Ebm"),
        style="jazz",
        drums_program=8,
        latency_offset_ms=-12.5,
        accompaniment="swing",
    )
    full = Preferences(
        mine,
        DeviceChoice(midi_inputs=("Keys",), midi_outputs=("Synth",)),
        presets={"mine": mine, "été": JamSettings()},
        view=View(export_folder="/home"),
    )
    return [
        json.dumps(preferences_to_json(full)).encode(),
        json.dumps(preferences_to_json(Preferences()), indent=1).encode(),
        b"{}",
        b'{"settings": {"bpm": 120, "unknown": [1, {"a": null}]}, "later": {"x": 1}}',
    ]


def _one_settings_seeds() -> list[bytes]:
    return [
        json.dumps(settings_to_json(JamSettings())).encode(),
        json.dumps(settings_to_json(JamSettings(key_lock=(1, False), palette=("maj",)))).encode(),
        b'{"meter": "6/8", "bpm": 60}',
    ]


# -- styles

_LINE = tuple(
    ChordState(Chord(root, quality), frame % 8 == 0)
    for frame in range(48)
    for root, quality in [((0, "maj7"), (9, "min7"), (2, "7"), (7, "sus4"))[frame // 8 % 4]]
)


def _read_style(data: bytes) -> None:
    with as_file(data, "hostile.toml") as path:
        style = read_style(path)
    mix(JamSettings(), style)
    for name in (*METERS, *style.bars):
        tempo_map = TempoMap.constant(100.0, Meter.parse(name))
        notes = accompany(
            _LINE, tempo_map, Arrangement(((0, style),)), Memory(), 0, len(_LINE), {}
        ).notes
        for note in notes:
            assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127, note
            assert note.start_frame < note.end_frame, note


def _style_seeds() -> list[bytes]:
    own = {name: path for name, path in style_files().items() if name in _SEED_STYLES}
    return [path.read_bytes() for path in own.values()]


_SEED_STYLES = ("piano", "bossa", "swing", "waltz", "none")


def _change_style(rng: Random, data: bytes) -> bytes:
    """A table's value or name is changed, and the file written anew."""
    values = tomllib.loads(data.decode())
    if rng.random() < 0.5:
        return _toml(mutate_tree(rng, values)).encode("utf-8", "surrogatepass")
    lanes = [bars for kind in ("bars", "fills") for bars in values.get(kind, {}).values()]
    lane: dict[str, Any] = rng.choice(lanes)
    name = rng.choice([*lane, "chords", "bass", "kick", "crash"])
    row = "".join(rng.choice("XxoRFOTAWrf1234--..  |") for _ in range(rng.choice((16, 12, 1, 200))))
    lane[name] = rng.choice((row, [row] * rng.randrange(5), str(lane.get(name, row)) * 8))
    return _toml(values).encode("utf-8", "surrogatepass")


def _toml(values: Any) -> str:
    """A tree as TOML: inline tables below the first level."""
    if not isinstance(values, dict):
        raise ValueError
    return "\n".join(f"{json.dumps(str(k))} = {_inline(v)}" for k, v in values.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(str(k))} = {_inline(v)}" for k, v in value.items())
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return "''" if value is None else json.dumps(value, ensure_ascii=False)


_JSON_WORDS = (
    b'"settings":',
    b'"presets":',
    b'"palette":',
    b'"meter":',
    b'"key_lock":',
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"null",
    b"true",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\\ud800",
    b"\\u0000",
    b"1e999",
)
_TOML_WORDS = (
    b'[bars."4/4"]',
    b'[fills."4/4"]',
    b'[bars."64/4"]',
    b'[bars."0/4"]',
    b'[bars."32/8"]',
    b"chords = ",
    b"bass = ",
    b"kick = ",
    b"swing = nan",
    b"swing = inf",
    b"[sound]",
    b'"""',
    b"= [[[[",
    b"x" * 1000,
    b"1979-05-27T07:32:00Z",
    b"[" * 2000,
    b"{a=" * 500,
    b"[[bars]]",
    b"a." * 500,
)

READERS = (
    Reader(
        "settings",
        ".json",
        _settings_seeds,
        _read_settings,
        mutate=mutate_json,
        tokens=_JSON_WORDS,
        seconds=3.0,
    ),
    Reader(
        "session-settings",
        ".json",
        _one_settings_seeds,
        _read_one_settings,
        mutate=mutate_json,
        tokens=_JSON_WORDS,
    ),
    Reader(
        "style",
        ".toml",
        _style_seeds,
        _read_style,
        mutate=_change_style,
        tokens=_TOML_WORDS,
        seconds=3.0,
    ),
)
