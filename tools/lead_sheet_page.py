"""Lead sheets as MuseScore draws them, on one page: to be looked at.

    python tools/lead_sheet_page.py OUT.png FILE...

A FILE is a MIDI file, read as a session is imported (its own chord markers; without them the rules
find chords), or a song in ABC, MusicXML or Humdrum; FILE#2 is the second tune in it. Needs
MuseScore 3 (mscore3; Debian: musescore3), which draws without a screen.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image

from jam.agent.rules import RuleBasedPredictor
from jam.midi.file import read_tune
from jam.music.grid import TempoMap
from jam.music.key import key_of, key_of_signature
from jam.notation.heading import Heading
from jam.notation.musicxml import lead_sheet
from jam.notation.rhythm import WrittenMelody, WrittenNote, written_melody
from jam.performance.offline import harmonize
from jam.sessions.imports import session_of_midi, title_of_file
from jam.settings import JamSettings
from models.corpora import CORPORA, outcomes
from models.corpora.files import open_files
from models.data.leadsheet import LeadSheet, melody_spans

_MIDI = (".mid", ".midi", ".kar")


def sheet_of_midi(path: Path) -> str:
    song = read_tune(path)
    session = session_of_midi(song)
    take = session.takes[0].take
    if not take.symbols:
        take, _, _ = harmonize(song, RuleBasedPredictor(), JamSettings())
    key = key_of(session.rows) or (0, False)
    if take.signature is not None:
        key = key_of_signature(*take.signature)
    written = written_melody(take.parts["player"], take.tempo_map)
    heading = Heading(session.info.title, "", take.signature, dict(take.symbols))
    return lead_sheet(heading, written, take.chords, take.tempo_map, key)


def sheet_of_song(path: Path, number: int) -> str:
    found = list(outcomes(CORPORA["songs"], open_files(path)))
    sheet = found[number - 1].sheet
    assert sheet is not None, found[number - 1].why_not
    titles = re.findall(r"(?m)^T:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"))
    own = titles[number - 1] if len(titles) == len(found) else title_of_file(str(path))
    return _lead_sheet(sheet, own)


def _lead_sheet(sheet: LeadSheet, title: str) -> str:
    tempo_map = TempoMap.constant(sheet.bpm or 100.0, sheet.meters[0][1])
    for frame, meter in sheet.meters[1:]:
        tempo_map = tempo_map.with_meter(frame, meter)
    notes = tuple(
        WrittenNote(Fraction(start, 4), Fraction(end, 4), pitch)
        for start, end, pitch in melody_spans(sheet.melody)
    )
    key = key_of(sheet.rows()) or (0, False)
    heading = Heading(title, symbols=dict(sheet.labels))
    return lead_sheet(heading, WrittenMelody(notes), sheet.chords, tempo_map, key)


def drawn(text: str, folder: Path) -> Iterator[Image.Image]:
    """The first page of a score, without its margins."""
    score = folder / "sheet.musicxml"
    score.write_text(text, encoding="utf-8")
    subprocess.run(
        ["mscore3", "-r", "90", "-o", str(folder / "sheet.png"), str(score)],
        check=True,
        capture_output=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    with Image.open(folder / "sheet-1.png") as page:
        white = Image.new("RGBA", page.size, "white")
        white.alpha_composite(page.convert("RGBA"))
    grey = white.convert("L")
    box = grey.point(lambda value: 255 * (value < 200)).getbbox()
    yield grey.crop(box)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    pictures: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.files:
            path, _, number = name.partition("#")
            is_midi = path.lower().endswith(_MIDI)
            text = (
                sheet_of_midi(Path(path))
                if is_midi
                else sheet_of_song(Path(path), int(number or 1))
            )
            pictures.extend(drawn(text, Path(folder)))
    half = sum(picture.height + 40 for picture in pictures) / 2
    columns: list[list[Image.Image]] = [[], []]
    for picture in pictures:
        filled = sum(p.height + 40 for p in columns[0])
        columns[0 if filled < half else 1].append(picture)
    width = max(picture.width for picture in pictures) + 40
    height = max(sum(p.height + 40 for p in column) for column in columns)
    page = Image.new("L", (2 * width, height + 40), 255)
    for i, column in enumerate(columns):
        top = 40
        for picture in column:
            page.paste(picture, (20 + i * width, top))
            top += picture.height + 40
    page.save(args.out)


if __name__ == "__main__":
    main()
