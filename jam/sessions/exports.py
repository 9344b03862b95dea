"""A session as a file that others can read: MIDI, a lead sheet, sound, or all of it as JSON."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from jam.accompaniment import playable_style
from jam.audio.mixer import mix
from jam.audio.sound_file import check_format, write_sound
from jam.audio.soundfonts import usable_soundfont
from jam.audio.synth import CHANNELS
from jam.errors import BadInput
from jam.files import FILE_RATES, SOUND_SUFFIXES, whole
from jam.midi.file import Part, write_midi
from jam.music.key import key_of, key_of_signature
from jam.notation.heading import Heading, written_in_song
from jam.notation.musicxml import write_musicxml
from jam.notation.rhythm import written_melody
from jam.performance.take import Take
from jam.preferences import load_preferences
from jam.sessions.json_file import session_to_json
from jam.sessions.session import LIVE_TAKE, Session, SessionTake
from jam.settings import JamSettings
from jam.voice.files import read_sound, resampled, write_samples

_NAME_BYTES = 120
"""Room is left for what is added to it: "-drums.wav", and the name while it is written."""
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
Progress = Callable[[int, int], None]
SUFFIXES = (".mid", ".midi", ".musicxml", *SOUND_SUFFIXES, ".json")


def take_of(session: Session, take_id: int) -> SessionTake:
    """Raises BadInput where there is none."""
    for taken in session.takes:
        if taken.info.id == take_id:
            return taken
    raise BadInput(f"session {session.info.id}: no take {take_id}")


def export(
    session: Session,
    path: str | os.PathLike[str],
    take_id: int = LIVE_TAKE,
    stems: bool = False,
    progress: Progress | None = None,
    rate_hz: int = FILE_RATES[0],
    voice: Path | None = None,
) -> list[Path]:
    """Write a take by the name's suffix (SUFFIXES; JSON holds the whole session). Returns what was
    written: with `stems` of its sound, each part alone too, and the microphone's sound where it was
    kept (`voice`). rate_hz: of a sound file.

    Every file appears complete or not at all. Raises BadInput for a wrong name or take, JamError
    when it can't be written.
    """
    file = check_output(str(path), SUFFIXES)
    taken = take_of(session, take_id)
    match file.suffix.lower():
        case suffix if suffix in SOUND_SUFFIXES:
            settings = taken.info.settings
            files = write_take_sound(file, taken.take, settings, stems, progress, rate_hz)
            if stems and voice is not None:
                files.append(_write_voice(file, voice, taken.take, rate_hz))
            return files
        case ".musicxml":
            _write_lead_sheet(file, session, taken, progress)
        case ".json":
            _write_json(file, session, progress)
        case _:
            write_take(file, taken.take, taken.info.settings, progress)
    return [file]


def _write_voice(file: Path, voice: Path, take: Take, rate_hz: int) -> Path:
    """The microphone's sound beside the mix, in time with it. Raises BadInput."""
    samples, own_hz = read_sound(voice)
    samples = resampled(samples, own_hz, rate_hz)
    silence = np.zeros(round(-_start_s(take) * rate_hz), np.float32)
    out = file.with_name(f"{file.stem}-voice{file.suffix}")
    with whole(out) as unfinished:
        write_samples(unfinished, np.concatenate([silence, samples]), rate_hz, out.suffix)
    return out


def _start_s(take: Take) -> float:
    """The second of the session with which its sound file begins."""
    first_s = min((note.start_s for note in take.timed_notes()), default=0.0)
    return min(take.tempo_map.seconds_at(0.0), first_s)


def file_name(session: Session, suffix: str) -> str:
    """A name for a file of the session that every system takes: letters, marks and digits of any
    script, at most _NAME_BYTES bytes, and none that is a device's on Windows.
    """
    name = unicodedata.normalize("NFC", session.info.name)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in " -_" else "-" for c in name)
    kept = kept.encode()[:_NAME_BYTES].decode(errors="ignore").strip()
    return ("session" if not kept else f"{kept}-" if _DEVICE.fullmatch(kept) else kept) + suffix


