"""Bars composed again: what lies outside of them is as it was, in every format of export."""

from __future__ import annotations

import re
import wave
import xml.etree.ElementTree as xml
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.rewriting import REWRITTEN_PARTS, Filling, RewrittenPart
from jam.cli.main import load_rewriter, main
from jam.errors import BadInput
from jam.files import library_path
from jam.messages.notes import Note
from jam.music.chord import Chord
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState
from jam.performance.rewriting import RewriteWish, Selection, gap_of, n_bars, patch_of, stays
from jam.performance.take import Take
from jam.sessions.exports import export
from jam.sessions.json_file import session_of_text
from jam.sessions.library import Library
from jam.sessions.session import LEVELS, OWN_MELODY, Made, Session, SessionTake
from jam.sessions.tasks import propose
from jam.settings import JamSettings
from tests.support.examples import examples
from tools.support.session_parts import made_session, played_tune, waltz

CHORDS = tuple(Chord(root, quality) for root in (0, 2, 5, 9) for quality in ("maj", "min7", "7"))


@cache
def jam(waltzes: bool) -> Session:
    return waltz() if waltzes else made_session(played_tune(32, 0.5))


def rewriting(
    waltzes: bool, first: int, n: int, part: RewrittenPart, seed: int
) -> tuple[Session, Selection, Filling]:
    """A session, some of its bars, and anything in their place."""
    session = jam(waltzes)
    take = session.takes[0].take
    first %= n_bars(take)
    selection = Selection(first, min(first + n, n_bars(take) - 1), part)
    gap = gap_of(take, RewriteWish(selection), session.takes[0].info.settings)
    melody, chords = list(gap.melody), list(gap.chords)
    dice = Random(seed)
    note, chord = REST, NO_CHORD
    for t in range(len(melody)):
        if dice.random() < 0.3:
            note = MelodyState(dice.randrange(55, 80), True)
        if dice.random() < 0.1:
            chord = ChordState(dice.choice(CHORDS), True)
        if gap.melody_open[t]:
            melody[t] = note
        if gap.chord_open[t]:
            chords[t] = chord
        note, chord = replace(note, onset=False), replace(chord, onset=False)
    return session, selection, Filling(tuple(melody), tuple(chords), 0.0)


def rewritten(session: Session, selection: Selection, filling: Filling) -> Take:
    taken = session.takes[0]
    settings, seed = taken.info.settings, taken.info.seed
    gap = gap_of(taken.take, RewriteWish(selection), settings)
    return patch_of(taken.take, gap, selection, filling, settings, seed).on(taken.take)


def outside(notes: tuple[Note, ...], frames: range) -> set[tuple[float, float, int, int]]:
    """What of the notes sounds before and after some frames; what is shorter than a frame there
    belongs to them."""
    found = set()
    for note in notes:
        before = min(note.end_frame, float(frames.start))
        if note.start_frame < frames.start:
            found.add((note.start_frame, before, note.pitch, note.velocity))
        if note.end_frame >= frames.stop + 1:
            after = max(note.start_frame, float(frames.stop))
            found.add((after, note.end_frame, note.pitch, note.velocity))
        elif note.start_frame >= frames.stop:
            found.add((note.start_frame, note.end_frame, note.pitch, note.velocity))
    return found


@given(
    st.booleans(),
    st.integers(0, 20),
    st.integers(0, 3),
    st.sampled_from(REWRITTEN_PARTS),
    st.integers(0, 1000),
)
@examples(40)
def test_outside_of_the_selection_a_take_is_as_it_was(
    waltzes: bool, first: int, n: int, part: RewrittenPart, seed: int
) -> None:
    session, selection, filling = rewriting(waltzes, first, n, part, seed)
    old, frames = session.takes[0].take, selection.frames(session.tempo_map)
    new = rewritten(session, selection, filling)
    for name in ("chords", "bass", "drums"):
        band, band_now = (tuple(take.parts.get(name, ())) for take in (old, new))
        if selection.chords:
            assert outside(band, frames) == outside(band_now, frames)
        else:
            assert band == band_now
    player, played = (tuple(take.parts["player"]) for take in (old, new))
    if selection.melody:
        kept = [note for note in player if stays(note, frames)]
        assert [note for note in played if stays(note, frames)] == kept
    else:
        assert player == played
    for frame in range(max(len(old.chords), len(new.chords))):
        was, is_now = (t.chords[frame] if frame < len(t.chords) else NO_CHORD for t in (old, new))
        if not selection.chords or frame not in frames:
            assert is_now.chord == was.chord
            assert is_now.onset == was.onset or frame == frames.stop
    assert (old.tempo_map, old.pedals, old.expression) == (
        new.tempo_map,
        new.pedals,
        new.expression,
    )


