"""What persists between two starts: a JSON file in the user's configuration folder.

A file that can't be read is set aside and never fatal; a single value that is wrong costs only
itself; names that this version doesn't know are left in the file.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec

from jam.checked import checked
from jam.errors import BadInput
from jam.files import config_dir, read_limited, replacing
from jam.limits import SETTINGS_BYTES
from jam.messages.commands import DeviceChoice
from jam.messages.controls import Control
from jam.midi.learnt import DEFAULTS, PICKUP, TAKEOVERS, Learnt
from jam.music.grid import Meter
from jam.music.key import Key
from jam.settings import SETTINGS, JamSettings
from jam.settings.line import Choice, Line, lines_of, setting

_MAX_PRESETS, _MAX_NAME = 200, 60
_MAX_SONG = 200_000
_MAX_CONTROLS, _MAX_CONTROL_NAME = 500, 200
THEMES = {"system": "System", "dark": "Dark", "light": "Light", "high-contrast": "High contrast"}
"""Themes of the window, with their labels."""

Presets = Mapping[str, JamSettings]


@dataclass(frozen=True, slots=True)
class View:
    """How the window looks. Raises BadInput, naming the value, for one out of range."""

    # Plan

    chord_lane: bool = setting(
        False,
        "View",
        "Notes that fall toward the piano, or chord names in bars.",
        place="View/Plan",
        choices=(Choice(False, "Waterfall", "waterfall"), Choice(True, "Chord lane", "chord lane")),
    )
    show_plan: bool = setting(
        True, "Show the plan", "Show what the band is about to play.", place="View/Plan"
    )
    zoom: float = setting(
        1.0,
        "Zoom",
        "Zoom the waterfall (Ctrl+scroll).",
        place="View/Plan",
        limits=(0.25, 4.0, "%"),
        step=0.05,
    )
    """Of the waterfall; 2 shows half as many beats."""
    key_range: str = setting(
        "",
        "Keys shown",
        "Size of the piano on the screen. Automatic: it grows with what is played.",
        place="View/Plan",
        control="key range",
        choices=(Choice("", "Automatic", "automatic"),),
        others=True,
    )
    """Name of a key range of the window; "" takes its own choice."""

    # Window

    theme: str = setting(
        "system",
        "Theme",
        "Colours of the window.",
        place="View/Window",
        choices=tuple(Choice(name, label, name) for name, label in THEMES.items()),
    )
    text_scale: float = setting(
        1.0, "Text size", "Text size.", place="View/Window", limits=(0.8, 2.0, "%"), step=0.1
    )

    # Without a control

    panel: str = ""
    """Title of the tab of the settings panel that is open; "" while it is closed."""
    export_folder: str = ""
    """Where sessions were exported to last."""
    geometry: str = ""
    """Place and size of the window, in Qt's own words (base64)."""

    def __post_init__(self) -> None:
        for name, line in VIEW.items():
            line.check(getattr(self, name))


VIEW = lines_of(View)
"""The table of what the window shows: name -> line."""

_Record = TypeVar("_Record", JamSettings, DeviceChoice, View)


@dataclass(frozen=True, slots=True)
class LastSong:
    """A song as text, "" for none, and its number in the library, 0 where it isn't there."""

    text: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is remembered. Devices are remembered by name, whether they are there or not."""

    settings: JamSettings = field(default_factory=JamSettings)
    devices: DeviceChoice = field(default_factory=DeviceChoice)
    presets: Presets = field(default_factory=dict)
    """The player's own, by name; never changed in place."""
    view: View = field(default_factory=View)
    record: bool = True
    """Every jam is kept in the library of sessions."""
    controls: tuple[Learnt, ...] = DEFAULTS
    """What the controls of MIDI devices do, whether the devices are there or not."""
    latencies: Mapping[str, float] = field(default_factory=dict)
    """Device -> its latency offset in ms; see `jam.performance.calibration.device_key`."""
    song: LastSong = LastSong()
    """The song in the window when it was closed."""


def check_preset_name(name: str) -> str:
    """The name as it is kept, without space around it. Raises BadInput."""
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise BadInput(f"preset {name!r}: the name must have 1 to {_MAX_NAME} letters")
    return name


def preferences_path() -> Path:
    return config_dir() / "settings.json"


# Settings as plain values


