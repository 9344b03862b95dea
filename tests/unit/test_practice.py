"""What was played, told: players with known errors, and what is said of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import metronome
from jam.charts.text import read_text, write_text
from jam.cli.main import main
from jam.cli.practice import NOTHING_YET
from jam.errors import BadInput
from jam.messages.notes import NoteEvent, PlayedNote
from jam.messages.snapshot import SongChange
from jam.music.chord import Chord
from jam.music.grid import Meter, Place, TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.role import LEADS
from jam.music.song import Bar, Song, symbol_at
from jam.music.tune import with_tune
from jam.performance.song_line import SongInPlay
from jam.practice.against import ADDED, MISSED, WRONG, Against, against, wanted_of
from jam.practice.coach import Coach, next_bpm
from jam.practice.pitches import CHORD, OUTSIDE, SCALE, kind_of
from jam.practice.report import (
    NOTHING_PLAYED,
    Report,
    change_text,
    late_text,
    report_of,
    sentences,
    tune_counts,
)
from jam.practice.timing import Timing, beat_of, struck
from jam.sessions.check import check
from jam.sessions.library import Library
from jam.sessions.practised import before, days_of, delete_days, restore_lines
from jam.settings import JamSettings
from tests.support.examples import examples
from tools.support.known_players import Player, played, put_in, the_tune, wrong_at
from tools.support.session_parts import made_session, played_tune


def told(player: Player) -> Report:
    return report_of(*played(player), key=(0, False))


def timing(player: Player) -> Timing:
    found = told(player).timing
    assert found is not None
    return found


@pytest.mark.parametrize("late_ms", [-45.0, -20.0, 0.0, 15.0, 40.0])
def test_always_early_or_late(late_ms: float) -> None:
    found = timing(Player(late_ms))
    assert found.late_ms == pytest.approx(late_ms, abs=3.0)
    assert found.within_ms == pytest.approx(8 * 0.67, abs=2.5)
    assert found.change is None
    assert late_text(found.late_ms) in sentences(told(Player(late_ms)))[0]


def beside(player: Player, **settings: object) -> Against:
    """What is told of a player beside the melody that is written."""
    notes, tempo_map, rows = played(player)
    now = JamSettings(**settings)  # type: ignore[arg-type]
    change = SongChange(0.0, the_tune(player.bars), 0)
    wanted = wanted_of([change], [(0.0, now)], tempo_map, 0, len(rows))
    found = report_of(notes, tempo_map, rows, (0, False), wanted)
    assert found.tune is not None
    assert (tune_counts(found.tune) or "no others") in " ".join(sentences(found))
    return found.tune


def places(found: Sequence[tuple[Place, str]], what: str) -> list[tuple[int, float]]:
    return [(place.bar, beat_of(place)) for place, which in found if which == what]


@pytest.mark.parametrize(
    "player",
    [
        Player(-20),
        Player(0, 12, drag_bar=4, drag_ms=12),
        Player(10, swing=0.66),
        Player(-20, missed=(9, 10, 40, 77), added=(21, 60), wrong=(33, 90)),
        Player(0, drag_bar=4, drag_ms=12, missed=(50, 100), added=(70, 101), wrong=(13,)),
    ],
)
def test_notes_missed_wrong_and_added_are_told_and_no_others(player: Player) -> None:
    found = beside(player).faulty
    assert places(found, MISSED) == put_in(player.missed)
    assert places(found, WRONG) == put_in(player.wrong)
    assert places(found, ADDED) == put_in(player.added, 0.25)


def test_of_a_melody_only_the_players_notes_are_missed() -> None:
    """Who plays something else hears nothing of the melody."""
    player = Player(missed=(12,))
    assert len(beside(player, tune_plays="left").missed) == 1
    notes, tempo_map, rows = played(player)
    change = SongChange(0.0, the_tune(), 0)
    for settings in (JamSettings(tune_plays="all"), JamSettings(role=LEADS)):
        wanted = wanted_of([change], [(0.0, settings)], tempo_map, 0, len(rows))
        assert report_of(notes, tempo_map, rows, wanted=wanted).tune is None
    wanted = wanted_of([change], [(0.0, JamSettings())], tempo_map, 0, len(rows))
    other = [replace(n, pitch=n.pitch + 1) for n in notes]
    assert report_of(other, tempo_map, rows, wanted=wanted).tune is None


@examples(40)
@given(
    st.lists(st.tuples(st.integers(0, 63), st.integers(55, 67)), max_size=40),
    st.lists(st.tuples(st.integers(0, 63), st.integers(55, 67)), max_size=40),
)
def test_every_note_is_told_once(
    written: list[tuple[int, int]], struck_at: list[tuple[int, int]]
) -> None:
    tempo_map = TempoMap.constant(120.0, Meter(4, 4))
    song = with_tune(Song((Bar(),) * 4), [(f, f + 1, p, 70) for f, p in written], tempo_map, 0)
    at = [(tempo_map.seconds_at(f), p) for f, p in struck_at]
    notes = [PlayedNote(i, p, 70, s, s + 0.1) for i, (s, p) in enumerate(at)]
    wanted = wanted_of([SongChange(0.0, song)], [(0.0, JamSettings())], tempo_map, 0, 64)
    found = against(struck(notes, tempo_map), wanted)
    if found is None:
        return
    used = [s.note.note_id for _, s in (*found.right, *found.wrong)]
    used += [s.note.note_id for s in found.added]
    assert len(used) == len(set(used)) <= len(notes)
    assert found.wanted <= len(wanted.notes)
    assert all(due.pitch == s.note.pitch for due, s in found.right)


@pytest.mark.parametrize("drag_ms", [6.0, 12.0, -8.0])
def test_dragging_from_a_bar_on(drag_ms: float) -> None:
    """Also where the drag comes to more than half a sixteenth, the notes are still recognised."""
    found = timing(Player(drag_bar=4, drag_ms=drag_ms))
    assert found.change is not None
    assert abs(found.change.bar - 4) <= 1
    assert found.change.drift_ms == pytest.approx(drag_ms, abs=0.25 * abs(drag_ms))
    assert found.curve[-1].late_ms == pytest.approx(12 * drag_ms, abs=12)
    assert change_text(found.change) in " ".join(
        sentences(told(Player(drag_bar=4, drag_ms=drag_ms)))
    )


def test_one_beat_unlike_the_others() -> None:
    found = timing(Player(-10, beat_ms=(4, 30.0)))
    levels = {level.at: level.late_ms for level in found.by_beat}
    assert levels[4] == pytest.approx(20.0, abs=5)
    assert levels[3] == pytest.approx(-10.0, abs=5)


@pytest.mark.parametrize("swing", [0.58, 0.62, 2 / 3, 0.7])
def test_swing_is_no_lateness(swing: float) -> None:
    found = timing(Player(-15, swing=swing))
    assert found.swing == pytest.approx(swing, abs=0.02)
    assert found.late_ms == pytest.approx(-15, abs=8)
    assert found.within_ms < 9


def test_wrong_notes_are_found_and_no_others() -> None:
    player = Player(12, wrong=(13, 40, 41, 90))
    report = told(player)
    found = [(h.struck.place.bar, beat_of(h.struck.place)) for h in report.outside]
    assert found == list(wrong_at(player))
    assert f"bar {found[0][0] + 1}, beat {found[0][1]:g}" in " ".join(sentences(report))


def test_what_a_note_is() -> None:
    g7 = Chord(7, "7")
    assert kind_of(65, g7, (0, False)) == CHORD
    assert kind_of(64, g7, (0, False)) == SCALE
    assert kind_of(66, g7, (0, False)) == OUTSIDE


def test_motifs_in_any_key() -> None:
    tempo_map = TempoMap.constant(120.0, Meter(4, 4))
    notes = []
    for start, up in ((0, 0), (8, 5), (24, -3)):
        for i, (at, pitch) in enumerate(((0, 60), (1, 62), (2, 63), (4, 67), (6, 60))):
            at_s = tempo_map.seconds_at(start + at)
            notes.append(PlayedNote(start * 8 + i, pitch + up, 70, at_s, at_s + 0.1))
    line = report_of(notes, tempo_map, []).line
    assert line is not None
    assert line.motifs[0].bars == (0, 0, 1)
    assert line.motifs[0].intervals == (2, 1, 4, -7)


def test_nothing_to_tell() -> None:
    tempo_map = TempoMap.constant(120.0, Meter(4, 4))
    assert sentences(report_of([], tempo_map, [])) == [NOTHING_PLAYED]


@examples(60)
@given(
    st.lists(st.floats(-1.0, 30.0), max_size=40),
    st.sampled_from(["4/4", "3/4", "6/8", "7/8"]),
    st.floats(40, 220),
)
def test_no_note_is_further_off_than_its_neighbours(
    at_s: list[float], meter: str, bpm: float
) -> None:
    tempo_map = TempoMap.constant(bpm, Meter.parse(meter))
    notes = [PlayedNote(i, 60, 70, s, s + 0.1) for i, s in enumerate(at_s)]
    beat_ms = 60_000 / bpm
    for found in struck(notes, tempo_map):
        assert abs(found.late_ms) <= 0.5 * beat_ms
        assert found.meant >= 0
    assert sentences(report_of(notes, tempo_map, []))


def test_practice_and_statistics_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sessions.sqlite3"
    with Library(path) as library:
        first = library.add(made_session(title="One"))
        second = library.add(made_session(played_tune(32), title="Two"))
        earlier = before(library, library.session(second.id))
        assert earlier is not None and earlier.info.id == first.id
    where = ["--library", str(path)]
    assert main(["practice", *where, "last", "--curve"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Two") and late_text(13.0) in out and "Last time" in out
    assert main(["stats", *where]) == 0
    assert "2026-11-20" in capsys.readouterr().out
    table = tmp_path / "practice.csv"
    assert main(["stats", *where, "--csv", str(table)]) == 0
    with table.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["day"], row["sessions"], row["notes"]) == ("2026-11-20", "2", "80")
    assert float(row["late_ms"]) == pytest.approx(13.0, abs=0.5)
    with Library(path) as library:  # the line outlives its session
        library.delete(first.id)
        assert days_of(library)[0].times == 2
    assert main(["stats", *where, "--delete", "2026-11"]) == 0
    assert main(["stats", *where]) == 0
    assert NOTHING_YET in capsys.readouterr().out
    assert main(["stats", *where, "--delete", "yesterday"]) == 2
    assert not check(path).findings


def test_what_was_missed_of_a_melody_is_counted_by_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sessions.sqlite3"
    notes, tempo_map, _ = played(Player(missed=(33, 34), added=(21,), bars=8))
    with Library(path) as library:
        session = made_session(notes, tempo_map=tempo_map)
        library.add(replace(session, songs=(SongChange(0.0, the_tune(8)),)))
        (day,) = days_of(library)
        assert (day.wanted, day.missed, day.wrong, day.added) == (48, 2, 0, 1)
        deleted = delete_days(library, date.min, date.max)
        assert not days_of(library)
        restore_lines(library, deleted)
        assert days_of(library) == (day,)
    assert main(["practice", "--library", str(path), "last", "--curve"]) == 0
    assert "; 2 missed" in capsys.readouterr().out
    assert main(["stats", "--library", str(path)]) == 0
    assert "2 missed, 1 added" in capsys.readouterr().out


LOOPED = "key: C\nloop: 3-4\n| Dm7 | G7 | C | % | Am7 |"


def test_bars_that_go_round_are_kept_with_the_song() -> None:
    song = read_text(LOOPED).song
    assert song.loop == (2, 4) and song.chorus.bars == (2, 3)
    assert read_text(write_text(song)).song == song
    symbols = [symbol_at(song, bar, 0) for bar in range(4)]
    assert [s.written for s in symbols if s] == ["C", "C", "C", "C"]
    beyond = replace(song, loop=(9, 12))
    assert beyond.chorus.bars == (0, 1, 2, 3, 4)
    for bad in ("loop: 4-3", "loop: x", "loop: 0-2"):
        with pytest.raises(BadInput, match="loop"):
            read_text(f"{bad}\n| C |")
    # What a bar takes over from the one before the loop sounds in it.
    assert symbol_at(replace(song, loop=(3, 4)), 0, 0) is not None


def test_a_song_through_the_keys() -> None:
    song = SongInPlay(read_text("key: C\n| Dm7 | G7 |").song, 0, 5)
    meter = Meter(4, 4)

    def roots(chorus: int) -> list[str]:
        states = [song.fixed(Place(2 * chorus + bar, 0, meter)) for bar in range(2)]
        return [s.chord.symbol for s in states if s and s.chord]

    assert roots(0) == ["Dm7", "G7"]
    assert roots(1) == ["Gm7", "C7"]
    assert roots(12) == roots(0)
    assert len({tuple(roots(chorus)) for chorus in range(12)}) == 12


@pytest.mark.parametrize(
    ("rise", "player", "bpm"),
    [
        ("off", Player(0, 5), 110),
        ("turn", Player(0, 60), 114),
        ("well", Player(0, 8), 114),
        ("well", Player(0, 8, wrong=tuple(range(0, 60, 3))), 110),
        ("well", Player(80, 8), 110),
    ],
)
def test_the_tempo_rises(rise: str, player: Player, bpm: float) -> None:
    notes, tempo_map, rows = played(replace(player, bars=8))
    settings = JamSettings(bpm=110.0, tempo_rise=rise)
    coach, ended = Coach(), []
    for frame in range(1, 16 * 9):
        until_s = tempo_map.seconds_at(frame)
        while notes and notes[0].start_s < until_s:
            note = notes.pop(0)
            coach.play(NoteEvent(note.note_id, note.pitch, note.velocity, note.start_s))
            coach.play(NoteEvent(note.note_id, note.pitch, 0, note.end_s or until_s))
        place = PlaceInForm("", 0, 1, frame // (16 * 8))
        over = coach.close(place, rows[:frame], tempo_map, settings)
        if over is not None:
            ended.append(over.bpm)
    assert ended == [bpm]


@pytest.mark.parametrize(
    ("player", "rises"),
    [
        (Player(wrong=(3, 40)), True),
        (Player(missed=tuple(range(0, 64, 4))), False),
        (Player(wrong=tuple(range(64))), False),  # something else, but steady
    ],
)
def test_a_turn_of_a_melody_went_well_by_its_notes(player: Player, rises: bool) -> None:
    notes, tempo_map, rows = played(replace(player, bars=8))
    coach = Coach()
    song, settings = SongChange(0.0, the_tune(8)), JamSettings(bpm=110.0, tempo_rise="well")
    coach.close(PlaceInForm("", 0, 1, 0), [], tempo_map, settings, song)
    for note in notes:
        coach.play(NoteEvent(note.note_id, note.pitch, note.velocity, note.start_s))
        coach.play(NoteEvent(note.note_id, note.pitch, 0, note.end_s or note.start_s))
    over = coach.close(PlaceInForm("", 0, 1, 1), rows, tempo_map, settings, song)
    assert over is not None and (over.bpm > 110.0) == rises


def test_the_tempo_rises_no_further_than_the_goal() -> None:
    settings = JamSettings(bpm=118.0, tempo_rise="turn", tempo_goal=120.0)
    assert next_bpm(settings, True) == 120.0
    assert next_bpm(settings.changed(bpm=130.0), True) == 130.0


def test_the_click_every_other_bar_and_fading_out() -> None:
    tempo_map = TempoMap.constant(120.0, Meter(4, 4))
    other = metronome(tempo_map, 0, 64, clicks="alternate")
    assert {int(n.start_frame) // 16 for n in other} == {0, 2}
    fading = metronome(tempo_map, 0, 16 * 33, clicks="fading")
    by_bar = [
        max((n.velocity for n in fading if n.start_frame // 16 == b), default=0) for b in range(33)
    ]
    assert by_bar[:4] == [by_bar[0]] * 4 and by_bar[32] == by_bar[0]
    assert all(a >= b for a, b in pairwise(by_bar[:32])) and by_bar[16:32] == [0] * 16
