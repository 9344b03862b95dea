"""What each key does with the song, in the order of the list under F1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from jam.music.keep import KEPT_BARS
from ui.common.pages import JAM
from ui.shortcuts.actions import Action
from ui.songs.editor import ChartEditor
from ui.songs.keep import KEEP_KEY
from ui.songs.model import SongModel

SONG = "Song"


def song_actions(
    model: SongModel, editor: ChartEditor, write: Callable[[], object]
) -> Iterator[Action]:
    """Keep, and the bars of the chord lane."""
    yield Action("Keep the last bars, or let go", SONG, (KEEP_KEY,), model.keep_or_let_go, JAM)
    for bars in KEPT_BARS:
        title = f"Keep the last {bars} bars"
        yield Action(title, SONG, (), partial(model.keep, bars), JAM)
    yield Action("Write bars", SONG, ("Ctrl+E",), write, JAM)
    yield Action(
        "Loop the selected bars, or the whole song", SONG, ("Ctrl+Shift+O",), model.loop, JAM
    )
    yield Action("Next bar", SONG, ("Alt+Right",), partial(model.move, 1), JAM, True)
    yield Action("Previous bar", SONG, ("Alt+Left",), partial(model.move, -1), JAM, True)
    more, fewer = partial(model.move, 1, True), partial(model.move, -1, True)
    yield Action("Select one bar more", SONG, ("Alt+Shift+Right",), more, JAM, True)
    yield Action("Select one bar fewer", SONG, ("Alt+Shift+Left",), fewer, JAM, True)
    yield Action("Copy bars", SONG, ("Ctrl+C",), editor.copy, JAM)
    yield Action("Cut bars", SONG, ("Ctrl+X",), editor.cut, JAM)
    yield Action("Paste bars", SONG, ("Ctrl+V",), editor.paste, JAM)
    yield Action("Leave bars to the agent", SONG, ("Del", "Backspace"), model.free, JAM)
    yield Action("Insert a bar", SONG, ("Ins",), partial(model.insert, True), JAM)
    yield Action("Delete bars", SONG, ("Ctrl+Del",), model.delete, JAM)
    yield Action("Name a section", SONG, ("Ctrl+G",), editor.ask_section, JAM)
    yield Action("Chord lane ahead", SONG, ("Alt+Down",), partial(model.scroll, 1), JAM, True)
    yield Action("Chord lane back", SONG, ("Alt+Up",), partial(model.scroll, -1), JAM, True)