def settings_to_json(settings: JamSettings) -> dict[str, Any]:
    """Plain values by name; the metre as text."""
    values: dict[str, Any] = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values["meter"] = str(settings.meter)
    return values


def _type_of(hint: Any, line: Line | None) -> Any:
    """What a file holds for a field, with the limits of its line, as a type of msgspec."""
    if hint is Meter:
        return str
    if hint == Key | None:
        return tuple[Annotated[int, msgspec.Meta(ge=0, le=11)], bool] | None
    if line is None:
        return hint
    optional = NoneType in get_args(hint)
    kind = get_args(hint)[0] if optional else hint
    if line.limits is not None:
        low, high = map(kind, line.numbers)
        kind = Annotated[kind, msgspec.Meta(ge=low, le=high)]
    elif line.choices and not line.others and kind is str:
        kind = Literal[tuple(choice.value for choice in line.choices)]
    return kind | None if optional else kind


def _types_of(record: type[Any]) -> dict[str, Any]:
    """Name -> what a file holds for it, of every field."""
    hints, lines = get_type_hints(record), lines_of(record)
    return {f.name: _type_of(hints[f.name], lines.get(f.name)) for f in fields(record)}


_TYPES = {record: _types_of(record) for record in (JamSettings, DeviceChoice, View)}
_FIELDS = [
    (name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in _TYPES[JamSettings].items()
]
_StrictSettings = msgspec.defstruct("_StrictSettings", _FIELDS, forbid_unknown_fields=True)
if TYPE_CHECKING:
    PlainSettings = msgspec.Struct
else:
    PlainSettings = msgspec.defstruct("PlainSettings", _FIELDS)
    """Settings as a file holds them: names that this version doesn't know are passed over."""


def settings_of_plain(plain: PlainSettings) -> JamSettings:
    """The settings. Raises BadInput for values that are right each but not together."""
    return JamSettings(
        **{
            name: _of_plain(name, value)
            for name in SETTINGS
            if (value := getattr(plain, name)) is not msgspec.UNSET
        }
    )


def _of_plain(name: str, value: Any) -> Any:
    return Meter.parse(value) if name == "meter" else value


def settings_from_json(values: Any) -> JamSettings:
    """The reverse of `settings_to_json`. Raises BadInput for anything that isn't settings."""
    return settings_of_plain(checked(values, _StrictSettings, "settings"))


# The file


def _right_ones(default: _Record, values: Any, what: str, faults: list[str]) -> _Record:
    """The default with those of the values that are right; a sentence for each that is not, which
    begins with `what`."""
    if not isinstance(values, dict):
        faults.append(f"{what}: expected an object")
        return default
    record = default
    for name in (f.name for f in fields(default)):
        if name in values:
            place = f"{what}.{name}" if what else name
            try:
                value = checked(values[name], _TYPES[type(default)][name], place)
                record = replace(record, **{name: _of_plain(name, value)})
            except BadInput as error:
                fault = str(error)
                faults.append(fault if fault.startswith(place) else f"{place}: {fault}")
    return record


def preferences_from_json(data: dict[str, Any]) -> tuple[Preferences, list[str]]:
    """Preferences, and a sentence for each value that is wrong and not taken.

    Unknown names are passed over.
    """
    default = Preferences()
    faults: list[str] = []

    found = Preferences(
        _right_ones(default.settings, data.get("settings", {}), "settings", faults),
        _devices(data, faults),
        _presets(data.get("presets", {}), faults),
        _right_ones(default.view, data.get("view", {}), "view", faults),
        _switch(data.get("record", default.record), "record", faults),
        _controls(data.get("controls", {}), faults),
        _latencies(data.get("latencies", {}), faults),
        _song(data.get("song", {}), faults),
    )
    return found, faults


_AUDIO = {
    "device": "audio",
    "sample_rate": "sample_rate",
    "block_frames": "block_frames",
    "soundfont": "soundfont",
    "microphone": "microphone",
}
"""Names within "audio" in the file, and in `DeviceChoice`."""


def _devices(data: dict[str, Any], faults: list[str]) -> DeviceChoice:
    audio = data.get("audio", {})
    if isinstance(audio, dict):
        audio = {ours: audio[name] for name, ours in _AUDIO.items() if name in audio}
    devices = _right_ones(DeviceChoice(), audio, "audio", faults)
    others = ("midi_inputs", "midi_outputs", "agent_server")
    ports = {name: data[name] for name in others if name in data}
    return _right_ones(devices, ports, "", faults)


def _switch(value: Any, name: str, faults: list[str]) -> bool:
    """False where it can't be read: who may have switched it off is not recorded."""
    try:
        return bool(checked(value, bool, name))
    except BadInput as error:
        faults.append(str(error))
        return False


def _presets(given: Any, faults: list[str]) -> Presets:
    if not isinstance(given, dict):
        faults.append("presets: expected an object")
        return {}
    presets: dict[str, JamSettings] = {}
    for name, values in list(given.items())[:_MAX_PRESETS]:
        try:
            name = check_preset_name(name)
        except BadInput as error:
            faults.append(str(error))
            continue
        presets[name] = _right_ones(JamSettings(), values, f"preset {name!r}", faults)
    return presets


_Text = Annotated[str, msgspec.Meta(max_length=_MAX_CONTROL_NAME)]
_Position = Annotated[float, msgspec.Meta(ge=0, le=1)]
_PlainControl = msgspec.defstruct(
    "_PlainControl",
    [
        ("device", _Text),
        ("kind", Literal["control", "note", "program", "bend", "pressure", "mmc", "fine"]),
        ("channel", Annotated[int, msgspec.Meta(ge=-1, le=15)]),
        ("number", Annotated[int, msgspec.Meta(ge=0, le=127)]),
    ],
)
_PlainLearnt = msgspec.defstruct(
    "_PlainLearnt",
    [
        ("control", _PlainControl),
        ("target", _Text),
        ("takeover", Literal[tuple(TAKEOVERS)], PICKUP),
        ("recall", _Position | None, None),
        ("on", bool, True),
    ],
)


def _controls(given: Any, faults: list[str]) -> tuple[Learnt, ...]:
    """The defaults that weren't removed, and what was learnt."""
    if not isinstance(given, dict):
        faults.append("controls: expected an object")
        return DEFAULTS

    def right_ones(name: str, kind: Any) -> list[Any]:
        values, found = given.get(name, []), []
        if not isinstance(values, list):
            faults.append(f"controls.{name}: expected a list")
            return []
        for i, value in enumerate(values[:_MAX_CONTROLS]):
            try:
                found.append(checked(value, kind, f"controls.{name}[{i}]"))
            except BadInput as error:
                faults.append(str(error))
        return found

    def control(plain: Any) -> Control:
        return Control(plain.device, plain.kind, plain.channel, plain.number)

    removed = {control(plain) for plain in right_ones("removed", _PlainControl)}
    learnt = {
        (c := control(p.control)): Learnt(c, p.target, p.takeover, p.recall, p.on)
        for p in right_ones("learnt", _PlainLearnt)
    }
    kept = (one for one in DEFAULTS if one.control not in removed and one.control not in learnt)
    return (*kept, *learnt.values())


def _latencies(given: Any, faults: list[str]) -> Mapping[str, float]:
    low, high = SETTINGS["latency_offset_ms"].numbers
    kind = dict[_Text, Annotated[float, msgspec.Meta(ge=low, le=high)]]
    try:
        found: dict[str, float] = checked(given, kind, "latencies")
    except BadInput as error:
        faults.append(str(error))
        return {}
    return dict(list(found.items())[-_MAX_CONTROLS:])


_PlainSong = msgspec.defstruct(
    "_PlainSong",
    [
        ("text", Annotated[str, msgspec.Meta(max_length=_MAX_SONG)], ""),
        ("id", Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)], 0),
    ],
)


