"""Rewriting on the page Review: bars composed again, edits by hand, levels; all can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QPoint, Qt

from jam.music.chord import Chord
from jam.performance.by_hand import chord_span
from jam.performance.take import Take
from jam.sessions.exports import take_of
from jam.sessions.session import LIVE_TAKE, OWN_MELODY
from tests.ui.test_review import Bench
from tests.ui.test_review import bench as bench
from ui.review.by_hand import NOTHING_CHOSEN
from ui.review.rewriting import NO_PROPOSALS
from ui.review.roll_choice import grab
from ui.review.roll_scene import pitch_row

QTest: Any = QtTest.QTest
KEY, ALT, CTRL, SHIFT = (
    Qt.Key,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def take(bench: Bench, take_id: int | None = None) -> Take:
    """As the library has it."""
    session = bench.library.session(bench.ids[0])
    return take_of(session, bench.model.take_id if take_id is None else take_id).take


def edited(bench: Bench, n_edits: int) -> Take:
    """The take in front once there is one of that many edits."""
    bench.wait(lambda: bench.model.take and len(bench.model.take.made) >= n_edits)
    bench.tick()
    assert bench.model.take is not None and bench.model.take.kind == OWN_MELODY
    return take(bench)


def loop_bars(bench: Bench, first: int, last: int) -> range:
    session = bench.model.session
    assert session is not None
    at, bar = session.tempo_map.seconds_at, session.tempo_map.bar_start
    bench.page.playback.set_loop((at(bar(first)), at(bar(last + 1))))
    bench.tick()
    return range(bar(first), bar(last + 1))


def test_bars_are_composed_again_heard_accepted_and_undone(bench: Bench) -> None:
    page, before = bench.page, take(bench, LIVE_TAKE)
    frames = loop_bars(bench, 4, 5)
    bench.key(KEY.Key_N)
    assert not page.rewriting_bar.isVisible() and not page.rewriting.proposals
    bench.key(KEY.Key_R)
    assert page.rewriting_bar.isVisible() and page.rewriting_bar.where.text() == "bars 5–6"
    bench.key(KEY.Key_R)
    assert page.tasks.busy
    bench.wait(lambda: page.rewriting.proposals)
    bench.wait(lambda: bench.model.previews and bench.model.player.playing)
    bench.tick()
    n = len(page.rewriting.proposals)
    assert n == 4 and page.rewriting.chosen == 0 and page.rewriting_bar.offers.isVisible()
    likely = [p.likelihood for p in page.rewriting.proposals]
    assert likely == sorted(likely, reverse=True)
    assert [b.isVisible() for b in page.rewriting_bar.proposals] == [True] * (n + 1) + [False] * 2
    bench.key(KEY.Key_N)
    assert page.rewriting.chosen == 1
    bench.key(KEY.Key_N, SHIFT)
    bench.key(KEY.Key_N, SHIFT)
    assert page.rewriting.chosen == -1
    bench.wait(lambda: not bench.model.previews)
    page.rewriting_bar.proposals[2].click()
    chosen = page.rewriting.proposals[1].patch.on(before)
    bench.key(KEY.Key_Return, CTRL)
    assert edited(bench, 1) == chosen and not page.rewriting.proposals
    for frame, state in enumerate(chosen.chords):
        if frame not in frames and frame != frames.stop:
            assert state == before.chords[frame]
    assert take(bench, LIVE_TAKE) == before
    bench.key(KEY.Key_Z, CTRL)
    bench.wait(lambda: bench.model.take_id == LIVE_TAKE)
    assert len(bench.library.session(bench.ids[0]).takes) == 1
    bench.key(KEY.Key_Z, CTRL | SHIFT)
    bench.wait(lambda: bench.model.take_id != LIVE_TAKE)
    assert take(bench) == chosen


def test_a_proposal_is_kept_as_a_take_and_the_others_discarded(bench: Bench) -> None:
    page, told = bench.page, list[str]()
    bench.model.told.connect(told.append)
    loop_bars(bench, 2, 2)
    bench.key(KEY.Key_R)
    bench.key(KEY.Key_C)
    assert page.rewriting_bar.part.currentText() == "Melody"
    page.rewriting_bar.count.setCurrentIndex(0)
    page.rewriting_bar.compose.click()
    bench.wait(lambda: bench.model.previews)
    bench.key(KEY.Key_K, CTRL)
    bench.wait(lambda: bench.model.session and len(bench.model.session.takes) == 2)
    assert bench.model.take_id == LIVE_TAKE and not page.rewriting.proposals
    bench.key(KEY.Key_R)
    bench.wait(lambda: bench.model.previews)
    bench.key(KEY.Key_Backspace, CTRL)
    bench.wait(lambda: not bench.model.previews)
    assert not page.rewriting_bar.offers.isVisible()
    bench.key(KEY.Key_Return, CTRL)
    assert told[-1] == NO_PROPOSALS


def test_composing_is_cancelled(bench: Bench) -> None:
    bench.key(KEY.Key_R)
    bench.key(KEY.Key_R)
    assert bench.page.news.bar.isVisible()
    bench.page.news.button.click()
    assert not bench.page.tasks.busy and not bench.page.rewriting.proposals


def test_notes_are_edited_by_hand(bench: Bench) -> None:
    page, before, told = bench.page, take(bench, LIVE_TAKE), list[str]()
    bench.model.told.connect(told.append)
    bench.key(KEY.Key_Backspace, ALT)
    assert told[-1] == NOTHING_CHOSEN
    bench.key(KEY.Key_I)
    assert page.roll.edits_notes and page.rewriting_bar.notes.isChecked()
    content, roll = bench.model.content, page.roll
    assert content is not None
    note = next(n for n in content.notes if n.part == "player" and n.start_s > 1)
    row = pitch_row(roll.areas, content, note.pitch)
    x = round(roll.view.x(note.start_s + 0.05, roll.areas.notes.x))
    y = round(row.y + row.height / 2)
    assert grab(content, roll.view, roll.areas, x, y) is not None
    frame_px = round(roll.view.px_per_s * 0.125)
    QTest.mousePress(roll, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    QTest.mouseMove(roll, QPoint(x + 2 * frame_px, round(y - row.height)))
    QTest.mouseRelease(roll, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    new = edited(bench, 1)
    changed = set(new.parts["player"]) - set(before.parts["player"])
    assert [n.pitch for n in changed] == [note.pitch + 1]
    bench.key(KEY.Key_Period, ALT)
    assert len(roll.chosen.notes) == 1
    bench.key(KEY.Key_PageUp, ALT)
    edited(bench, 2)
    bench.key(KEY.Key_Insert)
    assert len(edited(bench, 3).parts["player"]) == len(before.parts["player"]) + 1
    bench.key(KEY.Key_Period, ALT)
    bench.key(KEY.Key_Backspace, ALT)
    assert len(edited(bench, 4).parts["player"]) == len(before.parts["player"])
    for _ in range(4):
        bench.key(KEY.Key_Z, CTRL)
    bench.wait(lambda: bench.model.take_id == LIVE_TAKE)
    assert take(bench) == before


def test_several_are_chosen_with_a_rubber_band_and_clicks_and_changed_as_one(bench: Bench) -> None:
    page, before = bench.page, take(bench, LIVE_TAKE)
    bench.key(KEY.Key_I)
    content, roll = bench.model.content, page.roll
    assert content is not None
    notes = [n for n in content.notes if n.part == "player" and 1 < n.start_s < 4]

    def point(note: Any) -> QPoint:
        row = pitch_row(roll.areas, content, note.pitch)
        x = roll.view.x(note.start_s + 0.05, roll.areas.notes.x)
        return QPoint(round(x), round(row.y + row.height / 2))

    roll.show_muted(("chords", "bass", "drums"))
    left, right = point(notes[0]).x() - 12, point(notes[-1]).x() + 2
    top, bottom = round(roll.areas.notes.y) + 1, round(roll.areas.notes.bottom) - 1
    QTest.mousePress(roll, Qt.MouseButton.LeftButton, pos=QPoint(left, top))
    QTest.mouseMove(roll, QPoint(right, bottom))
    QTest.mouseRelease(roll, Qt.MouseButton.LeftButton, pos=QPoint(right, bottom))
    assert set(notes) <= set(roll.chosen.notes) and not roll.chosen.chords
    assert {n.part for n in roll.chosen.notes} == {"player"}
    QTest.mouseClick(roll, Qt.MouseButton.LeftButton, SHIFT, point(notes[1]))
    QTest.mouseClick(roll, Qt.MouseButton.LeftButton, CTRL, point(notes[2]))
    chosen = roll.chosen.notes
    assert notes[1] not in chosen and notes[2] not in chosen and notes[0] in chosen
    bench.key(KEY.Key_PageUp, ALT)
    new = edited(bench, 1)
    gone = set(before.parts["player"]) - set(new.parts["player"])
    assert len(gone) == len(chosen) == len(roll.chosen.notes)  # they stay chosen
    assert sorted(n.pitch for n in roll.chosen.notes) == sorted(n.pitch + 1 for n in chosen)
    bench.key(KEY.Key_Backspace, ALT)
    assert len(edited(bench, 2).parts["player"]) == len(before.parts["player"]) - len(chosen)
    bench.key(KEY.Key_Z, CTRL)
    bench.key(KEY.Key_Z, CTRL)
    bench.wait(lambda: bench.model.take_id == LIVE_TAKE)
    assert take(bench) == before
    frames = loop_bars(bench, 4, 5)
    page.rewriting_bar.part.show_value("chords")
    bench.key(KEY.Key_A, CTRL)
    assert roll.chosen.chords and not roll.chosen.notes
    bench.key(KEY.Key_PageUp, ALT)
    for f, (old, state) in enumerate(zip(before.chords, edited(bench, 1).chords, strict=True)):
        if old.chord is not None and state.chord is not None:
            up = chord_span(before, f).start in frames
            assert (state.chord.root - old.chord.root) % 12 == up


def test_a_chord_is_typed_and_bars_are_quantised_and_transposed(bench: Bench) -> None:
    page, before = bench.page, take(bench, LIVE_TAKE)
    session = bench.model.session
    assert session is not None
    at = session.tempo_map.seconds_at
    page.rewriting.by_hand.write_chord(at(70), "Ebm7")
    new = edited(bench, 1)
    assert (
        new.chords[70].chord == Chord(3, "min7") and new.parts["player"] == (before.parts["player"])
    )
    page.rewriting.by_hand.write_chord(at(70), "no chord at all")
    assert page.news.isVisible()
    page.rewriting.by_hand.write_chord(at(70), "")
    assert edited(bench, 2).chords[70].chord != Chord(3, "min7")
    frames = loop_bars(bench, 4, 5)
    page.rewriting.by_hand.quantise()
    starts = [n.start_frame for n in edited(bench, 3).parts["player"]]
    assert all(abs(s - round(s)) < 1e-6 for s in starts if round(s) in frames)
    page.rewriting_bar.part.setCurrentIndex(1)
    page.rewriting.by_hand.transpose(12)
    up = edited(bench, 4).parts["player"]
    for old, note in zip(before.parts["player"], up, strict=True):
        assert note.pitch == old.pitch + 12 * (round(old.start_frame) in frames)


@pytest.mark.parametrize("level", ["texture", "performance", "sound", "mix"])
def test_levels_are_made_anew_and_say_of_what_they_are(bench: Bench, level: Any) -> None:
    page, before = bench.page, take(bench, LIVE_TAKE)
    bench.key(KEY.Key_R)
    page.rewriting_bar.again[level].click()
    new = edited(bench, 1)
    assert new.chords == before.chords and new.parts["player"] == before.parts["player"]
    assert page.rewriting_bar.levels[level].text()
    shown = bench.model.take
    assert shown is not None and shown.made[0].level == level
    assert (new.parts != before.parts) == (level in ("texture", "performance"))
    if level == "sound":
        assert shown.settings.agent_program is not None
    if level == "mix":
        assert shown.settings.bass_volume < 1
        bench.key(KEY.Key_Z, CTRL)
        bench.wait(lambda: bench.model.take_id == LIVE_TAKE)