def exported(folder: Path, session: Session, take: Take, name: str, suffix: str) -> Path:
    taken = session.takes[0]
    made = (Made(LEVELS[0], "bars", 3),)
    info = replace(taken.info, id=1, kind=OWN_MELODY, made=made)
    both = replace(session, takes=(taken, SessionTake(info, take)))
    path = folder / f"{name}{suffix}"
    export(both, path, 1)
    return path


def midi_events(path: Path, frames: range) -> list[tuple[int, float, int, int]]:
    """Note-ons and names outside of some frames."""
    file, found = mido.MidiFile(path), []
    ticks = file.ticks_per_beat / 4
    for number, track in enumerate(file.tracks):
        at = 0
        for message in track:
            at += message.time
            frame = round(at / ticks, 3)
            if (
                message.type == "note_on"
                and message.velocity
                and not (frames.start <= frame <= frames.stop)
            ):
                found.append((number, frame, message.note, message.velocity))
    return found


def measures(path: Path, selection: Selection) -> list[list[str]]:
    """What stands in the measures outside of the selection, and not next to it (ties, and names
    that are said again); lengths in quarters."""
    part = xml.parse(path).getroot().find("part")
    assert part is not None
    near = range(selection.first_bar - 1, selection.last_bar + 2)
    divisions = float(part.findtext("measure/attributes/divisions", "1"))
    found = []
    for i, measure in enumerate(part.findall("measure")):
        for length in measure.iter("duration"):
            length.text = str(float(length.text or 0) / divisions)
        if i not in near:
            items = [*measure.iter("note"), *measure.iter("harmony")]
            found.append([" ".join("".join(item.itertext()).split()) for item in items])
    return found


@pytest.mark.parametrize("part", REWRITTEN_PARTS)
def test_outside_of_the_selection_every_export_is_as_it_was(
    tmp_path: Path, part: RewrittenPart
) -> None:
    session, selection, filling = rewriting(part == "both", 3, 1, part, 7)
    old, new = session.takes[0].take, rewritten(session, selection, filling)
    frames = selection.frames(session.tempo_map)
    files = {
        suffix: [
            exported(tmp_path, session, take, name, suffix)
            for name, take in (("old", old), ("new", new))
        ]
        for suffix in (".mid", ".musicxml", ".json", *([".wav"] if part == "both" else []))
    }
    was, is_now = (midi_events(path, frames) for path in files[".mid"])
    shared = frames if selection.chords else range(0)
    assert [e for e in was if e[1] not in shared] == [e for e in is_now if e[1] not in shared]
    was_written, is_written = (measures(path, selection) for path in files[".musicxml"])
    assert was_written == is_written
    read = session_of_text(files[".json"][1].read_bytes())
    assert read.takes[1].take == new and read.takes[0].take == old
    assert read.notes == session.notes and read.takes[1].info.made
    until = round(session.tempo_map.seconds_at(frames.start) * 44_100)
    sounds = []
    for path in files.get(".wav", ()):
        with wave.open(str(path)) as sound:
            sounds.append(np.frombuffer(sound.readframes(until), np.int16))
    assert not sounds or np.array_equal(sounds[0], sounds[1])


