"""Sessions as files: what others read in them, what comes back, and what is refused."""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter, harmony, key, meter, stream, tempo

from jam.agent.rules import RuleBasedPredictor
from jam.audio import sound_file
from jam.charts.text import read_text
from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.files import FILE_RATES, SOUND_SUFFIXES, demo_tunes
from jam.messages.notes import BEND, Expression, ExpressionEvent, PedalEvent, PlayedNote
from jam.messages.snapshot import SongChange
from jam.midi.file import read_midi
from jam.midi.numbers import BEND_REST
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import Meter, TempoMap
from jam.music.rows import ChordState, MelodyState, Row
from jam.performance.offline import render
from jam.performance.take import Take, on_the_grid
from jam.sessions.exports import export
from jam.sessions.imports import import_file, read_json, session_of_midi
from jam.sessions.json_file import session_of_json, session_to_json
from jam.sessions.library import Library
from jam.sessions.reading import player_notes
from jam.sessions.session import LIVE_TAKE, Moment, Session, SessionInfo, SessionTake, TakeInfo
from jam.sessions.takes import reharmonise, replay, revoice
from jam.settings import JamSettings
from tests.support.examples import examples
from tests.support.recorded import Jam, jams
from tests.unit.test_sessions_store import record, without_identity

TUNE = demo_tunes()[0]


def session_of_tune(style: str = "bossa", tune: Path = TUNE) -> Session:
    """A bundled tune with the accompaniment of the rules, in the style with drums and swing."""
    song = read_midi(tune)
    first = song.tempo_map.segments[0]
    settings = JamSettings(bpm=first.bpm, meter=first.meter, accompaniment=style)
    take = render(song, RuleBasedPredictor(), settings, 3)
    notes = tuple(
        PlayedNote(
            i, n.pitch, n.velocity, *map(song.tempo_map.seconds_at, (n.start_frame, n.end_frame))
        )
        for i, n in enumerate(take.parts["player"])
    )
    rows = tuple(Row(MelodyState(60, True), chord) for chord in take.chords)
    pedals = (PedalEvent(True, 1.0), PedalEvent(False, 2.0))
    bends = ((1.0, 10_000), (1.5, 8192))
    expression = tuple(ExpressionEvent(Expression(BEND, 0, value), at_s) for at_s, value in bends)
    length_s = song.tempo_map.seconds_at(len(rows))
    take = replace(
        take,
        parts={**take.parts, "player": tuple(player_notes(notes, song.tempo_map, length_s))},
        pedals=tuple((song.tempo_map.position_at(p.at_s), p.down) for p in pedals),
        expression=on_the_grid(expression, song.tempo_map),
    )
    info = SessionInfo(
        0,
        date_now(),
        length_s,
        "Öwl & <friends>",
        first.bpm,
        first.meter,
        (0, False),
        style,
        4,
        ("blues",),
        "complete",
        len(notes),
        song.tempo_map.place(len(rows) - 1).bar + 1,
    )
    return Session(
        info,
        song.tempo_map,
        3,
        ((0.0, settings),),
        notes,
        pedals,
        rows,
        (),
        (),
        (Moment(1.5, "good", "here"),),
        (SessionTake(TakeInfo(LIVE_TAKE, "As played", "live", settings, 3), take),),
        expression=expression,
    )


@pytest.fixture(scope="module")
def session() -> Session:
    return session_of_tune()


