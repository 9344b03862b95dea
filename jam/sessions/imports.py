"""Files of any origin as sessions: MIDI and recordings, to have them accompanied; JSON and
libraries of jam.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.files import read_limited
from jam.limits import (
    CHORD_CHARACTERS,
    LABEL_CHARACTERS,
    LIBRARY_BYTES,
    MIB,
    SESSION_BYTES,
    SESSION_LISTS,
)
from jam.messages.notes import ExpressionEvent, Note, PedalEvent, PlayedNote, by_part
from jam.midi.file import MidiSong, read_midi
from jam.midi.numbers import DRUM_CHANNEL
from jam.music.chord_notation import chords_of_texts
from jam.music.grid import nearest_frame
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState, Row
from jam.performance.offline import melody_line
from jam.performance.take import Take, on_the_grid
from jam.sessions import voices
from jam.sessions.check import saved_songs, sessions_in
from jam.sessions.json_file import check_extent, session_of_text
from jam.sessions.library import Library
from jam.sessions.reading import Losses, player_notes
from jam.sessions.rows import bars_of
from jam.sessions.session import LIVE_TAKE, Session, SessionInfo, SessionTake, TakeInfo
from jam.sessions.takes import take_name
from jam.sessions.values import one_line
from jam.settings import JamSettings
from jam.voice.files import ANY_VOICE, VoiceWish, is_sound, read_voice
from jam.voice.files import SUFFIXES as SOUND_SUFFIXES

_MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
SUFFIXES = (*_MIDI_SUFFIXES, ".json", ".sqlite3", *SOUND_SUFFIXES)


def import_file(
    library: Library,
    path: str | os.PathLike[str],
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] = lambda _sentence: None,
    warn: Callable[[tuple[str, ...]], None] = lambda _warnings: None,
    wish: VoiceWish = ANY_VOICE,
) -> list[SessionInfo]:
    """Add what a file holds to the library: a MIDI file, a recording or JSON one session, a
    library all of its own. Nothing is added where the file is at fault. Raises BadInput, one line
    with its name.

    progress: called with (sessions done, sessions in all). tell: is told what of a damaged library
    can't be read. warn: is told what of a MIDI file was left out or read otherwise than it stands.
    wish: how recordings are read.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{file}: the name must end in {', '.join(SUFFIXES)}")
    if suffix == ".sqlite3":
        return _import_library(library, file, progress, tell)
    if suffix == ".json":
        return [library.add(read_json(file))]
    if is_sound(file):
        return [_import_voice(library, file, warn, wish)]
    song = read_midi(file)
    added = library.add(session_of_midi(song))
    warn(song.warnings)
    return [added]


def _import_voice(
    library: Library, file: Path, warn: Callable[[tuple[str, ...]], None], wish: VoiceWish
) -> SessionInfo:
    """A recording as a session, with its sound where that is wished."""
    heard = read_voice(file, wish)
    session = session_of_midi(
        heard.song, voice_range=wish.range, voice_transpose=wish.transpose, voice_kept=wish.keeps
    )
    added = library.add(session)
    warnings = heard.song.warnings
    if wish.keeps:
        try:
            voices.keep_sound(
                heard.sound_from_bar_one(), heard.rate_hz, library.path, added.started_at
            )
        except (OSError, RuntimeError) as error:
            warnings += (voices.CANT_KEEP.format(why=voices.reason(error)),)
    warn(warnings)
    return added


def read_json(path: str | os.PathLike[str]) -> Session:
    """The session in a JSON file. Raises BadInput, one line with the file's name."""
    file = Path(path)
    data = read_limited(file, SESSION_BYTES)
    try:
        if data.count(b"[") + data.count(b"{") > SESSION_LISTS:
            raise BadInput(f"more than {SESSION_LISTS:,} lists and objects")
        return session_of_text(data)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
    except RecursionError:
        raise BadInput(f"{file}: nested too deeply") from None


def _import_library(
    library: Library,
    file: Path,
    progress: Callable[[int, int], None] | None,
    tell: Callable[[str], None],
) -> list[SessionInfo]:
    if not file.is_file():
        raise BadInput(f"{file}: no such file")
    if file.samefile(library.path):
        raise BadInput(f"{file}: this is the library itself")
    if file.stat().st_size > LIBRARY_BYTES:
        raise BadInput(f"{file}: larger than {LIBRARY_BYTES // MIB:,} MiB")
    added = []
    for session, losses in _sessions_of(file, progress):
        if session.info.state == "deleted":
            continue
        try:
            check_extent(session)
        except BadInput as error:
            tell(f"{session.info.name} is left out: {error}")
            continue
        info = library.add(session)
        added.append(info)
        if losses.found:
            lost = "; ".join(losses.told)
            tell(f"{info.name} (session {info.id}) could be read in part only: {lost}")
    n_songs = _import_songs(library, file)
    if n_songs:
        tell(f"{n_songs} songs imported")
    if not added and not n_songs:
        raise BadInput(f"{file}: no session can be read in it")
    return added


