"""Roles: whose turn it is, what the agent plays in its own, and that it keeps its word."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.agent.soloist import planned
from jam.messages.notes import NoteEvent, PlannedNote
from jam.music.chord_notation import Symbol
from jam.music.ear import repeated
from jam.music.grid import Meter, TempoMap
from jam.music.role import ACCOMPANIES, ASKS, FILLS, LEADS, ROLES, SOLOS, TRADES
from jam.music.song import Bar, ChordAt, Song
from jam.performance.conductor import HIDDEN, Conductor
from jam.roles.phrase import SOLO, phrase_of
from jam.roles.solo_in_play import HIGHEST, LOWEST
from jam.roles.turns import FREE_CHORUS_BARS, Role, first_turn_bar, spans
from jam.settings import JamSettings
from tests.support.examples import examples

CHORDS = ("Dm7", "G7", "Cmaj7", "A7")
SONG = Song(tuple(Bar((ChordAt(0, Symbol(c)),)) for c in CHORDS))


class Jam:
    """A session with the rules, driven frame by frame; the player plays where `plays` says so."""

    def __init__(self, seed: int = 3, song: Song | None = SONG, **settings: object) -> None:
        values = {"bpm": 120.0, "listen_bars": 0, **settings}
        self.conductor = Conductor(JamSettings(**values), 0.0, seed)  # type: ignore[arg-type]
        if song is not None:
            self.conductor.use_song(song, 0.0, first_bar=0)
            self.conductor.change_settings(self.conductor.settings, 0.0)
        self.agent = Anticipator(RuleBasedPredictor(), seed)
        self.frame = -1
        self.notes: dict[int, PlannedNote] = {}
        """Of the agent's melody, as they were when they were committed."""

    def play(self, bars: int, quiet: tuple[int, ...] = (), every: int = 2) -> None:
        """So many bars more; in the quiet ones the player rests."""
        map_ = self.conductor.tempo_map
        end = self.frame + 1 + 16 * bars
        while self.frame < end - 1:
            self.frame += 1
            f = self.frame
            if f // 16 not in quiet and f % every == 0:
                pitch = 60 + (0, 2, 4, 7, 9)[f // every % 5]
                self.conductor.play(NoteEvent(f + 1, pitch, 90, map_.seconds_at(f) + 0.01))
                self.conductor.play(NoteEvent(f + 1, pitch, 0, map_.seconds_at(f + 0.8 * every)))
            now_s = map_.seconds_at(f + 0.5)
            if self.conductor.advance(now_s):
                self.conductor.take(planned(self.agent, self.conductor.request()), now_s)
            for note in self.conductor.notes():
                if note.part == SOLO and note.start_frame <= f + 1:
                    self.notes.setdefault(note.note_id, note)

    def bars_played(self) -> set[int]:
        return {int(n.start_frame) // 16 for n in self.notes.values()}


@pytest.mark.parametrize("bars", [2, 4, 8])
def test_trading_takes_turns_with_the_form(bars: int) -> None:
    jam = Jam(role=TRADES, turn_bars=bars)
    jam.play(4 * bars)
    mine = {b for b in range(4 * bars) if b // bars % 2 == 1}
    assert jam.bars_played() <= mine
    assert len(jam.bars_played()) >= len(mine) - 1
    # Its notes end with its turn, and are within what can be played.
    for note in jam.notes.values():
        assert LOWEST <= note.pitch <= HIGHEST
        assert note.end_frame <= (int(note.start_frame) // 16 // bars + 1) * bars * 16 + 1e-6


def test_an_answer_is_as_loud_dense_and_high_as_what_it_answers() -> None:
    jam = Jam(role=TRADES, turn_bars=2)
    jam.play(2)
    request = jam.conductor.request()
    assert request.solo is not None
    assert request.solo.notes_a_beat == pytest.approx(2.0, abs=0.3)
    assert request.solo.mean_pitch == pytest.approx(64.4, abs=1.0)
    assert request.solo.lowest < 60 and request.solo.highest > 69
    jam.play(2, quiet=(2, 3))
    loud = [n.velocity for n in jam.notes.values()]
    assert sum(loud) / len(loud) == pytest.approx(90, abs=10)


def test_a_solo_is_no_copy_of_the_players_chords() -> None:
    """Who comps low and seldom isn't answered by a low and seldom melody."""
    jam = Jam(role=SOLOS)
    jam.play(2, every=16)
    request = jam.conductor.request()
    assert request.solo is not None
    assert (request.solo.notes_a_beat, request.solo.lowest, request.solo.highest) == (
        None, LOWEST, HIGHEST,
    )  # fmt: skip


def test_choruses_are_those_of_the_song_that_is_chosen_last() -> None:
    jam = Jam(song=None, role=SOLOS, role_choruses=2)
    assert jam.conductor._solo.role.end_bar == 2 * FREE_CHORUS_BARS
    jam.conductor.use_song(SONG, -1.0, 0)
    role = jam.conductor._solo.role
    assert (role.first_bar, role.end_bar) == (0, 2 * len(SONG.bars))


@pytest.mark.parametrize(
    ("role", "song", "length"), [(SOLOS, None, FREE_CHORUS_BARS), (LEADS, SONG, 4)]
)
def test_a_role_for_two_choruses(role: str, song: Song | None, length: int) -> None:
    """From the next chorus on; then the agent accompanies, and the band has its chords again."""
    jam = Jam(song=song)
    jam.play(1)
    jam.conductor.change_settings(
        jam.conductor.settings.changed(role=role, role_choruses=2),
        jam.conductor.tempo_map.seconds_at(jam.frame + 0.6),
    )
    first = jam.conductor._solo.role.first_bar
    assert first in range(1, 5) and (song is None or first % length == 0)
    turn = jam.conductor.turn()
    assert turn is not None and turn.begins_in == first - 1
    jam.play(first + 2 * length)  # one bar too many
    assert jam.conductor.role_is_over
    bars = jam.bars_played()
    assert bars <= set(range(first, first + 2 * length)) and first + 1 in bars
    jam.conductor.change_settings(
        jam.conductor.settings.changed(role=ACCOMPANIES),
        jam.conductor.tempo_map.seconds_at(jam.frame + 0.6),
    )
    assert jam.conductor.turn() is None and not jam.conductor.role_is_over
    chords = {int(n.start_frame) // 16 for n in jam.conductor.notes() if n.part == "chords"}
    end = first + 2 * length
    assert end in chords and (role != LEADS or end - 1 not in chords)


def test_the_chords_hear_the_agents_melody_as_the_melody() -> None:
    jam = Jam(role=SOLOS)
    jam.play(6, quiet=tuple(range(6)))
    rows = jam.conductor.rows
    assert any(row.melody.pitch is not None for row in rows)
    for note in (n for n in jam.notes.values() if n.start_frame < len(rows) - 1):
        assert rows[round(note.start_frame - 0.3)].melody.pitch == note.pitch
    # Somebody plays, so the band doesn't end.
    assert jam.conductor.ending is None


@pytest.mark.parametrize("role", [TRADES, SOLOS, LEADS])
def test_what_is_committed_never_changes(role: str) -> None:
    jam = Jam(role=role, turn_bars=2)
    seen: dict[int, PlannedNote] = {}
    for _ in range(8):
        jam.play(1)
        notes = {n.note_id: n for n in jam.conductor.notes() if n.part == SOLO}
        for note_id, note in seen.items():
            if note_id in notes:
                assert notes[note_id].pitch == note.pitch
        for note in notes.values():
            if note.committed:
                seen[note.note_id] = note
        for note in seen.values():
            if note.start_frame > jam.frame - 40:
                assert note.note_id in notes
    assert seen


def test_a_role_is_changed_while_playing_from_a_bar_line_on() -> None:
    jam = Jam()
    jam.play(3)
    assert not jam.notes and jam.conductor.turn() is None
    now_s = jam.conductor.tempo_map.seconds_at(jam.frame + 0.6)
    jam.conductor.change_settings(jam.conductor.settings.changed(role=SOLOS), now_s)
    jam.play(4, quiet=tuple(range(3, 20)))
    assert min(jam.bars_played()) in (3, 4)
    turn = jam.conductor.turn()
    assert turn is not None and turn.is_agents
    now_s = jam.conductor.tempo_map.seconds_at(jam.frame + 0.6)
    jam.conductor.change_settings(jam.conductor.settings.changed(role="accompanies"), now_s)
    jam.play(4)
    assert max(jam.bars_played()) <= 8


def test_gaps_are_filled_and_given_back() -> None:
    jam = Jam(role=FILLS, bpm=90.0)
    jam.play(2)
    assert not jam.notes
    jam.play(1, quiet=(2,))
    assert jam.notes
    first = min(n.start_frame for n in jam.notes.values())
    assert first >= 2 * 16 + 4
    jam.play(1)  # the player comes in again: what hadn't begun isn't played
    last = max(n.start_frame for n in jam.notes.values())
    assert last <= 3 * 16 + 2


def test_a_phrase_is_asked_again_until_it_is_repeated() -> None:
    jam = Jam(role=ASKS, turn_bars=2)
    jam.play(2, quiet=(0, 1))
    asked = [n.pitch for n in sorted(jam.notes.values(), key=lambda n: n.start_frame)]
    assert asked and not any(n.part == SOLO for n in jam.conductor.seen())
    jam.play(2, quiet=(2, 3))  # nothing is repeated
    turn = jam.conductor.turn()
    assert turn is not None and turn.told.startswith(f"0 of {len(asked)}")
    jam.play(2, quiet=(4, 5))
    again = [
        n.pitch
        for n in sorted(jam.notes.values(), key=lambda n: n.start_frame)
        if n.start_frame >= 64
    ]
    assert again == asked
    map_ = jam.conductor.tempo_map
    for i, pitch in enumerate(asked):  # an octave off, which is right too
        at_s = map_.seconds_at(96 + 2 * i % 30 + 0.1)
        jam.conductor.play(NoteEvent(9000 + i, pitch - 12, 80, at_s))
    jam.play(2, quiet=(6, 7))
    turn = jam.conductor.turn()
    assert turn is not None and turn.told.startswith(f"{len(asked)} of {len(asked)}")


@examples(60)
@given(st.lists(st.integers(40, 80), max_size=12), st.lists(st.integers(40, 80), max_size=4))
def test_what_was_repeated(phrase: list[int], more: list[int]) -> None:
    assert repeated(phrase, [*phrase, *more]) == (len(phrase), len(phrase))
    assert repeated(phrase, [*more, *(p + 12 for p in phrase)])[0] == len(phrase)
    right, all_ = repeated(phrase, more)
    assert right <= min(len(more), all_)


def test_a_chord_is_hidden_until_it_is_found() -> None:
    jam = Jam(hide_chords=True)
    jam.play(1, quiet=(0,))
    assert {span.symbol for span in jam.conductor.chord_spans()} == {HIDDEN}
    assert not [n for n in jam.conductor.seen() if n.part in ("chords", "bass")]
    at_s = jam.conductor.tempo_map.seconds_at(18)
    for i, pitch in enumerate((55, 59)):  # G and B, over G7
        jam.conductor.play(NoteEvent(500 + i, pitch, 80, at_s))
    jam.play(1, quiet=(1,))
    symbols = [span.symbol for span in jam.conductor.chord_spans() if span.start_frame < 32]
    assert symbols == [HIDDEN, "G7"]
    shown = {int(n.start_frame) // 16 for n in jam.conductor.seen() if n.part == "chords"}
    assert shown == {1}


def test_bars_that_went_round_lead_on() -> None:
    """Bars 2 and 3 go round, are let go in their midst, and the song goes on with bar 4."""
    jam = Jam(song=replace(SONG, loop=(1, 3)))
    jam.play(5)
    now_s = jam.conductor.tempo_map.seconds_at(jam.frame + 0.6)
    jam.conductor.use_song(SONG, now_s)
    jam.play(7)
    rows = jam.conductor.rows
    symbols = [c.symbol for b in range(12) if (c := rows[16 * b + 8].chord.chord) is not None]
    assert symbols[:4] == ["G7", "Cmaj7"] * 2
    at = symbols.index("A7")
    assert at % 2 == 0 and set(symbols[:at]) == {"G7", "Cmaj7"}
    assert symbols[at : at + 4] == ["A7", "Dm7", "G7", "Cmaj7"]


def test_a_fill_is_as_dense_as_the_phrases_around_it() -> None:
    jam = Jam(role=FILLS)
    jam.play(4, quiet=(1, 3), every=2)
    request = jam.conductor.request()
    assert request.solo is not None
    assert request.solo.notes_a_beat == pytest.approx(2.0, abs=0.2)
    jam.play(1, quiet=(4,))
    assert {1, 3} <= jam.bars_played()  # no gap stays empty


def test_who_leads_leaves_the_chords_to_the_player() -> None:
    jam = Jam(role=LEADS)
    jam.play(4)
    parts = {n.part for n in jam.conductor.notes() if n.start_frame > 32}
    assert SOLO in parts and "chords" not in parts


@examples(60)
@given(
    st.sampled_from(ROLES),
    st.sampled_from([2, 4, 8]),
    st.integers(0, 9),
    st.integers(0, 300),
    st.integers(1, 80),
    st.sampled_from(["4/4", "3/4", "6/8"]),
)
def test_spans_are_the_agents_bars(
    name: str, bars: int, first_bar: int, first: int, length: int, meter: str
) -> None:
    tempo_map = TempoMap.constant(100.0, Meter.parse(meter))
    role = Role(name, bars, first_bar)
    found = list(spans(role, tempo_map, first, first + length))
    assert all(a < b for a, b in found) and all(a[1] <= b[0] for a, b in pairwise(found))
    for frame in range(first, first + length):
        inside = any(a <= frame < b for a, b in found)
        assert inside == role.is_agents(tempo_map.place(frame).bar)


@examples(60)
@given(st.integers(0, 99), st.sampled_from([2, 4, 8]), st.integers(0, 20))
def test_turns_go_with_the_form(bar: int, bars: int, song_bar: int) -> None:
    found = first_turn_bar(bar, bars, song_bar)
    assert bar <= found < bar + bars and (found - song_bar) % bars == 0


def test_a_phrase_in_figures() -> None:
    phrase = phrase_of([(0.0, 60, 80), (2.0, 64, 100), (20.0, 72, 1)], 0, 8, 4)
    assert (phrase.notes_a_beat, phrase.mean_pitch, phrase.velocity) == (1.0, 62, 90)
    assert phrase_of([], 0, 8, 4).notes_a_beat is None
