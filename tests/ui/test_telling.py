"""What was played, told in the window: the picture as numbers, and the dialog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from jam.messages.snapshot import SongChange
from jam.practice.report import sentences
from jam.sessions.excerpt import Excerpt
from jam.sessions.library import Library
from jam.sessions.practised import csv_text, days_of
from jam.settings import JamSettings
from tools.support.known_players import Player, played, the_tune
from tools.support.session_parts import made_session, played_tune
from ui.common.geometry import Size
from ui.common.theme import DARK
from ui.review.content import content_of
from ui.review.roll import Roll
from ui.review.roll_scene import RollView, roll_scene
from ui.review.statistics import Statistics
from ui.review.telling import Curve, Telling, Told, plots, told_of


def told(path: Path) -> Told:
    with Library(path / "sessions.sqlite3") as library:
        ids = []
        for player in (Player(12, bars=8), Player(-20, bars=8)):
            notes, tempo_map, _ = played(player)
            ids.append(library.add(made_session(notes, tempo_map=tempo_map, title="Twice")).id)
        return told_of(library, ids[-1])


def test_late_is_up_and_early_is_down(tmp_path: Path) -> None:
    bars, beats, before = plots(told(tmp_path), Size(800, 300))
    middle = bars.area.y + bars.area.height / 2
    assert len(bars.points) == 8 and [p.label for p in bars.points][:2] == ["1", "2"]
    assert all(p.y > middle for p in bars.points) and all(p.y < middle for p in before.points)
    assert all(beats.area.contains(p.x, p.y) for p in beats.points)


def test_what_departed_from_a_melody_is_drawn_where_it_was(tmp_path: Path, qtbot: QtBot) -> None:
    player = Player(missed=(20, 33), wrong=(40,), added=(50,), bars=8)
    notes, tempo_map, _ = played(player)
    with Library(tmp_path / "sessions.sqlite3") as library:
        session = made_session(notes, JamSettings(listen_bars=0), tempo_map=tempo_map)
        info = library.add(replace(session, songs=(SongChange(0.0, the_tune(8)),)))
        session, known = library.session(info.id), told_of(library, info.id)
    content = content_of(Excerpt(session, 0))
    at = [(f.is_to_play, round(tempo_map.position_at(f.start_s))) for f in content.faults]
    assert sorted(at) == [(False, 80), (False, 101), (True, 40), (True, 66), (True, 80)]
    roll = Roll()
    qtbot.addWidget(roll)
    roll.show_content(content)
    scene = roll_scene(content, RollView(), roll.areas)
    assert [bar.is_to_play for bar in scene.faults].count(True) <= 3 and scene.faults
    (bars, *_) = plots(known, Size(800, 300))
    per_bar = {bars.points[i].x: count for i, count in ((2, "1"), (4, "1"), (5, "1"), (6, "1"))}
    assert dict(bars.faults) == per_bar


class Asked:
    """A library that answers at once."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def __call__(self, work: Any, then: Any = None) -> None:
        found = work(self.library)
        if then is not None:
            then(found)


def test_statistics_by_day_and_song_are_shown_written_and_deleted(
    tmp_path: Path, qtbot: QtBot
) -> None:
    with Library(tmp_path / "sessions.sqlite3") as library:
        empty = Statistics(Asked(library))
        qtbot.addWidget(empty)
        assert empty.empty.isVisibleTo(empty) and not empty.export.isEnabled()
        session = made_session(played_tune(8))
        for title in ("Blues", "Waltz", "Waltz"):
            song = replace(the_tune(4), title=title)
            library.add(replace(session, songs=(SongChange(0.0, song),)))
        dialog = Statistics(Asked(library))
        qtbot.addWidget(dialog)
        dialog.tabs.setCurrentWidget(dialog.songs)
        names = [dialog.songs.item(i, 1) for i in range(dialog.songs.rowCount())]
        assert [n.text() for n in names if n] == ["Waltz", "Blues"]
        assert not dialog.delete.isEnabled() and not dialog.undo.isEnabled()
        before = days_of(library)
        dialog.songs.selectRow(0)
        dialog.delete.click()
        assert [d.song for d in days_of(library)] == ["Blues"]
        assert dialog.songs.rowCount() == dialog.days.rowCount() == 1
        dialog.undo.click()
        assert days_of(library) == before and not dialog.undo.isEnabled()
        dialog.write(tmp_path / "practice.csv")
        assert (tmp_path / "practice.csv").read_bytes().decode() == csv_text(before)
        dialog.write(tmp_path / "nowhere" / "practice.csv")
        assert "practice.csv" in dialog.words.text()
        assert len(library.sessions()) == 3


def test_the_dialog_says_and_paints(tmp_path: Path, qtbot: QtBot) -> None:
    known = told(tmp_path)
    dialog = Telling(known, DARK)
    qtbot.addWidget(dialog)
    assert dialog.words.text() == "\n".join(sentences(known.report, known.last))
    assert dialog.findChild(Curve) is not None
    assert not dialog.grab().isNull()
    dialog.close()