def _song(given: Any, faults: list[str]) -> LastSong:
    try:
        plain: Any = checked(given, _PlainSong, "song")
    except BadInput as error:
        faults.append(str(error))
        return LastSong()
    return LastSong(plain.text, plain.id)


def _controls_to_json(controls: tuple[Learnt, ...]) -> dict[str, Any]:
    """What differs from the defaults, so that those of a later version come along."""
    there = {one.control for one in controls}
    return {
        "learnt": [asdict(one) for one in controls if one not in DEFAULTS],
        "removed": [asdict(one.control) for one in DEFAULTS if one.control not in there],
    }


def preferences_to_json(preferences: Preferences) -> dict[str, Any]:
    devices = preferences.devices
    return {
        "settings": settings_to_json(preferences.settings),
        "midi_inputs": devices.midi_inputs,
        "midi_outputs": devices.midi_outputs,
        "agent_server": devices.agent_server,
        "audio": {name: getattr(devices, ours) for name, ours in _AUDIO.items()},
        "presets": {name: settings_to_json(s) for name, s in preferences.presets.items()},
        "view": asdict(preferences.view),
        "record": preferences.record,
        "controls": _controls_to_json(preferences.controls),
        "latencies": dict(preferences.latencies),
        "song": asdict(preferences.song),
    }


