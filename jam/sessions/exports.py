"""A session as a file that others can read: MIDI, a lead sheet, sound, or all of it as JSON."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from jam.errors import BadInput
from jam.files import whole
from jam.notation import written_melody
from jam.presence import key_of
from jam.records import check_output, write_take, write_take_wav
from jam.score import write_musicxml
from jam.sessions.as_json import session_to_json
from jam.sessions.types import LIVE_TAKE, Session, SessionTake

_NAME_BYTES = 120
"""Room is left for what is added to it: "-drums.wav", and the name while it is written."""
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
SUFFIXES = (".mid", ".midi", ".musicxml", ".wav", ".json")


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
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write a take by the name's suffix (SUFFIXES; JSON holds the whole session). Returns what was
    written: with `stems` of a WAV, each part alone too.

    Every file appears complete or not at all. Raises BadInput for a wrong name or take, JamError
    when it can't be written.
    """
    file = check_output(str(path), SUFFIXES)
    taken = take_of(session, take_id)
    match file.suffix.lower():
        case ".wav":
            return write_take_wav(file, taken.take, taken.info.settings, stems, progress)
        case ".musicxml":
            _write_lead_sheet(file, session, taken)
        case ".json":
            _write_json(file, session)
        case _:
            write_take(file, taken.take, taken.info.settings)
    return [file]


def file_name(session: Session, suffix: str) -> str:
    """A name for a file of the session that every system takes: letters, marks and digits of any
    script, at most _NAME_BYTES bytes, and none that is a device's on Windows.
    """
    name = unicodedata.normalize("NFC", session.info.name)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in " -_" else "-" for c in name)
    kept = kept.encode()[:_NAME_BYTES].decode(errors="ignore").strip()
    return ("session" if not kept else f"{kept}-" if _DEVICE.fullmatch(kept) else kept) + suffix


def _write_lead_sheet(file: Path, session: Session, taken: SessionTake) -> None:
    take = taken.take
    key = session.info.key or key_of(session.rows) or (0, False)
    melody = written_melody(take.parts["player"], take.tempo_map, taken.info.settings.split_pitch)
    write_musicxml(file, session.info.name, melody, take.chords, take.tempo_map, key)


def _write_json(file: Path, session: Session) -> None:
    with whole(file) as unfinished, unfinished.open("w", encoding="utf-8") as out:
        json.dump(session_to_json(session), out, separators=(",", ":"), allow_nan=False)