def waltz() -> Session:
    """Another tempo and metre in the middle, and a note in the count-in."""
    tempo_map = TempoMap.constant(97.0, Meter(3, 4)).with_tempo(24, 140.0)
    tempo_map = tempo_map.with_meter(48, Meter(6, 8))
    base = session_of_tune()
    notes = tuple(
        PlayedNote(i, 60 + i, 70, tempo_map.seconds_at(f), tempo_map.seconds_at(f + 3.5))
        for i, f in enumerate((-2.0, 0.0, 4.0, 21.3, 24.0, 47.0, 48.0, 54.0))
    )
    rows = base.rows[:72]
    take = base.takes[0].take
    take = replace(
        take,
        tempo_map=tempo_map,
        pedals=(),
        chords=tuple(row.chord for row in rows),
        parts={
            "player": tuple(player_notes(notes, tempo_map, 20.0)),
            "bass": take.parts["bass"][:4],
        },
    )
    return replace(
        base,
        tempo_map=tempo_map,
        rows=rows,
        notes=notes,
        pedals=(),
        info=replace(base.info, bpm=97.0, meter=Meter(3, 4), length_s=20.0),
        takes=(SessionTake(base.takes[0].info, take),),
    )


def in_ticks(session: Session, part: str) -> list[tuple[int, int, int, int]]:
    """A part's notes to the tick of a MIDI file, as one key a pitch allows."""
    return sorted(
        (round(240 * n.start_frame), round(240 * n.end_frame), n.pitch, n.velocity)
        for n in session.takes[0].take.parts.get(part, ())
    )


@pytest.mark.parametrize("make", [session_of_tune, waltz], ids=["tune", "waltz"])
def test_midi_comes_back_the_same(make: Callable[[], Session], tmp_path: Path) -> None:
    session = make()
    path = tmp_path / "a song.mid"
    assert export(session, path) == [path]
    with Library(tmp_path / "library.sqlite3") as library:
        (info,) = import_file(library, path)
        found = library.session(info.id)
    assert (info.title, info.bpm, info.meter) == ("a song", session.info.bpm, session.info.meter)
    for part in ("player", "chords", "bass", "drums"):
        assert in_ticks(found, part) == in_ticks(session, part), part
    chords = [row.chord for row in found.rows[: len(session.rows)]]
    expected = [row.chord for row in session.rows]
    assert chords == expected[: len(chords)]
    assert not any(state.onset for state in expected[len(chords) :])  # the last one is held
    assert [(s.start_frame, s.bpm, s.meter) for s in found.tempo_map.segments] == [
        (s.start_frame, s.bpm, s.meter) for s in session.tempo_map.segments
    ]
    assert [(p.down, round(p.at_s, 2)) for p in found.pedals] == [
        (p.down, round(p.at_s, 2)) for p in session.pedals
    ]


