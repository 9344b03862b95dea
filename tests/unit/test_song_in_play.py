"""A song while it is played: from its text to the notes that sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.charts.bar_text import read_bar
from jam.charts.files import read_song
from jam.charts.text import read_text, write_text
from jam.cli.main import main
from jam.errors import BadInput
from jam.files import demo_tunes
from jam.messages.notes import AGENT, SONG, PlannedNote
from jam.midi.file import read_midi
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import TempoMap
from jam.music.rows import ChordState
from jam.music.song import Bar, Song, clear, delete, insert, meter_at, symbol_at, write_bar
from jam.performance.conductor import Conductor
from jam.performance.song_line import SongInPlay
from jam.settings import JamSettings
from tests.support.examples import examples
from tests.support.strategies import bpms, songs, usual_meters

SETTINGS = JamSettings(listen_bars=0, metronome=False, accompaniment="held")


def pitch_classes(chord: Chord, symbol: Symbol | None) -> set[int]:
    """What may sound of a chord: what is written for it, where a song has it."""
    if symbol is None or symbol.chord != chord:
        return set(chord.pitch_classes)
    written = {(chord.root + interval) % 12 for interval in symbol.intervals}
    return written if symbol.bass is None else written | {symbol.bass}


class Jam:
    """A conductor with the rules as its agent, played by nobody, frame after frame."""

    def __init__(self, song: Song, first_bar: int = 0, agent: bool = True) -> None:
        start = SETTINGS.changed(meter=song.meter)
        self.conductor = Conductor(start, 0.0, follows_stops=False)
        self.anticipator = Anticipator(RuleBasedPredictor())
        self.agent = agent
        self.song = SongInPlay(song, first_bar)
        self.conductor.use_song(song, self.now_s(-1), first_bar)
        self.notes: dict[int, PlannedNote] = {}

    def now_s(self, frame: float) -> float:
        return self.conductor.tempo_map.seconds_at(frame)

    def play(self, frames: int) -> None:
        for _ in range(frames):
            conductor = self.conductor
            frame = len(conductor.rows)
            now_s = self.now_s(frame + 0.75)
            if conductor.advance(now_s) and self.agent:
                conductor.take(self.anticipator.plan(conductor.request()), now_s)
            assert len(conductor.rows) == frame + 1
            self.notes.update((n.note_id, n) for n in conductor.notes() if n.committed)

    def check(self) -> None:
        """In every frame that was played what the song has, and no note of another chord."""
        conductor = self.conductor
        line = conductor.chord_line()
        for frame, state in enumerate(line):
            place = conductor.tempo_map.place(frame)
            if place.bar >= self.song.first_bar:
                bar = place.bar - self.song.first_bar
                assert place.meter == meter_at(self.song.song, bar)
                symbol = symbol_at(self.song.song, bar, place.frame_in_bar)
                if symbol is not None:
                    assert state.chord == symbol.chord, f"frame {frame}"
        for note in self.notes.values():
            if note.part == "chords" and note.start_frame < len(line):
                frame = round(note.start_frame)
                chord = line[frame].chord
                assert chord is not None
                place = conductor.tempo_map.place(frame)
                bar = place.bar - self.song.first_bar
                symbol = symbol_at(self.song.song, bar, place.frame_in_bar) if bar >= 0 else None
                assert note.pitch % 12 in pitch_classes(chord, symbol)


@examples(30)
@given(songs(usual_meters), st.lists(bpms, max_size=3))
def test_a_songs_chords_sound_where_they_stand(song: Song, tempos: list[float]) -> None:
    """In every metre, through repeats, jumps and changes of tempo, from its text on."""
    jam = Jam(read_text(write_text(song)).song)
    for bpm in [None, *tempos]:
        if bpm is not None:
            now_s = jam.now_s(len(jam.conductor.rows) - 0.4)
            jam.conductor.change_settings(jam.conductor.settings.changed(bpm=bpm), now_s)
        jam.play(41)
    jam.check()


BLUES = "| F7 | Bb7 | F7 | % | Bb7 | % | F7 | % | C7 | Bb7 | F7 | C7 |"


def test_what_a_song_fixes_is_committed_to_the_end_of_the_lookahead_without_an_agent() -> None:
    jam = Jam(read_text(BLUES).song, agent=False)
    for _ in range(200):
        jam.play(1)
        conductor = jam.conductor
        lookahead = conductor.settings.lookahead_beats * 4
        assert conductor.committed_until_frame == len(conductor.rows) + lookahead
        assert conductor.phase(jam.now_s(len(conductor.rows))) == "playing"
    jam.check()
    assert jam.conductor.late_plans == 0
    sounding = {round(n.start_frame) // 16 for n in jam.notes.values() if n.part == "chords"}
    assert sounding >= set(range(12))


def test_free_bars_are_the_agents_and_the_song_goes_on_after_them() -> None:
    jam = Jam(read_text("| C | ? | ? | F | G7 |").song)
    jam.play(200)
    jam.check()
    line = jam.conductor.chord_line()
    assert any(state.chord is not None for state in line[16:48])


def test_every_chord_says_who_said_it() -> None:
    jam = Jam(read_text("| C | ? | F | ? |").song)
    said: list[tuple[int, str]] = []
    for _ in range(200):
        n = len(jam.conductor.rows)
        jam.play(1)
        said += jam.conductor.sources(n)
    assert len({frame for frame, _ in said}) == len(said)
    for frame, source in said:
        assert source == (AGENT if frame // 16 % 2 else SONG)
    assert {source for _, source in said} == {AGENT, SONG}


def test_a_song_begins_in_the_bar_that_is_asked_for() -> None:
    jam = Jam(read_text(BLUES).song, first_bar=3)
    jam.play(150)
    jam.check()


def test_another_song_acts_beyond_the_commit_point_and_none_gives_the_agent_back() -> None:
    jam = Jam(read_text("| C | F |").song)
    jam.play(30)
    committed = jam.conductor.committed_until_frame
    before = list(jam.conductor._line[:committed])
    jam.song = replace(jam.song, song=read_text("| Am | Em |").song)
    jam.conductor.use_song(jam.song.song, jam.now_s(len(jam.conductor.rows) - 0.4))
    jam.play(60)
    assert list(jam.conductor._line[:committed]) == before
    line = jam.conductor.chord_line()
    for frame in range(committed, len(line)):
        place = jam.conductor.tempo_map.place(frame)
        symbol = symbol_at(jam.song.song, place.bar, place.frame_in_bar)
        assert symbol is not None
        assert line[frame].chord == symbol.chord
    jam.conductor.use_song(None, jam.now_s(len(jam.conductor.rows) - 0.4))
    jam.play(200)
    assert jam.conductor.request().fixed == ()


def test_the_agent_plans_no_other_chord_than_the_songs() -> None:
    """And the plan is the same, whether it was made step by step or at once."""
    song = SongInPlay(read_text("| C | ? | F |").song)
    jam = Jam(song.song)
    jam.play(20)
    request = jam.conductor.request()
    plan = jam.anticipator.plan(request)
    anew = Anticipator(RuleBasedPredictor())
    jam.conductor.forget_requests()
    assert anew.plan(jam.conductor.request()).chords == plan.chords
    for i, state in enumerate(plan.chords):
        fixed = song.fixed(TempoMap.constant(100, song.song.meter).place(plan.start_frame + i))
        if fixed is not None:
            assert state.chord == fixed.chord


def test_a_slash_bass_sounds() -> None:
    jam = Jam(read_text("| C/E | F | G/B | C |").song)
    jam.play(64)
    jam.check()
    lowest: dict[int, int] = {}
    for note in jam.notes.values():
        bar = round(note.start_frame) // 16
        lowest[bar] = min(lowest.get(bar, 128), note.pitch)
    assert [lowest[bar] % 12 for bar in range(4)] == [4, 5, 11, 0]
    jam = Jam(read_text("| C | C/E |").song)
    jam.play(32)
    assert min(n.pitch for n in jam.notes.values() if 15 < n.start_frame < 31) % 12 == 4


@pytest.mark.parametrize("name", ["7/8", "5/4", "6/8", "3/4"])
def test_metres_of_a_songs_bars_are_the_jams(name: str) -> None:
    jam = Jam(read_text(f"metre: {name}\n| C | 2/4 F | G | 4/4 Am Em |").song)
    jam.play(120)
    jam.check()


def test_what_was_played_is_kept_and_goes_round() -> None:
    jam = Jam(read_text("| C | Am | F | G |").song)
    jam.play(16 * 8 + 5)
    jam.conductor.use_song(None, jam.now_s(16 * 8 + 4.6))
    kept = jam.conductor.keep(4, jam.now_s(16 * 8 + 4.6))
    assert [bar.chords for bar in kept.bars] == [bar.chords for bar in jam.song.song.bars]
    jam.play(16 * 9)
    jam.check()  # in time with what went before
    assert len(jam.conductor.keep(None, jam.now_s(len(jam.conductor.rows) - 0.4)).bars) == 4
    with pytest.raises(BadInput):
        jam.conductor.keep(32, jam.now_s(len(jam.conductor.rows) - 0.4))


def test_a_foot_that_is_early_keeps_the_bar_that_is_nearly_over() -> None:
    jam = Jam(read_text("| C | Am | F | G |").song)
    jam.play(16 * 4 - 2)
    with pytest.raises(BadInput):
        jam.conductor.keep(5, jam.now_s(16 * 4 - 2.4))
    kept = jam.conductor.keep(4, jam.now_s(16 * 4 - 2.4))
    assert [bar.chords for bar in kept.bars] == [bar.chords for bar in jam.song.song.bars]
    assert jam.conductor.playing == SongInPlay(kept, 4)
    jam.play(16 * 6)
    jam.check()


def test_a_plan_that_a_song_has_committed_is_shown() -> None:
    jam = Jam(read_text("| C | Am | F | G |").song)
    for _ in range(100):
        jam.play(1)
        conductor = jam.conductor
        assert conductor.plan is not None
        lookahead = conductor.settings.lookahead_beats * 4
        assert conductor.plan.end_frame == conductor.planned_until_frame
        assert conductor.planned_until_frame == len(conductor.rows) + lookahead


def planned_chord(jam: Jam) -> tuple[int, ChordState]:
    """The first chord that begins beyond what is committed."""
    line, first = jam.conductor._line, jam.conductor.committed_until_frame
    frame = next(f for f in range(first, len(line)) if line[f].onset)
    return frame, line[frame]


def free_jam(frames: int) -> Jam:
    """The agent alone, with a tune through all keys, until a chord is planned."""
    jam = Jam(read_text("| ? |").song)
    settings = jam.conductor.settings.changed(lookahead_beats=16, commit_beats=1)
    jam.conductor.change_settings(settings, jam.now_s(-1))
    for i in range(frames + 64):
        frame, pitch = len(jam.conductor.rows), 60 + 7 * (i // 8) % 12
        if i % 4 == 0:
            jam.conductor.play_at(frame, i + 1, pitch, 80)
        jam.play(1)
        if i % 4 == 3:
            jam.conductor.play_at(frame + 0.9, i - 2, pitch, 0)
        line = jam.conductor._line[jam.conductor.committed_until_frame :]
        if i >= frames and any(state.onset for state in line):
            return jam
    raise AssertionError("no chord was planned")


@pytest.mark.parametrize("frames", [20, 50, 77, 130])
def test_a_chord_that_is_not_wanted_is_planned_anew_without_it(frames: int) -> None:
    jam = free_jam(frames)
    frame, state = planned_chord(jam)
    before = list(jam.conductor._line)
    now_s = jam.now_s(len(jam.conductor.rows) - 0.3)
    assert jam.conductor.judge(frame, False, now_s)
    jam.conductor.take(jam.anticipator.plan(jam.conductor.request()), now_s)
    line = jam.conductor._line
    assert line[frame].chord != state.chord
    assert line[:frame] == before[:frame]
    # An agent that is told everything anew plans the same.
    jam.conductor.forget_requests()
    anew = Anticipator(RuleBasedPredictor()).plan(jam.conductor.request())
    assert anew.chords == tuple(line[anew.start_frame : anew.end_frame])


def test_a_chord_that_stays_stays_whatever_is_played() -> None:
    jam = free_jam(50)
    frame, state = planned_chord(jam)
    now_s = jam.now_s(len(jam.conductor.rows) - 0.3)
    assert jam.conductor.judge(frame, True, now_s)
    settings = jam.conductor.settings.changed(key_lock=(6, False))
    jam.conductor.change_settings(settings, now_s)
    jam.play(frame - len(jam.conductor.rows) + 4)
    assert jam.conductor.chord_line()[frame] == state
    assert not jam.conductor.judge(frame, False, jam.now_s(len(jam.conductor.rows) - 0.3))


def test_there_is_nothing_to_keep_before_anything_was_played() -> None:
    conductor = Conductor(SETTINGS, 0.0)
    with pytest.raises(BadInput):
        conductor.keep(None, -1.0)


# -- the command line ------------------------------------------------------------------------

TUNE = demo_tunes()[0]


@pytest.mark.parametrize("command", ["render", "harmonize"])
def test_a_song_is_given_to_a_melody(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    named = str(TUNE.with_suffix(".txt"))
    assert main([command, str(TUNE), "-o", str(out), "--song", named, "--agent", "rules"]) == 0
    song = read_song(named).song
    take = read_midi(out).from_bar_one()
    named_at = {round(frame): text for frame, text in take.markers}
    assert named_at
    for frame, text in named_at.items():
        place = take.tempo_map.place(frame)
        symbol = symbol_at(song, place.bar, place.frame_in_bar)
        if symbol is not None and symbol.chord is not None and place.bar < len(song.bars) - 2:
            assert text == symbol.chord.symbol
    capsys.readouterr()


@pytest.mark.parametrize(
    ("song", "word"), [("no-such-song", "no-such-song"), ("| C | Hx9 |", "bar 2"), ("waltz", "3/4")]
)
def test_a_song_that_does_not_fit_is_refused(
    song: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    assert main(["render", str(TUNE), "-o", str(out), "--song", song, "--agent", "rules"]) == 2
    assert word in capsys.readouterr().err
    assert not out.exists()


def test_a_song_is_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["songs"]) == 0
    assert "blues" in capsys.readouterr().out
    assert main(["songs", "| C | F |", "--transpose", "2"]) == 0
    assert read_text(capsys.readouterr().out).song == read_text("| D | G |").song
    out = tmp_path / "song.musicxml"
    assert main(["songs", "blues", "-o", str(out)]) == 0
    assert main(["songs", str(out)]) == 0
    capsys.readouterr()
    assert main(["songs", "blues", "-o", str(tmp_path / "song.doc")]) == 2


def edited(song: Song, how: str, at: int, text: str) -> Song:
    """Another version of a song, as the window makes it."""
    bar = at % len(song.bars)
    match how:
        case "write":
            return write_bar(song, bar, read_bar(text, song.meter))
        case "clear":
            return clear(song, bar, bar + 1)
        case "insert":
            return insert(song, bar, (Bar(read_bar(text, song.meter), meter=song.meter),))
        case "delete" if len(song.bars) > 1:
            return delete(song, bar, bar + 1)
        case "repeat":
            signs = replace(song.bars[bar], repeat_starts=True, repeats=2)
            return replace(song, bars=(*song.bars[:bar], signs, *song.bars[bar + 1 :]))
    return song


steps = st.lists(
    st.tuples(
        st.integers(1, 70),
        st.sampled_from(("write", "clear", "insert", "delete", "repeat", "keep", "keep")),
        st.integers(0, 8),
        st.sampled_from(("C", "Am7", "G7b9", "F/A", "?", "N.C.", "B7alt")),
    ),
    max_size=4,
)


@examples(20)
@given(songs(usual_meters, one_meter=True), steps)
def test_what_is_changed_in_mid_jam_sounds_beyond_the_commit_point(
    song: Song, done: list[tuple[int, str, int, str]]
) -> None:
    """Edits, repeats, jumps and Keep, in every metre, from text to sounding notes."""
    jam = Jam(read_text(write_text(song)).song)
    conductor = jam.conductor
    said = [(0, SongInPlay(song))]
    for frames, how, at, text in done:
        jam.play(frames)
        now = len(conductor.rows)
        from_frame, now_s = max(conductor.committed_until_frame, now), jam.now_s(now - 0.2)
        try:
            if how == "keep":
                conductor.keep(1 + at % 4, now_s)
            else:
                conductor.use_song(edited(said[-1][1].song, how, at, text), now_s)
        except BadInput:
            continue
        assert conductor.playing is not None
        said.append((from_frame, conductor.playing))
    jam.play(60)
    line = conductor.chord_line()
    written: dict[int, Symbol | None] = {}
    for frame, state in enumerate(line):
        song_then = next(song for start, song in reversed(said) if start <= frame)
        symbol = written[frame] = song_then.symbol(conductor.tempo_map.place(frame))
        if symbol is not None:
            assert state.chord == symbol.chord, f"frame {frame}"
    for note in jam.notes.values():
        frame = round(note.start_frame)
        if note.part == "chords" and frame < len(line):
            chord = line[frame].chord
            assert chord is not None
            # A chord that goes on where another version begins keeps its voicing.
            struck = next(f for f in range(frame, -1, -1) if line[f].onset)
            own = pitch_classes(chord, written[struck]) | pitch_classes(chord, written[frame])
            assert note.pitch % 12 in own