def test_bars_that_are_not_there_are_bad_input() -> None:
    session = jam(False)
    for first, last in ((0, 99), (50, 51), (3, 2)):
        with pytest.raises(BadInput, match="bars 1 to"):
            gap_of(session.takes[0].take, RewriteWish(Selection(first, last)), JamSettings())


def test_a_rewritten_take_comes_back_from_the_library(tmp_path: Path) -> None:
    session = jam(False)
    take = session.takes[0].take
    moved = tuple(replace(note, pitch=note.pitch + 2) for note in take.parts["player"])
    new = replace(take, parts={**take.parts, "player": moved})
    made = (Made("melody", "transposed", 4),)
    with Library(tmp_path / "library.sqlite3") as library:
        session_id = library.add(session).id
        info = library.add_take(session_id, "Up", OWN_MELODY, JamSettings(), 7, new, made)
        found = library.session(session_id)
        assert found.takes[0].take == take
        assert found.takes[1].take == new and found.takes[1].info == info
        library.change_take(session_id, info, take)
        assert library.session(session_id).takes[1].take == take
        assert library.take(session_id, info.id).take == take and library.orphans() == 0
        library.erase(session_id)  # and nothing of it stays
        assert library.orphans() == 0 and library.n_rows(session_id)["take_notes"] == 0
        session_id = library.add(session).id
        with pytest.raises(BadInput, match="can't be changed"):
            library.change_take(session_id, found.takes[0].info, new)


def test_of_a_long_session_no_more_is_read_than_lies_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, path = jam(False), tmp_path / "library.sqlite3"
    with Library(path) as library:
        session_id = library.add(session).id
    monkeypatch.setattr("jam.sessions.excerpt.WHOLE_S", 0.0)
    read = {}
    for around_s in (2.0, 600.0):
        monkeypatch.setattr("jam.sessions.excerpt.AROUND_S", around_s)
        with Library(path) as library:
            read[around_s] = library.bars(session_id, 0, 3, 4)
    whole, part = read[600.0].takes[0].take, read[2.0].takes[0].take
    assert whole == session.takes[0].take
    assert 0 < len(part.parts["player"]) < len(whole.parts["player"])
    wish, settings = RewriteWish(Selection(3, 4)), JamSettings()
    frames = wish.selection.frames(session.tempo_map)
    (proposal,) = propose(lambda *_: None, path, session_id, 0, replace(wish, n=1), settings,
                          load_rewriter)  # fmt: skip
    new = proposal.patch.on(whole)
    for name in ("chords", "bass", "player"):
        assert outside(tuple(whole.parts[name]), frames) == outside(tuple(new.parts[name]), frames)
    with pytest.raises(BadInput, match=f"bars 1 to {n_bars(whole)}"):
        propose(lambda *_: None, path, session_id, 0, RewriteWish(Selection(900, 901)), settings,
                load_rewriter)  # fmt: skip


def test_retake_some_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    with Library(library_path()) as library:
        session_id = library.add(jam(False)).id

    def retake(*words: str, status: int = 0) -> str:
        assert main(["sessions", "retake", "last", *words]) == status
        said = capsys.readouterr()
        return said.out + said.err

    part: RewrittenPart = "melody"
    assert "Take 1: Bars 3–4, chords 1" in retake("--bars", "3-4", "--proposals", "2")
    said = retake("--bars", "5", "--part", part, "--little")
    assert "Take 3: Bar 5, melody" in said and re.search(r"\| [A-G]#?\d", said)
    for words, fault in (
        (("--bars", "5-3"), "use 5 or 5-8"),
        (("--bars", "80-90"), "bars 1 to 8"),
        (("--bars", "2", "--how", "voiced"), "don't go together"),
        (("--bars", "2", "--proposals", "0"), "between 1 and"),
        ((), "--how"),
    ):
        assert fault in retake(*words, status=2)
    with Library(library_path()) as library:
        session = library.session(session_id)
    assert [taken.info.kind for taken in session.takes[1:]] == [OWN_MELODY] * 3
    assert session.takes[0].take == jam(False).takes[0].take
    assert [made.level for made in session.takes[3].info.made] == [part]