def test_others_read_the_midi_file(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "jam.mid"
    export(session, path)
    midi = mido.MidiFile(path)
    assert midi.type == 1
    names = [track.name for track in midi.tracks]
    assert names == ["Tempo", "Melody", "Chords", "Bass", "Drums"]
    conductor = midi.tracks[0]
    markers = [m.text for m in conductor if m.type == "marker"]
    onsets = [c for c in session.takes[0].take.chords if c.onset]
    assert [m for m in markers if m != "N.C."] == [c.chord.symbol for c in onsets if c.chord]
    (meters,) = [m for m in conductor if m.type == "time_signature"]
    assert (meters.numerator, meters.denominator) == (
        session.info.meter.numerator,
        session.info.meter.denominator,
    )
    bends = [m.pitch for m in midi.tracks[1] if m.type == "pitchwheel"]
    assert bends == [c.expression.value - 8192 for c in session.expression]
    for name, part in (("Melody", "player"), ("Chords", "chords"), ("Bass", "bass")):
        track = midi.tracks[names.index(name)]
        struck = [m.note for m in track if m.type == "note_on"]
        assert sorted(struck) == sorted(n.pitch for n in session.takes[0].take.parts[part])
    score: Any = converter.parse(path)
    assert len(score.parts) == 4
    melody = [p.midi for n in score.parts[0].flatten().notes for p in n.pitches]
    assert sorted(melody) == sorted(n.pitch for n in session.notes)
    mark = score.flatten().getElementsByClass(tempo.MetronomeMark)[0]
    assert mark.number == pytest.approx(session.info.bpm, abs=0.5)


def test_a_lead_sheet_has_the_sections_of_the_song_that_was_played(tmp_path: Path) -> None:
    """They begin with its first bar, chorus after chorus, until another song is played."""
    at = TempoMap.constant(120.0, Meter())
    tune = tuple(PlayedNote(i, 60 + i % 12, 80, i / 2, i / 2 + 0.4) for i in range(4 * 9))
    line = [ChordState(Chord(0), i % 16 == 0) for i in range(16 * 9)]
    song = read_text("composer: N. N.\n[A] | C6 | C6 | [B] | C6 | C6 |").song
    take = Take(at, {"player": tuple(player_notes(tune, at, 18.0))}, tuple(line))
    session = replace(session_of_midi(read_midi(TUNE)), songs=(SongChange(0.0, song, 1),))
    session = replace(session, takes=(replace(session.takes[0], take=take),))
    export(session, tmp_path / "sheet.musicxml")
    root = ElementTree.parse(tmp_path / "sheet.musicxml").getroot()
    found = [
        (int(measure.get("number", "")), mark.text)
        for measure in root.iter("measure")
        for mark in measure.iter("rehearsal")
    ]
    assert found == [(2, "A"), (4, "B"), (6, "A"), (8, "B")]
    assert root.findtext("identification/creator") == "N. N."


def test_a_lead_sheet_is_read_back_by_music21(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "sheet.musicxml"
    export(session, path)
    score: Any = converter.parse(path)
    assert score.metadata.bestTitle == "Öwl & <friends>"
    part = score.parts[0]
    bars = list(part.getElementsByClass(stream.Measure))
    pickup = bars.pop(0)
    assert all(bar.duration.quarterLength == bar.barDuration.quarterLength for bar in bars)
    # Bar 0 begins with the tune, not with the rests before it.
    silent = pickup.barDuration.quarterLength - pickup.duration.quarterLength
    onsets = [
        n
        for n in part.recurse().notes
        if not isinstance(n, harmony.ChordSymbol) and (n.tie is None or n.tie.type == "start")
    ]
    assert [n.pitch.midi for n in onsets] == [n.pitch for n in session.notes]
    assert [float(n.getOffsetInHierarchy(part)) for n in onsets] == pytest.approx(
        [n.start_frame / 4 - silent for n in read_midi(TUNE).melody()], abs=0.06
    )
    symbols = [
        (
            Fraction(c.getOffsetInHierarchy(part) + silent),
            parse_symbol(c.figure.replace("-", "b"))[0],
        )
        for c in part.recurse().getElementsByClass(harmony.ChordSymbol)
    ]
    line = session.takes[0].take.chords
    assert symbols == [
        (Fraction(frame, 4), state.chord)
        for frame, state in enumerate(line)
        if state.onset or (frame and state.chord is None and line[frame - 1].chord)
    ]
    assert not score.metadata.composer
    assert part.recurse().getElementsByClass(meter.TimeSignature)[0].ratioString == "4/4"
    assert part.recurse().getElementsByClass(key.KeySignature)[0].sharps == 0
    # Written again by music21 and read again, it still has its chords.
    again = converter.parse(Path(score.write("musicxml", fp=tmp_path / "again.musicxml")))
    assert len(again.recurse().getElementsByClass(harmony.ChordSymbol)) == len(symbols)


def short(session: Session) -> Session:
    taken = session.takes[0]
    parts = {
        part: tuple(n for n in notes if n.start_frame < 32)
        for part, notes in taken.take.parts.items()
    }
    return replace(session, takes=(replace(taken, take=replace(taken.take, parts=parts)),))


@pytest.mark.parametrize("rate_hz", FILE_RATES)
def test_sound_is_the_same_in_every_format(session: Session, tmp_path: Path, rate_hz: int) -> None:
    sounds = {}
    for suffix in SOUND_SUFFIXES:
        (file,) = export(short(session), tmp_path / f"jam{suffix}", rate_hz=rate_hz)
        samples, rate = soundfile.read(file, dtype="int16")
        assert rate == rate_hz and samples.shape[1] == 2
        sounds[suffix] = samples.astype(float)
    assert (sounds[".wav"] == sounds[".flac"]).all() and np.abs(sounds[".wav"]).max() > 500
    # An encoder of MP3 begins a little later; at the best place they are the same.
    wav, mp3 = sounds[".wav"][:, 0], sounds[".mp3"][:, 0]
    n = len(wav) + len(mp3)
    together = np.fft.irfft(np.fft.rfft(wav, n).conj() * np.fft.rfft(mp3, n), n)
    assert together.max() > 0.9 * np.sqrt((wav**2).sum() * (mp3**2).sum())


def test_a_format_that_cannot_be_written_here_is_refused_before_anything_is_rendered(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": ""})
    with pytest.raises(JamError, match="encoder"):
        export(session, tmp_path / "jam.mp3")
    assert not list(tmp_path.iterdir())


def test_a_wav_of_over_four_gigabytes_has_the_larger_kind_of_head(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_file, "_WAV_BYTES", 1000)
    (file,) = export(short(session), tmp_path / "jam.wav")
    assert file.read_bytes()[:4] == b"RF64"
    assert len(soundfile.read(file)[0]) > 1000


def test_stems_sum_to_the_mix(session: Session, tmp_path: Path) -> None:
    loud = session.takes[0].info.settings.changed(agent_volume=1.0, player_volume=1.0)
    parts = {
        part: tuple(n for n in notes if n.start_frame < 160)
        for part, notes in session.takes[0].take.parts.items()
    }
    taken = SessionTake(
        replace(session.takes[0].info, settings=loud), replace(session.takes[0].take, parts=parts)
    )
    files = export(replace(session, takes=(taken,)), tmp_path / "jam.wav", stems=True)
    assert [file.name for file in files] == [
        "jam.wav",
        "jam-melody.wav",
        "jam-chords.wav",
        "jam-bass.wav",
        "jam-drums.wav",
    ]
    sounds = []
    for file in files:
        with wave.open(str(file)) as sound:
            assert (sound.getnchannels(), sound.getsampwidth()) == (2, 2)
            sounds.append(np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(int))
    mix, *stems = sounds
    assert all(np.abs(stem).max() > 500 for stem in stems)
    assert np.abs(mix - sum(stems)).max() <= len(stems) / 2 + 1  # each is rounded by itself
    assert np.abs(mix).max() <= 0.97 * 32767 + 1
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f.name for f in files)


@examples(25)
@given(jams())
def test_json_holds_everything(tmp_path_factory: pytest.TempPathFactory, jam: Jam) -> None:
    folder = tmp_path_factory.mktemp("json")
    with Library(folder / "library.sqlite3") as library:
        session = library.session(record(library, jam, title="Ünïcode"))
        library.set_moments(session.info.id, [Moment(1.0, "bad", "hm")])
        library.add_take(
            session.info.id, "Other", "re-voiced", JamSettings(), 1 << 70, session.takes[0].take
        )
        session = library.session(session.info.id)
        export(session, folder / "session.json")
        assert without_identity(read_json(folder / "session.json")) == without_identity(session)
        (info,) = import_file(library, folder / "session.json")
        assert without_identity(library.session(info.id)) == without_identity(session)


def test_other_takes_of_the_same_melody(session: Session) -> None:
    live = session.takes[0].take
    folk = session.settings[0][1].changed(accompaniment="folk")
    voiced = revoice(session, live, folk)
    assert voiced.chords[: len(live.chords)] == live.chords
    assert voiced.parts["chords"] != live.parts["chords"]
    harmonised = reharmonise(session, RuleBasedPredictor(), folk)
    again, other = (
        replay(session, RuleBasedPredictor(), session.settings[0][1], seed) for seed in (3, 4)
    )
    assert again.parts["chords"] == live.parts["chords"] and again.chords == live.chords
    assert other.chords != live.chords
    for take in (voiced, harmonised, again, other):
        assert [(n.pitch, n.velocity) for n in take.parts["player"]] == [
            (n.pitch, n.velocity) for n in live.parts["player"]
        ]
    silent = replace(
        session, takes=(SessionTake(session.takes[0].info, replace(live, parts={"player": ()})),)
    )
    with pytest.raises(BadInput, match="no melody"):
        replay(silent, RuleBasedPredictor(), folk)


def test_a_song_of_others_becomes_a_session(tmp_path: Path) -> None:
    """Tracks by their names and channels, chord markers of any spelling, other markers left out."""
    midi = mido.MidiFile(ticks_per_beat=480)
    head, voice, piano, bass, drums = (mido.MidiTrack() for _ in range(5))
    midi.tracks += [head, voice, piano, bass, drums]
    for text in ("Verse", "Cmaj7", "F#-7", "N.C."):
        head.append(mido.MetaMessage("marker", text=text, time=960 if text != "Verse" else 0))
    for channel, (track, name, pitch, program) in enumerate(
        [(voice, "Vocals", 72, 52), (piano, "Pno", 60, 4), (bass, "E-Bass", 36, 33)]
    ):
        track.append(mido.MetaMessage("track_name", name=name))
        track.append(mido.Message("program_change", channel=channel, program=program))
        for _ in range(8):
            track.append(mido.Message("pitchwheel", channel=channel, pitch=100 * channel + 50))
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=480))
    drums.append(mido.Message("note_on", channel=9, note=36, velocity=90))
    drums.append(mido.Message("note_off", channel=9, note=36, time=240))
    midi.save(tmp_path / "their_song.mid")
    session = session_of_midi(read_midi(tmp_path / "their_song.mid"))
    assert session.info.title == "their song" and {n.pitch for n in session.notes} == {72}
    moved = [event.expression for event in session.expression]
    assert moved == [Expression(BEND, 0, BEND_REST + 50)] * 8
    assert [control for _, control in session.takes[0].take.expression] == moved
    parts = session.takes[0].take.parts
    assert {part: len(notes) for part, notes in parts.items()} == {
        "player": 8,
        "chords": 8,
        "bass": 8,
        "drums": 1,
    }
    first = session.settings[0][1]
    assert (first.player_program, first.agent_program, first.bass_program) == (52, 4, 33)
    named = [
        state.chord.symbol for state in session.takes[0].take.chords if state.onset and state.chord
    ]
    assert named == ["Cmaj7", "F#m7"]
    assert session.rows[-1].chord == ChordState()


