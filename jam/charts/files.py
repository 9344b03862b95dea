"""Songs in files of any form: what is read by which reader, and written as what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jam.charts.chordpro import read_chordpro, write_chordpro
from jam.charts.draft import Chart
from jam.charts.ireal import read_ireal
from jam.charts.ireal_out import write_html, write_ireal
from jam.charts.midi import NoMarkers, read_midi_chart
from jam.charts.musicxml import write_musicxml
from jam.charts.over_lyrics import as_chordpro
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.files import decoded, read_limited, whole
from jam.limits import CHART_BYTES, XML_BYTES
from jam.music.song import Song

Readers = Mapping[str, Callable[[bytes, str], list[Chart]]]
"""Suffix -> reader of (bytes, suffix): those that this package doesn't have itself."""

_CHORDPRO = (".cho", ".chordpro", ".chopro", ".crd", ".pro")
_MIDI = (".mid", ".midi", ".kar", ".rmi")
_TEXT = (".txt", ".song")
_IREAL = (".html", ".htm", ".irealb")
WRITTEN = (".txt", ".song", ".cho", ".musicxml", ".html", ".irealb")
LIBRARY = Path(__file__).parent / "library"


def songs_that_come_along() -> dict[str, Path]:
    """Name to file of the songs that are part of the program, in order."""
    return {path.stem: path for path in sorted(LIBRARY.glob("*.txt"))}


def read_charts(path: Path, others: Readers | None = None) -> list[Chart]:
    """The songs of a file. Raises BadInput, one line that begins with the file's name."""
    suffix = path.suffix.lower()
    others = others or {}
    try:
        if suffix in _MIDI:
            try:
                return [read_midi_chart(str(path))]
            except NoMarkers:
                if suffix not in others:
                    raise
        if suffix in others:
            return others[suffix](read_limited(path, XML_BYTES), suffix)
        text = decoded(read_limited(path, CHART_BYTES))
        if suffix in _CHORDPRO:
            return [read_chordpro(text)]
        if suffix in _IREAL or "irealb://" in text or "irealbook://" in text:
            return read_ireal(text)
        if suffix in _TEXT or not suffix:
            if "|" not in text and (sheet := as_chordpro(text)) is not None:
                return [read_chordpro(sheet)]
            return [read_text(text)]
        known = sorted((*_TEXT, *_CHORDPRO, *_IREAL, *_MIDI, *others))
        raise BadInput(f"not one of {', '.join(known)}")
    except BadInput as error:
        begins = str(error).startswith(str(path))
        raise error if begins else BadInput(f"{path}: {error}") from None


def read_song(text: str, others: Readers | None = None) -> Chart:
    """A song as it is named: a file, a link of iReal Pro, bars that are typed, a song that comes
    along. Of a file with several the first. Raises BadInput.
    """
    if text.lstrip().startswith(("irealb://", "irealbook://")):
        charts = read_ireal(text)
    elif "|" in text:
        return read_text(text)
    elif text in (known := songs_that_come_along()) and not Path(text).exists():
        return read_text(known[text].read_text(encoding="utf-8"))
    else:
        charts = read_charts(Path(text), others)
    more = len(charts) - 1
    first = charts[0]
    if not more:
        return first
    return Chart(first.song, (*first.remarks, f"the first of {more + 1} songs"))


def write_chart(path: Path, song: Song) -> list[str]:
    """Write a song in the form of the file's suffix; a line for whatever that can't hold.

    Raises BadInput for another suffix, JamError when the file can't be written.
    """
    suffix = path.suffix.lower()
    lost: list[str] = []
    if suffix in _TEXT:
        text = write_text(song)
    elif suffix in _CHORDPRO:
        text = write_chordpro(song)
    elif suffix == ".musicxml":
        text = write_musicxml(song)
    elif suffix in (".html", ".htm"):
        text, lost = write_html(song)
    elif suffix == ".irealb":
        text, lost = write_ireal(song)
        text += "\n"
    else:
        raise BadInput(f"{path}: a song is written as {', '.join(WRITTEN)}")
    if song.has_tune and suffix not in _TEXT:
        lost = [*lost, "the melody is left out"]
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return lost
