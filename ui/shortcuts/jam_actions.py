"""The actions of the window: what each key does, in the order of the list under F1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from jam.accompaniment import all_styles
from jam.music.grid import MAX_BPM, MIN_BPM
from jam.settings import LIMITS
from ui.common.notice import LARGER_BUFFER
from ui.common.pages import JAM, REVIEW
from ui.shortcuts.actions import Action
from ui.shortcuts.review_actions import review_actions

if TYPE_CHECKING:
    from ui.window import MainWindow


def actions_of(window: MainWindow) -> Iterator[Action]:
    """All but panic, which is obeyed before anything else, and the piano."""
    yield from _playing(window)
    yield from _agent(window)
    yield from _loudness(window)
    yield from _settings(window)
    yield from _view(window)
    yield from review_actions(window.review)


def _step(window: MainWindow, setting: str, by: float) -> None:
    """A step of a number, within its range."""
    low, high = (MIN_BPM, MAX_BPM) if setting == "bpm" else LIMITS[setting][:2]
    value = getattr(window.desk.settings, setting)
    kind = type(value)
    stepped = kind(min(high, max(low, round(value + by, 4))))
    window.desk.change(**{setting: stepped})


def _turn(window: MainWindow, setting: str) -> None:
    window.desk.change(**{setting: not getattr(window.desk.settings, setting)})


def _next_style(window: MainWindow, by: int) -> None:
    styles, _ = all_styles()
    names = [style.name for style in styles]
    now = window.desk.settings.accompaniment
    index = names.index(now) if now in names else 0
    style = styles[(index + by) % len(names)]
    window.desk.change(f"style {style.title}", accompaniment=style.name)
    window.status.flash(f"Style: {style.title}", window.clock.now_s())


def _playing(window: MainWindow) -> Iterator[Action]:
    group = "Play"
    yield Action("Start or stop", group, ("Space",), window.start_stop, JAM)
    yield Action("Tap the tempo", group, ("B", "Ctrl+T"), window.tap)
    steps = (
        ("Tempo up, by 1", "Up", 1),
        ("Tempo down, by 1", "Down", -1),
        ("Tempo up, by 10", "Shift+Up", 10),
        ("Tempo down, by 10", "Shift+Down", -10),
    )
    for title, key, by in steps:
        yield Action(title, group, (key,), partial(_step, window, "bpm", by), JAM, True)
    turn = partial(_turn, window, "metronome")
    yield Action("Metronome on or off", group, ("N", "Ctrl+Shift+M"), turn, JAM)
    yield Action("A good moment", group, ("+", "="), partial(window.mark, "good"), JAM)
    yield Action("A bad moment", group, ("-",), partial(window.mark, "bad"), JAM)
    mark = partial(window.mark, "marker")
    yield Action("Mark this moment", group, ("M", "Ctrl+M"), mark, JAM)
    yield Action("Private, or recorded", group, ("Ctrl+P",), window.turn_private)


def _agent(window: MainWindow) -> Iterator[Action]:
    group = "Agent"
    steps = (
        ("Fix a beat more ahead", "Right", "commit_beats", 1),
        ("Fix a beat less ahead", "Left", "commit_beats", -1),
        ("Plan a beat further", "Shift+Right", "lookahead_beats", 1),
        ("Plan a beat less far", "Shift+Left", "lookahead_beats", -1),
        ("More adventurous", "Ctrl+Right", "adventurous", 0.1),
        ("Less adventurous", "Ctrl+Left", "adventurous", -0.1),
    )
    for title, key, setting, by in steps:
        yield Action(title, group, (key,), partial(_step, window, setting, by), JAM, True)
    yield Action("Next style", group, ("Ctrl+.",), lambda: _next_style(window, 1), JAM)
    yield Action("Previous style", group, ("Ctrl+,",), lambda: _next_style(window, -1), JAM)
    yield Action("Bass on or off", group, ("Ctrl+B",), lambda: _turn(window, "bass"), JAM)
    yield Action("Drums on or off", group, ("Ctrl+D",), lambda: _turn(window, "drums"), JAM)


def _loudness(window: MainWindow) -> Iterator[Action]:
    steps = (
        ("The agent louder", "Ctrl+Up", "agent_volume", 0.05),
        ("The agent softer", "Ctrl+Down", "agent_volume", -0.05),
        ("You louder", "Ctrl+Shift+Up", "player_volume", 0.05),
        ("You softer", "Ctrl+Shift+Down", "player_volume", -0.05),
    )
    for title, key, setting, by in steps:
        yield Action(title, "Loudness", (key,), partial(_step, window, setting, by), JAM, True)
    larger = window.take_larger_buffer
    yield Action("A larger audio buffer", "Loudness", (LARGER_BUFFER,), larger)


def _settings(window: MainWindow) -> Iterator[Action]:
    group = "Settings"
    yield Action("Take the last change back", group, ("Ctrl+Z",), window.undo, repeats=True)
    yield Action("Make it again", group, ("Ctrl+Shift+Z", "Ctrl+Y"), window.redo, repeats=True)
    for number in range(1, 10):
        yield Action(
            "Choose a preset",
            group,
            (f"Ctrl+{number}",),
            partial(window.presets.choose_number, number),
            JAM,
        )
    yield Action("Save a preset", group, ("Ctrl+S",), window.preset_button.ask_name, JAM)
    yield Action("Settings, open or closed", group, ("F2",), window.toggle_panel, JAM)
    for number, title in enumerate(window.page.sections, 3):
        yield Action(
            f"Settings: {title}", group, (f"F{number}",), partial(window.open_panel, title), JAM
        )


def _view(window: MainWindow) -> Iterator[Action]:
    group, look = "View", window.look
    yield Action(
        "Waterfall or chord lane",
        group,
        ("V",),
        lambda: look.toggle("chord_lane", "Chord lane", "Waterfall"),
        JAM,
    )
    yield Action(
        "Plan shown or hidden",
        group,
        ("Ctrl+H",),
        lambda: look.toggle("show_plan", "The plan is shown", "The plan is hidden"),
        JAM,
    )
    yield Action("Zoom in", group, ("PgDown",), lambda: look.zoom_by(1), JAM, True)
    yield Action("Zoom out", group, ("PgUp",), lambda: look.zoom_by(-1), JAM, True)
    yield Action("No zoom", group, ("Home",), lambda: look.change("Zoom 100%", zoom=1.0), JAM)
    show = window.pages.show_page
    yield Action("The page Jam", group, ("Ctrl+J",), partial(show, JAM))
    yield Action("The page Review", group, ("Ctrl+R",), partial(show, REVIEW))
    yield Action("Larger text", group, ("Ctrl+=", "Ctrl++"), lambda: look.scale_text(1), "", True)
    yield Action("Smaller text", group, ("Ctrl+-",), lambda: look.scale_text(-1), "", True)
    yield Action("Usual text", group, ("Ctrl+0",), lambda: look.scale_text(0))
    yield Action("Next theme", group, ("Ctrl+L",), look.next_theme)
    yield Action("Full screen", group, ("F11",), window.toggle_full_screen)
    yield Action("This list", group, ("F1",), window.help.toggle)
    yield Action("Close the program", group, ("Ctrl+Q",), window.close)
