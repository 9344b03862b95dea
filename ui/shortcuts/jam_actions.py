"""What each key does on the page Jam and in the whole window, in the order of the list under F1.

Each function gets the parts that its actions work on. Panic, which is obeyed before anything else,
and the piano are the key filter's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from jam.accompaniment import all_styles
from jam.music.role import ACCOMPANIES, TRADES
from jam.settings import ROLE_LABELS
from jam.settings import SETTINGS as LINES
from ui.common.notice import LARGER_BUFFER
from ui.common.pages import JAM, REVIEW
from ui.settings.look import Look
from ui.settings.model import SettingsModel
from ui.settings.presets import Presets
from ui.shortcuts.actions import Action

Do = Callable[[], object]
PLAY, AGENT, VOLUME, SETTINGS_GROUP, VIEW = "Play", "Agent", "Volume", "Settings", "View"
PRESETS_BY_KEY = 9
COUNT_IN = "Count in: four taps set the tempo and start"
LOAD_PRESET = f"Load preset 1–{PRESETS_BY_KEY}"


def _step(model: SettingsModel, setting: str, by: float) -> None:
    """A step of a number, within its range."""
    low, high = LINES[setting].numbers
    value = getattr(model.settings, setting)
    kind = type(value)
    stepped = kind(min(high, max(low, round(value + by, 4))))
    model.change(**{setting: stepped})


def _switch(model: SettingsModel, setting: str) -> None:
    model.change(**{setting: not getattr(model.settings, setting)})


def _is_on(model: SettingsModel, setting: str) -> bool:
    return bool(getattr(model.settings, setting))


def _next_style(model: SettingsModel, by: int) -> None:
    styles, _ = all_styles()
    names = [style.name for style in styles]
    now = model.settings.accompaniment
    index = names.index(now) if now in names else 0
    style = styles[(index + by) % len(names)]
    model.change(f"style {style.title}", accompaniment=style.name)
    model.told.emit(f"Style: {style.title}")


def tempo_actions(model: SettingsModel, tap: Do, count_in: Do) -> Iterator[Action]:
    """Tempo and metronome."""
    yield Action("Tap the tempo", PLAY, ("B", "Ctrl+T"), tap)
    yield Action(COUNT_IN, PLAY, ("Shift+B",), count_in, JAM)
    steps = (
        ("Tempo up by 1", "Up", 1),
        ("Tempo down by 1", "Down", -1),
        ("Tempo up by 10", "Shift+Up", 10),
        ("Tempo down by 10", "Shift+Down", -10),
    )
    for title, key, by in steps:
        yield Action(title, PLAY, (key,), partial(_step, model, "bpm", by), JAM, True)
    metronome = partial(_switch, model, "metronome")
    keys, lit = ("N", "Ctrl+Shift+M"), partial(_is_on, model, "metronome")
    yield Action("Metronome on/off", PLAY, keys, metronome, JAM, lit=lit)


def microphone_actions(switch: Do, is_on: Callable[[], bool]) -> Iterator[Action]:
    """The microphone as an instrument."""
    yield Action("Microphone on/off", PLAY, ("Ctrl+Alt+M",), switch, JAM, lit=is_on)


def agent_actions(model: SettingsModel) -> Iterator[Action]:
    """How the agent plans, and how the band plays it."""
    steps = (
        ("Commit one beat more", "Right", "commit_beats", 1),
        ("Commit one beat fewer", "Left", "commit_beats", -1),
        ("Look one beat further", "Shift+Right", "lookahead_beats", 1),
        ("Look one beat less far", "Shift+Left", "lookahead_beats", -1),
        ("More adventurous", "Ctrl+Right", "adventurous", 0.1),
        ("Less adventurous", "Ctrl+Left", "adventurous", -0.1),
    )
    for title, key, setting, by in steps:
        yield Action(title, AGENT, (key,), partial(_step, model, setting, by), JAM, True)
    yield Action("Next style", AGENT, ("Ctrl+.",), partial(_next_style, model, 1), JAM)
    yield Action("Previous style", AGENT, ("Ctrl+,",), partial(_next_style, model, -1), JAM)
    for part, key in (("bass", "Ctrl+B"), ("drums", "Ctrl+D")):
        switch, lit = partial(_switch, model, part), partial(_is_on, model, part)
        yield Action(f"{part.capitalize()} on/off", AGENT, (key,), switch, JAM, lit=lit)


def role_actions(model: SettingsModel) -> Iterator[Action]:
    """What the agent does besides its chords."""
    for role, label in ROLE_LABELS.items():
        choose = partial(model.change, f"role {role}", role=role)
        keys = ("Ctrl+Shift+A",) if role == ACCOMPANIES else ()
        lit = partial(_has_role, model, role)
        yield Action(f"Agent: {label.lower()}", AGENT, keys, choose, JAM, lit=lit)
    for bars in (2, 4, 8):
        trade = partial(model.change, f"trade {bars} bars", role=TRADES, turn_bars=bars)
        key = f"Ctrl+Alt+{bars}"
        yield Action(f"Trade {bars} bars", AGENT, (key,), trade, JAM)


def _has_role(model: SettingsModel, role: str) -> bool:
    return model.settings.role == role


def pedal_actions(start: Do, stop: Do, panic: Do) -> Iterator[Action]:
    """What MIDI controls do and no key does: keys of the computer have it otherwise."""
    yield Action("Start", PLAY, (), start)
    yield Action("Stop", PLAY, (), stop)
    yield Action("All notes off", PLAY, (), panic)


def cue_actions(ask: Callable[[str], object]) -> Iterator[Action]:
    """What the band is asked for, from the next bar line on."""
    cues = (
        ("Intro: the parts come in one by one", "Ctrl+Shift+I", "intro"),
        ("Next variation", "Ctrl+Shift+V", "variation"),
        ("Drum fill", "Ctrl+Shift+F", "fill"),
        ("Break: the band rests for a bar", "Ctrl+Shift+K", "break"),
        ("Last time: the song ends after this chorus", "Ctrl+Shift+L", "last"),
        ("Ending", "Ctrl+Shift+E", "ending"),
    )
    for title, key, cue in cues:
        yield Action(title, AGENT, (key,), partial(ask, cue), JAM)


def volume_actions(model: SettingsModel, larger_buffer: Do) -> Iterator[Action]:
    """Louder and softer."""
    steps = (
        ("Band louder", "Ctrl+Up", "agent_volume", 0.05),
        ("Band softer", "Ctrl+Down", "agent_volume", -0.05),
        ("You louder", "Ctrl+Shift+Up", "player_volume", 0.05),
        ("You softer", "Ctrl+Shift+Down", "player_volume", -0.05),
    )
    for title, key, setting, by in steps:
        yield Action(title, VOLUME, (key,), partial(_step, model, setting, by), JAM, True)
    yield Action("Larger audio buffer", VOLUME, (LARGER_BUFFER,), larger_buffer)


def settings_actions(
    undo: Do,
    redo: Do,
    presets: Presets,
    save_preset: Do,
    toggle_panel: Do,
    open_panel: Callable[[str], object],
    sections: Iterable[str],
) -> Iterator[Action]:
    """Undo, presets, and the settings panel with its sections."""
    yield Action("Undo", SETTINGS_GROUP, ("Ctrl+Z",), undo, repeats=True)
    yield Action("Redo", SETTINGS_GROUP, ("Ctrl+Shift+Z", "Ctrl+Y"), redo, repeats=True)
    for number in range(1, PRESETS_BY_KEY + 1):
        choose = partial(presets.choose_number, number)
        called = f"Load preset {number}"
        yield Action(LOAD_PRESET, SETTINGS_GROUP, (f"Ctrl+{number}",), choose, JAM, called=called)
    yield Action("Save a preset", SETTINGS_GROUP, ("Ctrl+S",), save_preset, JAM)
    yield Action("Show/hide settings", SETTINGS_GROUP, ("F2",), toggle_panel, JAM)
    for number, title in enumerate(sections, 3):
        show = partial(open_panel, title)
        yield Action(f"Settings: {title}", SETTINGS_GROUP, (f"F{number}",), show, JAM)


def jam_view_actions(look: Look) -> Iterator[Action]:
    """What is seen of the plan."""
    lane = partial(look.toggle, "chord_lane", "Chord lane", "Waterfall")
    yield Action("Waterfall or chord lane", VIEW, ("V",), lane, JAM)
    plan = partial(look.toggle, "show_plan", "Plan shown", "Plan hidden")
    yield Action("Show/hide plan", VIEW, ("Ctrl+H",), plan, JAM)
    yield Action("Zoom in", VIEW, ("PgDown",), partial(look.zoom_by, 1), JAM, True)
    yield Action("Zoom out", VIEW, ("PgUp",), partial(look.zoom_by, -1), JAM, True)
    yield Action("Reset zoom", VIEW, ("Home",), look.reset_zoom, JAM)


def window_actions(
    look: Look, show_page: Callable[[str], object], full_screen: Do, help_: Do, close: Do
) -> Iterator[Action]:
    """The pages, and how the window looks."""
    yield Action("Go to Jam", VIEW, ("Ctrl+J",), partial(show_page, JAM))
    yield Action("Go to Review", VIEW, ("Ctrl+R",), partial(show_page, REVIEW))
    larger, smaller = partial(look.scale_text, 1), partial(look.scale_text, -1)
    yield Action("Larger text", VIEW, ("Ctrl+=", "Ctrl++"), larger, repeats=True)
    yield Action("Smaller text", VIEW, ("Ctrl+-",), smaller, repeats=True)
    yield Action("Reset text size", VIEW, ("Ctrl+0",), partial(look.scale_text, 0))
    yield Action("Next theme", VIEW, ("Ctrl+L",), look.next_theme)
    yield Action("Full screen", VIEW, ("F11",), full_screen)
    yield Action("Shortcuts", VIEW, ("F1",), help_)
    yield Action("Quit", VIEW, ("Ctrl+Q",), close)
