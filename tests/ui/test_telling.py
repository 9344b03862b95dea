"""What was played, told in the window: the picture as numbers, and the dialog."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from jam.practice.report import sentences
from jam.sessions.library import Library
from tools.support.known_players import Player, played
from tools.support.session_parts import made_session
from ui.common.geometry import Size
from ui.common.theme import DARK
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


def test_the_dialog_says_and_paints(tmp_path: Path, qtbot: QtBot) -> None:
    known = told(tmp_path)
    dialog = Telling(known, DARK)
    qtbot.addWidget(dialog)
    assert dialog.words.text() == "\n".join(sentences(known.report, known.last))
    assert dialog.findChild(Curve) is not None
    assert not dialog.grab().isNull()
    dialog.close()
