"""Songs in the window: bars written, copied and undone, also in a jam; the list; Keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from jam.charts.files import songs_that_come_along
from jam.charts.ireal_out import write_ireal
from jam.charts.text import read_text
from jam.messages.commands import Keep, UseSong
from jam.messages.snapshot import SessionLog, SongChange
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.keep import KEPT_BARS
from jam.music.rows import ChordState, MelodyState, Row
from jam.music.song import Song
from jam.preferences import Preferences
from tests.support.ui_bench import Bench
from ui.jam_page.chart import BarCell
from ui.songs.keep import KEEP, LET_GO

QTest: Any = QtTest.QTest  # whose stubs take another argument than it does
NONE = Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
BLUES = ["F7", "Bb7", "F7", "%", "Bb7", "%", "F7", "D7", "Gm7", "C7", "F7", "C7"]
BLUES_SONG = read_text("| F7 | Bb7 | F7 | % | Bb7 | % | F7 | D7 | Gm7 | C7 | F7 | C7 |").song


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    bench = Bench()
    qtbot.addWidget(bench.window)
    bench.window.show()
    bench.tick()
    yield bench
    bench.close()


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(widget, key, modifiers)


def write(bench: Bench, text: str, key: Qt.Key = Qt.Key.Key_Return) -> None:
    field = bench.window.page.editor.field
    field.selectAll()
    QTest.keyClicks(field, text)
    press(field, key)
    bench.tick(0.02)


def song_of(bench: Bench) -> Song:
    song = bench.window.songs.song
    assert song is not None
    return song


def type_blues(bench: Bench) -> None:
    press(bench.window.waterfall, Qt.Key.Key_E, CTRL)
    for text in BLUES:
        write(bench, text)
    press(bench.window.page.editor.field, Qt.Key.Key_Return)
    bench.tick(0.02)


def cell(bench: Bench, song_bar: int) -> BarCell:
    chart = bench.window.waterfall.chart
    assert chart is not None
    return next(c for c in chart.bars if c.song_bar == song_bar)


def middle(found: BarCell) -> QPoint:
    rect = found.rect
    return QPointF(rect.x + rect.width / 2, rect.y + rect.height / 2).toPoint()


def click(bench: Bench, song_bar: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    fall = bench.window.waterfall
    at = middle(cell(bench, song_bar))
    QTest.mouseClick(fall, Qt.MouseButton.LeftButton, modifiers, at)
    bench.tick(0.02)


def sent(bench: Bench) -> Song | None:
    command = bench.sent(UseSong)[-1]
    assert isinstance(command, UseSong)
    return command.song


def test_a_blues_is_typed_bar_by_bar(bench: Bench) -> None:
    type_blues(bench)
    assert song_of(bench).bars == BLUES_SONG.bars
    assert sent(bench) == song_of(bench)
    chart = bench.window.waterfall.chart
    assert chart is not None
    assert [c.text for c in chart.chords][:2] == ["F7", "B♭7"]
    assert not bench.window.page.editor.field.isVisible()
    assert not bench.notes(), "what is typed isn't played"


def test_undo_and_redo_take_bars_back_one_by_one(bench: Bench) -> None:
    type_blues(bench)
    fall = bench.window.waterfall
    press(fall, Qt.Key.Key_Z, CTRL)
    assert len(song_of(bench).bars) == 11
    assert sent(bench) == song_of(bench)
    press(fall, Qt.Key.Key_Z, CTRL | SHIFT)
    assert song_of(bench).bars == BLUES_SONG.bars


def test_what_cannot_be_read_is_named_and_nothing_is_lost(bench: Bench) -> None:
    type_blues(bench)
    click(bench, 3)
    editor = bench.window.page.editor
    write(bench, "F7 Hx7")
    assert editor.field.isVisible() and editor.field.text() == "F7 Hx7"
    assert "bar 4" in editor.error.text() and "Hx7" in editor.error.text()
    click(bench, 5)
    assert editor.bar == 3 and editor.field.text() == "F7 Hx7"
    write(bench, "F7 Cm7")
    assert [c.symbol.written for c in song_of(bench).bars[3].chords or ()] == ["F7", "Cm7"]
    press(editor.field, Qt.Key.Key_Escape)
    assert not editor.field.isVisible()


def test_bars_are_selected_copied_pasted_and_freed_by_mouse_and_keys(bench: Bench) -> None:
    type_blues(bench)
    fall, songs = bench.window.waterfall, bench.window.songs
    click(bench, 0)
    press(bench.window.page.editor.field, Qt.Key.Key_Escape)
    click(bench, 3, SHIFT)
    assert songs.selected == range(4)
    press(fall, Qt.Key.Key_C, CTRL)
    press(fall, Qt.Key.Key_Delete)
    assert all(bar.chords is None for bar in song_of(bench).bars[:4])
    # By the keys alone: eight bars on, and the last four are what the first were.
    for _ in range(8):
        press(fall, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert songs.selected.start == 11
    for _ in range(3):
        press(fall, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert songs.selected.start == 8
    press(fall, Qt.Key.Key_V, CTRL)
    found = [bar.chords for bar in song_of(bench).bars[8:]]
    assert found == [bar.chords for bar in BLUES_SONG.bars[:4]]
    assert songs.selected == range(8, 12)
    press(fall, Qt.Key.Key_X, CTRL)
    assert all(bar.chords is None for bar in song_of(bench).bars[8:])
    press(fall, Qt.Key.Key_Delete, CTRL)
    assert len(song_of(bench).bars) == 8
    assert sent(bench) == song_of(bench)


def test_a_drag_selects_and_many_bars_are_pasted_into_one(bench: Bench) -> None:
    type_blues(bench)
    fall = bench.window.waterfall
    QTest.mousePress(fall, Qt.MouseButton.LeftButton, NONE, middle(cell(bench, 1)))
    QTest.mouseMove(fall, middle(cell(bench, 6)))
    QTest.mouseRelease(fall, Qt.MouseButton.LeftButton, NONE, middle(cell(bench, 6)))
    assert bench.window.songs.selected == range(1, 7)
    assert not bench.window.page.editor.field.isVisible()
    click(bench, 2)
    write(bench, "| Am7 D7 | Gm7 C7 |")
    texts = [[c.symbol.written for c in bar.chords or ()] for bar in song_of(bench).bars[2:4]]
    assert texts == [["Am7", "D7"], ["Gm7", "C7"]]


def test_bars_are_written_while_the_music_goes_on(bench: Bench) -> None:
    type_blues(bench)
    press(bench.window.waterfall, Qt.Key.Key_Space)
    bench.tick(5.0)
    click(bench, 5)
    write(bench, "Bdim7", Qt.Key.Key_Return)
    assert sent(bench) == song_of(bench)
    assert [c.symbol.written for c in song_of(bench).bars[5].chords or ()] == ["Bdim7"]
    bench.tick(20.0)
    chart = bench.window.waterfall.chart
    assert chart is not None
    assert any("chorus 2" in found.number for found in chart.bars)
    assert "×" in (bench.window.waterfall.scene.now.place if bench.window.waterfall.scene else "")


def test_sections_and_repeats_are_signs_that_play_out(bench: Bench) -> None:
    type_blues(bench)
    songs = bench.window.songs
    songs.select(range(4))
    songs.set_section("A")
    songs.set_repeat(2)
    bench.tick(0.02)
    assert len(song_of(bench).chorus.bars) == 16
    assert cell(bench, 0).section == "A"
    songs.set_repeat(1)
    assert len(song_of(bench).chorus.bars) == 12


def log(
    rows: int, first: int = 0, songs: tuple[SongChange, ...] = (), session: int = 1
) -> SessionLog:
    """Rows of a form of 8 bars."""
    made = tuple(
        (
            f,
            Row(
                MelodyState(60 + f // 16 % 8, f % 4 == 0),
                ChordState(Chord(5 * (f // 16 % 8) % 12, "maj"), f % 16 == 0),
            ),
        )
        for f in range(first, first + rows)
    )
    return SessionLog(
        session, 100.0, tempo_map=TempoMap.constant(100, Meter(), 100.0), rows=made, songs=songs
    )


def test_keep_offers_the_form_and_lets_go(bench: Bench) -> None:
    window = bench.window
    button = window.keep_button
    assert button.text() == KEEP
    press(window.waterfall, Qt.Key.Key_Space)
    bench.tick(0.1)
    window._logs.append(log(16 * 32))
    bench.tick(0.02)
    assert window.songs.form is not None and window.songs.form.bars == 8
    assert button.text() == "8 bars?"
    press(window.waterfall, Qt.Key.Key_K, CTRL)
    assert bench.sent(Keep) == [Keep(8)]
    kept = read_text("| C | F | Bb | Eb | Ab | Db | Gb | B |").song
    window._logs.append(log(1, 16 * 32, (SongChange(120.0, kept, 32),)))
    bench.tick(0.02)
    assert window.songs.song == kept and window.songs.first_bar == 32
    assert button.text() == LET_GO
    press(window.waterfall, Qt.Key.Key_Z, CTRL)
    assert window.songs.song is None and sent(bench) is None
    press(window.waterfall, Qt.Key.Key_Z, CTRL | SHIFT)
    assert window.songs.song == kept and bench.sent(UseSong)[-1] == UseSong(kept, 32)
    assert button.text() == LET_GO
    button.click()
    assert window.songs.song is None and sent(bench) is None
    assert button.text() != LET_GO
    press(window.waterfall, Qt.Key.Key_Z, CTRL)
    assert sent(bench) == kept


def test_every_number_of_bars_is_an_action_of_its_own(bench: Bench) -> None:
    press(bench.window.waterfall, Qt.Key.Key_Space)
    bench.tick(0.1)
    for bars in KEPT_BARS:
        action = next(a for a in bench.window.keymap if a.name == f"keep-the-last-{bars}-bars")
        action.run()
    assert bench.sent(Keep) == [Keep(bars) for bars in KEPT_BARS]


def test_the_window_begins_with_the_song_of_the_last_time(bench: Bench) -> None:
    type_blues(bench)
    song = song_of(bench)
    bench.window.close()
    again = Bench(Preferences(song=bench.kept["song"]))
    assert again.window.songs.song == song and again.sent(UseSong) == [UseSong(song)]
    again.close()


def test_an_older_version_that_is_told_back_takes_nothing_away(bench: Bench) -> None:
    type_blues(bench)
    press(bench.window.waterfall, Qt.Key.Key_Space)
    bench.tick(3.0)
    first = song_of(bench)
    bench.window._logs.append(log(1, 0, (SongChange(100.0, first, 0),)))
    bench.tick(0.02)
    songs = bench.window.songs
    songs.write(0, "Am7")
    older = song_of(bench)
    songs.write(1, "Dm7")
    newest = song_of(bench)
    bench.window._logs.append(log(1, 1, (SongChange(100.0, older, 0),)))
    bench.tick(0.02)
    assert song_of(bench) == newest
    bench.window._logs.append(log(1, 2, (SongChange(100.0, newest, 0),)))
    bench.tick(0.02)
    assert song_of(bench) == newest and not songs.kept


# -- the list ---------------------------------------------------------------------------------


def titles(bench: Bench) -> list[str]:
    items = bench.window.page.songs.list
    return [(item.text() if (item := items.item(i)) else "") for i in range(items.count())]


def choose(bench: Bench, words: str, qtbot: QtBot) -> None:
    section = bench.window.page.songs
    section.search.setText(words)
    qtbot.waitUntil(lambda: section.list.count() == 1)
    section.list.setCurrentRow(0)


def test_songs_are_searched_used_and_let_go(bench: Bench, qtbot: QtBot) -> None:
    window, section = bench.window, bench.window.page.songs
    window.page.show_tab("Songs")
    qtbot.waitUntil(lambda: len(titles(bench)) >= len(songs_that_come_along()))
    choose(bench, "folia", qtbot)
    section.use_button.click()
    assert song_of(bench).meter == Meter(3, 4)
    assert window.model.settings.meter == Meter(3, 4), "its metre is taken"
    assert window.model.settings.listen_bars == 0
    section.let_go.click()
    assert sent(bench) is None and window.model.settings.listen_bars == 2


def test_in_a_jam_another_metre_is_asked_about(bench: Bench, qtbot: QtBot) -> None:
    window = bench.window
    press(window.waterfall, Qt.Key.Key_Space)
    bench.tick(3.0)
    window.songs.use(read_text("metre: 3/4\n| C | G7 |").song)
    assert window.songs.song is None and not bench.sent(UseSong)
    assert "3/4" in window.notices.text and "4/4" in window.notices.text
    window.asked.buttons[0].click()
    assert song_of(bench).meter == Meter(3, 4)
    assert sent(bench) == song_of(bench)


def test_songs_are_kept_renamed_doubled_deleted_and_brought_back(
    bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    window, section = bench.window, bench.window.page.songs
    window.page.show_tab("Songs")
    section.import_text("title: Ours alone\n| C | G7 |")
    choose(bench, "ours alone", qtbot)
    song_id = section._chosen()
    assert isinstance(song_id, int)
    section.rename(song_id, read_text("title: Ours alone\n| C | G7 |").song, "Yours alone")
    choose(bench, "yours", qtbot)
    section.duplicate()
    qtbot.waitUntil(lambda: section.list.count() == 2)
    section.list.setCurrentRow(0)
    section.delete()
    qtbot.waitUntil(lambda: section.list.count() == 1)
    window.undo()
    qtbot.waitUntil(lambda: section.list.count() == 2)
    section.step(-1)
    section.search.setText("ours alone")
    qtbot.waitUntil(lambda: section.list.count() >= 1)
    for suffix in (".txt", ".cho", ".musicxml", ".html", ".irealb"):
        path = tmp_path / f"song{suffix}"
        section.export(BLUES_SONG, path)
        assert str(path) in section.hint.text() and path.exists()


def test_links_are_pasted_and_faults_are_said(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    window, section = bench.window, bench.window.page.songs
    window.page.show_tab("Songs")
    link, _ = write_ireal(read_text("title: Linked one\n| Dm7 | G7 | C | C |").song)
    section.import_text(link)
    choose(bench, "linked", qtbot)
    bad, good = tmp_path / "bad.txt", tmp_path / "good.txt"
    bad.write_text("| C | Hx |")
    good.write_text("title: Good one\n| C | F |")
    section.import_files([bad, good])
    assert "bad.txt" in section.hint.text() and "bar 2" in section.hint.text()
    choose(bench, "good one", qtbot)


def test_what_is_written_is_in_the_library_with_its_versions(bench: Bench, qtbot: QtBot) -> None:
    type_blues(bench)
    bench.window.page.show_tab("Songs")
    section = bench.window.page.songs
    section.search.setText("untitled 12 bars")
    qtbot.waitUntil(lambda: section.list.count() >= 1)