def _write_lead_sheet(
    file: Path, session: Session, taken: SessionTake, progress: Progress | None
) -> None:
    take = taken.take
    key = session.info.key or key_of(session.rows) or (0, False)
    if take.signature is not None:
        key = key_of_signature(*take.signature)
    melody = written_melody(take.parts["player"], take.tempo_map, taken.info.settings.split_pitch)
    heading = _heading(session, take)
    write_musicxml(file, heading, melody, take.chords, take.tempo_map, key, progress)


def _heading(session: Session, take: Take) -> Heading:
    """Its title, its key, and of the songs that were played sections, symbols and composer."""
    symbols: dict[int, str] = {}
    sections: dict[int, str] = {}
    tempo_map, n_frames = take.tempo_map, len(take.chords)
    starts = [max(0, round(tempo_map.position_at(change.at_s))) for change in session.songs]
    for change, start, end in zip(session.songs, starts, [*starts, n_frames][1:], strict=True):
        if change.song is not None:
            found = written_in_song(change.song, tempo_map, change.first_bar, start, end)
            symbols.update(found[0])
            sections.update(found[1])
    composers = {change.song.composer for change in session.songs if change.song is not None}
    return Heading(
        session.info.title,
        composers.pop() if len(composers) == 1 else "",
        take.signature,
        symbols | dict(take.symbols),
        sections,
    )


def _write_json(file: Path, session: Session, progress: Progress | None) -> None:
    with whole(file) as unfinished, unfinished.open("wb") as out:
        out.writelines(session_to_json(session, progress))


_TRACKS = (
    ("player", "Melody"),
    ("chords", "Chords"),
    ("bass", "Bass"),
    ("drums", "Drums"),
    ("solo", "Solo"),
)


def check_output(path: str, suffixes: Sequence[str]) -> Path:
    """The path of a file to be written. Raises BadInput for another suffix or a missing folder."""
    file = Path(path)
    if file.suffix.lower() not in suffixes:
        raise BadInput(f"{file}: the name must end in {' or '.join(suffixes)}")
    if not file.parent.is_dir():
        raise BadInput(f"{file}: no such folder: {file.parent}")
    if file.suffix.lower() in SOUND_SUFFIXES:
        check_format(file.suffix.lower())  # before anything is rendered for nothing
    return file


def write_take(
    path: str | os.PathLike[str],
    take: Take,
    settings: JamSettings,
    progress: Progress | None = None,
    rate_hz: int = FILE_RATES[0],
) -> None:
    """Write a take as MIDI (type 1, chord names as markers) or, by the name, as sound."""
    if str(path).lower().endswith(SOUND_SUFFIXES):
        write_take_sound(Path(path), take, settings, progress=progress, rate_hz=rate_hz)
        return
    voices = mix(settings, playable_style(settings.accompaniment))
    parts = [
        Part(
            name,
            voices[part].program,
            CHANNELS[part],
            take.parts.get(part, ()),
            take.pedals if part == "player" else (),
            take.expression if part == "player" else (),
        )
        for part, name in _TRACKS
        if take.parts.get(part) or part in ("player", "chords")
    ]
    write_midi(path, parts, take.tempo_map, take.markers(), take.signature, progress)


def _soundfont() -> Path:
    """The one that the user plays with, or the usual one where it isn't there any more."""
    return usable_soundfont(load_preferences()[0].devices.soundfont)[0]


def write_take_sound(
    path: Path,
    take: Take,
    settings: JamSettings,
    with_stems: bool = False,
    progress: Progress | None = None,
    rate_hz: int = FILE_RATES[0],
) -> list[Path]:
    """Write a take's sound, and beside it, on demand, each part alone ("jam-chords.wav"); their
    sum is the mix. Returns the files. `progress` as in `write_sound`.
    """
    voices = mix(settings, playable_style(settings.accompaniment))
    start_s = _start_s(take)
    notes = (
        replace(n, start_s=n.start_s - start_s, end_s=n.end_s - start_s) for n in take.timed_notes()
    )
    stems = {
        part: path.with_name(f"{path.stem}-{name.lower()}{path.suffix}")
        for part, name in _TRACKS
        if with_stems and take.parts.get(part)
    }
    write_sound(
        path,
        notes,
        {part: voice.volume for part, voice in voices.items()},
        {part: voice.program for part, voice in voices.items()},
        [replace(c, at_s=c.at_s - start_s) for c in take.timed_expression()],
        stems,
        progress,
        rate_hz,
        _soundfont(),
    )
    return [path, *stems.values()]