def load_preferences(path: Path | None = None) -> tuple[Preferences, str]:
    """What was saved, and a sentence for the user when something in it could not be read.

    A broken file is renamed to `settings.json.broken`; one in which single values are wrong is
    copied there, and the rest of it holds.
    """
    path = path or preferences_path()
    aside = path.with_name(path.name + ".broken")
    if not os.path.lexists(path):
        return Preferences(), ""
    try:
        data = json.loads(read_limited(path, SETTINGS_BYTES))
        if not isinstance(data, dict):
            raise BadInput("not an object of names and values")
    except (ValueError, RecursionError, BadInput) as error:
        why = str(error).removeprefix(f"{path}: ")
        where = f"set aside as {aside}" if _done(lambda: path.replace(aside)) else "left there"
        return Preferences(), f"The settings in {path} can't be read ({why}); {where}."
    preferences, faults = preferences_from_json(data)
    if not faults:
        return preferences, ""
    kept = f"; the file is kept as {aside}" if _done(lambda: shutil.copy(path, aside)) else ""
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return preferences, f"Not taken from the settings in {path}: {faults[0]}{more}{kept}."


def _done(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def save_preferences(preferences: Preferences, path: Path | None = None) -> None:
    """Write atomically; what the file has under names unknown here is kept. Raises OSError."""
    path = path or preferences_path()
    try:
        before = json.loads(read_limited(path, SETTINGS_BYTES))
    except (BadInput, ValueError, RecursionError):
        before = {}
    ours = preferences_to_json(preferences)
    try:
        text = json.dumps(_with_unknown(ours, before), indent=1)
    except RecursionError:  # nested as deeply as could be read, and written from deeper down
        text = json.dumps(ours, indent=1)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _with_unknown(ours: dict[str, Any], before: Any, deep: bool = True) -> dict[str, Any]:
    """Our values, and those of before under names that aren't ours. Presets that were deleted
    are not brought back.
    """
    if not isinstance(before, dict):
        return ours
    merged = {name: value for name, value in before.items() if name not in ours} if deep else {}
    for name, value in ours.items():
        if isinstance(value, dict):
            value = _with_unknown(value, before.get(name), deep=name != "presets")
        merged[name] = value
    return merged


_Values = TypeVar("_Values", JamSettings, DeviceChoice, View, Preferences)


def merged(ours: _Values, before: _Values, theirs: _Values) -> _Values:
    """Value by value: ours where we changed it since before, else theirs."""
    values: dict[str, Any] = {}
    for name in (f.name for f in fields(ours)):
        own, old, other = getattr(ours, name), getattr(before, name), getattr(theirs, name)
        if isinstance(own, JamSettings | DeviceChoice | View):
            values[name] = merged(own, old, other)
        elif isinstance(own, dict):  # presets, each of them a value
            changed = {n: v for n, v in own.items() if n not in old or old[n] != v}
            values[name] = {n: v for n, v in other.items() if n in own or n not in old} | changed
        else:
            values[name] = other if own == old else own
    try:
        return replace(ours, **values)
    except BadInput:  # values that don't go together
        return ours


class PreferenceFile:
    """The preferences in use, and their file. `complaint` is a sentence for the user, or "".

    `update` may be called from any thread. Another program may write the same file: what only it
    has changed stays as it is there, and isn't in use here.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.current, self.complaint = load_preferences(path)
        self._written = self.current

    def update(self, **changed: Any) -> None:
        """Other values of `Preferences`, by name, in use and in the file. Raises OSError."""
        with self._lock:
            self.current = replace(self.current, **changed)
            save_preferences(merged(self.current, self._written, self._there()), self._path)
            self._written = self.current

    def _there(self) -> Preferences:
        """What the file has now, or what we last knew of it where it can't be read."""
        try:
            data = json.loads((self._path or preferences_path()).read_bytes())
        except (OSError, ValueError, RecursionError):
            return self._written
        return preferences_from_json(data)[0] if isinstance(data, dict) else self._written
