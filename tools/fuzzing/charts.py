"""Charts of any origin: text, ChordPro, links of iReal Pro, MusicXML, ABC, MIDI with markers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from jam.charts.chordpro import write_chordpro
from jam.charts.files import WRITTEN, read_charts, songs_that_come_along, write_chart
from jam.charts.ireal_out import write_html, write_ireal
from jam.charts.musicxml import write_musicxml
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.music.song import Song, copy, delete, insert, symbol_at, transpose
from models.corpora.charts import SUFFIXES
from models.corpora.charts import read_charts as read_scores
from tools.fuzzing.reader import Reader, as_file, field_cases

_OTHERS = dict.fromkeys(SUFFIXES, read_scores)
_TYPED = """title: My tune
composer: Nobody
key: F
metre: 4/4
tempo: 120
style: swing
[A]
|: <segno> Dm7 | G7 / / C | Cmaj7 | % |1. A7 :| x3 |2,3. ? ||
[B]
| F / / E7b9 | <to coda> 2/4 Am | N.C. | <D.S. al Coda> G7 |
[Coda]
| <coda> C6/9 | / | <fine> C/E |
"""


def _songs() -> list[Song]:
    along = songs_that_come_along()
    chosen = ("blues", "rhythm-changes", "folia", "free-bridge")
    return [
        read_text(_TYPED).song,
        *(read_text(along[name].read_text(encoding="utf-8")).song for name in chosen),
    ]


def _read(name: str, data: bytes) -> None:
    """Read as the program does; play, edit and write every song that is found."""
    with as_file(data, name) as path:
        charts = read_charts(path, _OTHERS)
        for chart in charts[:20]:
            _use(chart.song, path.parent)


def _use(song: Song, folder: Path) -> None:
    n = len(song.chorus.bars)
    for bar in range(min(n, 200) + 1):
        symbol_at(song, bar, 5)
    with suppress(BadInput):  # a bar alone may not be played, or too often
        insert(delete(song, 0, 1), 1, copy(song, 0, 2))
    song = transpose(song, 5)
    if read_text(write_text(song)).song != song:
        raise AssertionError("text doesn't hold the song")
    for suffix in WRITTEN:
        with suppress(BadInput):  # a metre that the form doesn't have
            write_chart(folder / f"out{suffix}", song)


_TOKENS = (b"|:", b":|", b"| x16", b"|1,2.", b"%", b"?", b"/", b"N.C.", b"[A]", b"<D.C.>", b"7/8")

READERS = (
    Reader(
        "chart-text",
        ".txt",
        lambda: [_TYPED.encode(), *(write_text(song).encode() for song in _songs())],
        lambda data: _read("song.txt", data),
        tokens=_TOKENS,
    ),
    Reader(
        "chart-chordpro",
        ".cho",
        lambda: [
            *(write_chordpro(song).encode() for song in _songs()),
            b"{t:Song}\n{soc}\n[C]Row, [G7]row [|] [C]on\n{eoc}\n",
        ],
        lambda data: _read("song.cho", data),
        tokens=(*_TOKENS, b"{sog}", b"{eog}", b"{time: 3/4}", b"%%", b"~", b"{x_jam_times: 9}"),
    ),
    Reader(
        "chart-ireal",
        ".html",
        lambda: [
            *(write_html(song)[0].encode() for song in _songs()),
            *(write_ireal(song, is_open=True)[0].encode() for song in _songs()),
        ],
        lambda data: _read("songs.html", data),
        tokens=(b"*A", b"{", b"}", b"T34", b"N1", b"x ", b"r|", b"W/C", b"<3x>", b"===", b"%7C"),
    ),
    Reader(
        "chart-musicxml",
        ".musicxml",
        lambda: [
            *(write_musicxml(song).encode() for song in _songs()),
            *field_cases(lambda data: _read("song.musicxml", data), ".musicxml"),
        ],
        lambda data: _read("song.musicxml", data),
        tokens=(b"<repeat/>", b'times="99"', b"<offset>9</offset>", b"<backup/>", b"<chord/>"),
    ),
    Reader(
        "chart-midi",
        ".mid",
        lambda: field_cases(lambda data: _read("song.mid", data), ".mid"),
        lambda data: _read("song.mid", data),
        seconds=5.0,
    ),
    Reader(
        "chart-abc",
        ".abc",
        lambda: [
            b'X:1\nT:T\nM:3/4\nL:1/4\nK:G\nP:A\n"G"B2d|"C"e2"D7"c|1"G"B3:|2"G/B"B3||',
            *field_cases(lambda data: _read("song.abc", data), ".abc"),
        ],
        lambda data: _read("song.abc", data),
        tokens=(b'"Am7"', b"|:", b":|", b"|1", b"P:B\n", b"M:5/4\n"),
    ),
)