def _import_songs(library: Library, file: Path) -> int:
    """Add the songs of another library that aren't here yet; how many there were."""
    with library.songs_written() as songs:
        here = {songs.song(info.id) for info in songs.all()}
        new = [song for song in saved_songs(file) if song not in here]
        for song in new:
            songs.add(song)
    return len(new)


def _sessions_of(
    file: Path, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[Session, Losses]]:
    """`sessions_in`, with BadInput in place of Damaged: it is not the user's own library."""
    try:
        yield from sessions_in(file, progress)
    except BadInput as error:
        raise BadInput(str(error) if str(file) in str(error) else f"{file}: {error}") from None
    except JamError as error:
        raise BadInput(str(error)) from None


def session_of_midi(song: MidiSong, **of_settings: Any) -> Session:
    """A song as a session: its melody as the player's, its other tracks as the accompaniment, its
    chord markers as the chords. of_settings: the session's, besides those of the file.
    """
    song = song.from_bar_one()
    melody = song.melody()
    mine, channels = set(map(id, melody)), {note.channel for note in melody}
    seconds_at = song.tempo_map.seconds_at
    notes = tuple(
        PlayedNote(i, n.pitch, n.velocity, seconds_at(n.start_frame), seconds_at(n.end_frame))
        for i, n in enumerate(melody, 1)
    )
    pedals = tuple(
        PedalEvent(down, seconds_at(frame), 0)
        for frame, channel, down in song.pedals
        if channel in channels
    )
    expression = tuple(
        ExpressionEvent(moved, seconds_at(frame), 0)
        for frame, channel, moved in song.expression
        if channel in channels
    )
    end_frame = max(0, math.ceil(max([song.end_frame, *(frame for frame, _ in song.markers)])))
    n_frames = song.tempo_map.next_bar_frame(end_frame)
    chords, symbols = _chords(song, n_frames)
    rows = _rows(song, chords)
    others = [replace(n, part=_part_of(n)) for n in song.notes if id(n) not in mine]
    settings = _settings(song, melody[0], others).changed(**of_settings)
    length_s = seconds_at(end_frame)
    take = Take(
        song.tempo_map,
        {"player": tuple(player_notes(notes, song.tempo_map, length_s)), **by_part(others)},
        tuple(row.chord for row in rows),
        tuple((song.tempo_map.position_at(p.at_s), p.down) for p in pedals),
        on_the_grid(expression, song.tempo_map),
        symbols,
        song.signature,
    )
    first = TakeInfo(LIVE_TAKE, take_name("imported", settings, 0), "imported", settings, 0)
    info = SessionInfo(
        0,
        date_now(),
        length_s,
        title_of_file(song.name),
        settings.bpm,
        settings.meter,
        None,
        settings.accompaniment,
        0,
        (),
        "complete",
        len(notes),
        bars_of(song.tempo_map, len(rows)),
    )
    return Session(
        info,
        song.tempo_map,
        0,
        ((0.0, settings),),
        notes,
        pedals,
        rows,
        (),
        (),
        (),
        (SessionTake(first, take),),
        expression=expression,
    )


def title_of_file(name: str) -> str:
    """What a file's name says of its music."""
    stem = Path(name).stem.replace("_", " ")
    return one_line(stem)[:LABEL_CHARACTERS].strip()


def _settings(song: MidiSong, melody: Note, others: list[Note]) -> JamSettings:
    """Tempo, metre and instruments of the file."""
    programs = {
        part: next((n.instrument for n in others if n.part == part), None)
        for part in ("chords", "bass")
    }
    return JamSettings(
        bpm=song.tempo_map.bpm_at(0),
        meter=song.tempo_map.meter_at(0),
        player_program=melody.instrument,
        agent_program=programs["chords"],
        bass_program=programs["bass"],
    )


def _part_of(note: Note) -> str:
    if note.channel == DRUM_CHANNEL:
        return "drums"
    return "bass" if "bass" in note.part.lower() else "chords"


def _rows(song: MidiSong, chords: list[ChordState]) -> tuple[Row, ...]:
    melody: list[MelodyState] = melody_line(song)[: len(chords)]
    melody += [REST] * (len(chords) - len(melody))
    return tuple(Row(state, chord) for state, chord in zip(melody, chords, strict=True))


def _chords(song: MidiSong, n_frames: int) -> tuple[list[ChordState], tuple[tuple[int, str], ...]]:
    """The chord of every frame by the markers, where they are chord symbols, and those symbols."""
    found, _ = chords_of_texts(song.markers, lambda at: song.tempo_map.place(math.floor(at)).bar)
    begins = {
        max(0, nearest_frame(at)): (ChordState(chord, True) if chord else NO_CHORD, text)
        for at, chord, text in found
    }
    line: list[ChordState] = []
    state = NO_CHORD
    for frame in range(n_frames):
        state, _ = begins.get(frame, (ChordState(state.chord, False), ""))
        line.append(state)
    symbols = tuple((f, text[:CHORD_CHARACTERS]) for f, (_, text) in sorted(begins.items()))
    return line, tuple(item for item in symbols if item[0] < n_frames)