# -- files that mean harm


def broken(path: list[str | int], value: object) -> Callable[[dict[str, Any]], object]:
    def spoil(data: dict[str, Any]) -> object:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return data

    return spoil


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a list": (lambda _: [], "expected an object, got a list"),
    "another format": (broken(["format"], "recipe"), "not a session"),
    "another version": (broken(["version"], 2), "version 2"),
    "no notes": (broken(["notes"], "x" * 9), "notes: expected a list, got a text"),
    "pitch": (broken(["notes", 0, 1], 128), "notes[0][1]: expected a whole number <= 127"),
    "pitch as text": (broken(["notes", 0, 1], "60; DROP TABLE"), "notes[0][1]: expected a whole"),
    "time": (broken(["notes", 0, 3], 1e300), "notes[0][3]: expected a number"),
    "true": (broken(["notes", 0, 2], True), "notes[0][2]: expected a whole number, got true or"),
    "chord": (broken(["rows", 3, 2], "H7"), "rows[3][2]: 'H7' is none"),
    "row": (broken(["rows", 1], [1, True]), "rows[1]: expected a list of length 4"),
    "tempo": (broken(["tempo"], [[0, 0.0, 1e9, "4/4", 0, 0]]), "tempo[0][2]: expected a number <="),
    "metre": (broken(["tempo"], [[0, 0.0, 99.0, "4/0", 0, 0]]), "tempo: metre"),
    "empty tempo": (broken(["tempo"], []), "tempo: expected a list of length >= 1"),
    "tempo backwards": (
        broken(["tempo"], [[9, 9.0, 99.0, "4/4", 0, 0], [0, 0.0, 99.0, "4/4", 0, 0]]),
        "tempo: it must begin",
    ),
    "setting": (broken(["settings", 0, 1, "bpm"], 1e9), "settings[0][1].bpm: expected a number <="),
    "settings that clash": (
        broken(["settings", 0, 1], {"key_lock": [0, False], "palette": ["F#7"]}),
        "settings[0]: palette F#7: none of these chords",
    ),
    "no settings": (broken(["settings"], []), "settings: expected a list of length >= 1"),
    "plan": (
        broken(
            ["plans"],
            [
                {
                    "at_s": 0,
                    "made_at_frame": 0,
                    "start_frame": 1,
                    "committed_until_frame": 1,
                    "chords": [["C", True]],
                    "melody": [],
                    "confidence": [],
                }
            ],
        ),
        "plans[0]: chords, melody",
    ),
    "half a plan": (
        broken(["plans"], [{"at_s": 0, "chords": []}]),
        "plans[0]: object missing required field",
    ),
    "moment": (broken(["moments"], [[0.0, "evil", ""]]), "moments[0][1]: 'evil' is none"),
    "counter": (
        broken(["counters"], [[0.0, {"plans": 1 << 50}]]),
        "counters[0][1].plans: expected a whole number <=",
    ),
    "no number": (broken(["counters"], [[0.0, {"plan_ms": 1e999}]]), "JSON is malformed"),
    "date": (broken(["session", "started_at"], "yesterday"), "session: date 'yesterday'"),
    "date beyond": (broken(["session", "started_at"], "0001-01-01T00:00:00+14:00"), "session: "),
    "title": (broken(["session", "title"], "x" * 300), "session: title: longer"),
    "tags": (broken(["session", "tags"], ["x"] * 1000), "session.tags: expected a list of length"),
    "rating": (broken(["session", "rating"], 1 << 80), "session.rating: expected a whole number"),
    "seed": (broken(["session", "seed"], "9" * 5000), "session.seed: expected a text matching"),
    "no takes": (broken(["takes"], []), "takes: expected a list of length >= 1"),
    "take twice": (lambda data: {**data, "takes": data["takes"] * 2}, "takes: "),
    "part": (broken(["takes", 0, "parts"], {"../../etc": []}), "takes[0].parts: '../../etc' is"),
    "kind": (broken(["takes", 0, "kind"], "bootleg"), "takes[0].kind: 'bootleg' is none"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str, session: Session, tmp_path: Path) -> None:
    spoil, said = HOSTILE[name]
    path = tmp_path / "hostile.json"
    small = replace(session, rows=session.rows[:8], notes=session.notes[:2])
    path.write_text(json.dumps(spoil(json.loads(b"".join(session_to_json(small))))))
    with Library(tmp_path / "library.sqlite3") as library:
        with pytest.raises(BadInput, match=re.escape(said)) as refused:
            import_file(library, path)
        assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
        assert len(str(refused.value)) < len(str(path)) + 200
        assert library.sessions() == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": NaN}', b"1" * 100_000],
    ids=["empty", "cut off", "binary", "deep", "NaN", "a long number"],
)
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"bad\.json: "):
        read_json(path)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner)
)


@given(
    st.sampled_from(
        [
            "session",
            "tempo",
            "settings",
            "notes",
            "pedals",
            "rows",
            "plans",
            "counters",
            "moments",
            "takes",
        ]
    ),
    values,
)
def test_whatever_stands_in_a_file_it_is_read_or_refused(name: str, value: object) -> None:
    take = {"id": 0, "name": "x", "kind": "live", "settings": {}, "parts": {}, "chords": []}
    data = {
        "format": "jam session",
        "version": 1,
        "tempo": [[0, 0.0, 99.0, "4/4", 0, 0]],
        "session": {"started_at": "2026-01-01T00:00:00", "length_s": 1.0},
        "settings": [[0.0, {}]],
        "takes": [take],
    }
    assert session_of_json(data).seed == 0
    with suppress(BadInput):
        session_of_json({**data, name: value})
