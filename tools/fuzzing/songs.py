"""Songs of any origin: MusicXML, ABC, Humdrum, JSONL, the tables and archives of corpora."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from jam.errors import BadInput
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import Meter
from jam.music.harte import parse_harte
from models.corpora import CORPORA, outcomes
from models.corpora.files import Files, open_files
from models.data.leadsheet import (
    LeadSheet,
    chord_states,
    from_json,
    melody_states,
    read_jsonl,
    to_json,
)
from models.network.vocab import style_index
from tools.fuzzing.mutate import mutate_json
from tools.fuzzing.reader import PROJECT, Reader, as_file, field_cases

_FIXTURES = PROJECT / "tests" / "fixtures" / "leadsheets"
_SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def _use(corpus: str, files: Files) -> None:
    """Every lead sheet that is found is written and read again, and looked at as training does."""
    refusals: list[str] = []
    found = 0
    for outcome in outcomes(CORPORA[corpus], files):
        if outcome.sheet is None:
            assert not outcome.why_not.startswith("damaged ("), outcome.why_not
            refusals.append(outcome.why_not)
            continue
        found += 1
        check_sheet(outcome.sheet)
    if not found:
        raise BadInput(refusals[0] if refusals else "nothing in it")


def check_sheet(sheet: LeadSheet) -> None:
    """What is accepted comes back the same, and has a place in the metre for every frame."""
    again = from_json(to_json(sheet))
    assert again == sheet, "a lead sheet comes back another"
    places = sheet.places()
    assert len(places) == sheet.n_frames
    assert all(0 <= p.frame_in_bar < p.meter.frames_per_bar for p in places)
    style_index(sheet.style)


def _read_file(name: str) -> Callable[[bytes], None]:
    return lambda data: _use("songs", Files("memory", {name: data}))


# -- MusicXML


def _xml_seeds() -> list[bytes]:
    notes = "".join(
        f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>2</duration></note>"
        for step in "CDEFGABC"
    )
    harmony = (
        "<harmony><root><root-step>C</root-step><root-alter>1</root-alter></root>"
        "<kind text='m7'>minor-seventh</kind><degree><degree-value>5</degree-value>"
        "<degree-alter>-1</degree-alter><degree-type>alter</degree-type></degree></harmony>"
    )
    small = (
        "<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE score-partwise PUBLIC 'x' 'y'>"
        "<score-partwise><work><work-title>T</work-title></work><part id='P1'><measure number='1'>"
        "<barline location='left'><repeat direction='forward'/></barline><attributes><divisions>4"
        "</divisions><time><beats>4</beats><beat-type>4</beat-type></time><transpose><chromatic>-2"
        "</chromatic></transpose></attributes><sound tempo='120' segno='s'/>"
        f"{harmony}{notes}<backup><duration>4</duration></backup><forward><duration>4</duration>"
        "</forward><barline><ending number='1,2' type='start'/><repeat direction='backward'"
        " times='3'/></barline></measure></part></score-partwise>"
    )
    return [
        (_FIXTURES / "song.musicxml").read_bytes(),
        small.encode(),
        small.replace("UTF-8", "UTF-16").encode("utf-16"),
        *field_cases(_read_file("x.musicxml"), ".musicxml"),
    ]


_XML_TOKENS = tuple(
    token.encode()
    for token in (
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "<!DOCTYPE a [<!ATTLIST note x CDATA 'y'>]>",
        "&amp;",
        "&#0;",
        "&#x10FFFF;",
        "&b;",
        "<![CDATA[",
        "]]>",
        "<?xml version='1.0' encoding='x'?>",
        "encoding='utf-16'",
        "encoding='utf-7'",
        "encoding='idna'",
        "encoding='punycode'",
        "<divisions>0</divisions>",
        "<divisions>100000</divisions>",
        "<divisions>7</divisions>",
        "<duration>-8</duration>",
        "<duration>999999999</duration>",
        "<duration>1.5</duration>",
        "<repeat direction='backward' times='1000000'/>",
        "<repeat direction='backward'/>",
        "<ending number='1' type='start'/>",
        "<ending number='99' type='start'/>",
        "<chord/>",
        "<ending number='2' type='stop'/>",
        "<grace/>",
        "<tie type='start'/>",
        "<measure>",
        "</measure>",
        "<part id='P2'>",
        "</part>",
        "<score-timewise>",
        "<sound dacapo='yes'/>",
        "<sound dalsegno='x'/>",
        "<sound tocoda='x'/>",
        "<sound coda='x'/>",
        "<sound fine='yes'/>",
        "<kind>none</kind>",
        "<kind text='/////'>other</kind>",
        "<alter>nan</alter>",
        "<alter>1e400</alter>",
        "<octave>-9</octave>",
        "<beats>3+2</beats>",
        "<beats>0</beats>",
        "<beat-type>1</beat-type>",
        "<beat-type>0</beat-type>",
        "<a>" * 70,
        "<a/>" * 200,
        "<staff>2</staff>",
        "<offset>-99</offset>",
        "<offset>9999999</offset>",
    )
)


def mxl(score: bytes, name: str = "score.xml", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A compressed MusicXML file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(
            "META-INF/container.xml",
            f"<container><rootfiles><rootfile full-path='{name}'/></rootfiles></container>",
        )
        archive.writestr(name, score)
    return out.getvalue()


def _mutate_mxl(rng: Random, data: bytes) -> bytes:
    """Another name, packing or content, its lengths and checksums right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            score = archive.read("score.xml")
    except Exception as error:
        raise ValueError from error
    at = rng.randrange(len(score) + 1)
    match rng.randrange(5):
        case 0:
            return mxl(score, rng.choice(("../../x", "/etc/passwd", "a\\b", "x" * 300, "é.xml")))
        case 1:
            methods = (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            return mxl(score, method=rng.choice(methods))
        case 2:
            return mxl(mxl(score))
        case 3:
            return mxl(score[:at] + rng.choice(_XML_TOKENS) + score[at:])
        case _:
            return mxl(score[:at] + b" " * rng.choice((1, 1000, 4 << 20)) + score[at:])


# -- ABC, Humdrum

_ABC = (
    "X:1\nT:A tune\nM:3/4\nL:1/8\nQ:1/4=120\nP:A(BA)2\nK:Dm\nP:A\n"
    '|:"Dm"A2 d>e f2|(3efg "A7/C#"^c2-c2|[1"Gm7"G2 [DGB]4:|[2 z2 {g}_B,3 c\'|]\nP:B\n'
    'V:1\n"C"CDEF [M:4/4]GABc|"F"Z2|Z|!trill!c8|"D/f+"a4- a2 b2::"G"g/f/ e//d// c3/2B/2 A4|]\n'
)


def _abc_seeds() -> list[bytes]:
    return [
        (_FIXTURES / "repeats.abc").read_bytes(),
        _ABC.encode(),
        *field_cases(_read_file("x.abc"), ".abc"),
    ]


_ABC_TOKENS = tuple(
    token.encode()
    for token in (
        "M:0/0\n",
        "M:1/0\n",
        "M:C|\n",
        "M:none\n",
        "M:(2+3)/8\n",
        "L:1/0\n",
        "L:0\n",
        "L:-1/8\n",
        "L:1/9999\n",
        "L:1/7\n",
        "Q:1/0=9\n",
        "Q:999999999999\n",
        "K:none\n",
        "K:H\n",
        "V:2\n",
        "V:1\n",
        "X:2\n",
        "P:(((A)9)9)9\n",
        "(99:0:",
        "(9:8:9",
        "(3:0:0",
        "(1",
        "[[[",
        "]]]",
        "{",
        "}",
        '"',
        "![",
        ":::|",
        "|:::",
        "[1-999",
        "[1,1,1,1",
        "[2",
        "|1",
        ">>>>>>>>>",
        "<<<<",
        "Z99",
        "Z999999999",
        "x9999",
        "A/////////",
        "A9999999",
        "A/0",
        "A3/7",
        "-",
        "[L:1/13]",
        "[M:0/4]",
        "[K:",
        "^^",
        "__",
        ",,,,,,,,",
        "''''''''",
        "\\\n",
        "%",
        "%%",
        "m: ~n2 = (3o/n/m/ n\n",
    )
)


def _humdrum_seeds() -> list[bytes]:
    known = [(_FIXTURES / name).read_bytes() for name in ("timed.krn", "timebase.hum")]
    return known + field_cases(_read_file("x.krn"), ".krn")


_HUM_TOKENS = tuple(
    token.encode()
    for token in (
        "**kern\t**harte\n",
        "*^\t*\n",
        "*v\t*v\n",
        "*-\t*-\n",
        "*+\t*\n",
        "*x\t*x\n",
        "*M0/0\t*\n",
        "*M7/16\t*\n",
        "*tb0\t*\n",
        "*tb8%0\t*\n",
        "*tb99999%7\t*\n",
        "=1\t=1\n",
        "00c",
        "0000000c",
        "8%0c",
        "4....c",
        "999999c",
        "cccccccccccc",
        "CCCCCCCCCCC",
        "c####",
        "[4c",
        "4c]",
        "4r",
        "qc",
        "\t",
        "C:maj",
        "C:(1,99)",
        "N",
        "X",
        "B-:min7/b3",
        "!!\n",
        "*VRlead\t*\n",
        "17c",
    )
)


# -- JSONL


def _sheet() -> LeadSheet:
    notes = [(4 * i, 4 * i + 3, pitch) for i, pitch in enumerate(_SCALE)]
    chords = [(0, 16, Chord(0, "maj7")), (16, 30, Chord(7, "7"))]
    return LeadSheet(
        "songs",
        "x",
        ((0, Meter(3, 4)), (24, Meter(4, 4))),
        melody_states(notes, 40),
        chord_states(chords, 40),
        ((0, "Cmaj7"), (16, "G7")),
        "jazz",
        120.0,
    )


def _read_jsonl(data: bytes) -> None:
    with as_file(data, "sheets.jsonl") as path:
        sheets = list(read_jsonl(path))
    for sheet in sheets:
        check_sheet(sheet)
    if not sheets:
        raise BadInput("no lead sheet in it")


# -- the tables of corpora, and archives: several files in one input, divided by a line

_DIVIDER = b"\n-----\n"


def _pop909_files(data: bytes) -> dict[str, Path | bytes]:
    beats, _, chords = data.partition(_DIVIDER)
    return {"001/001.mid": _MELODY, "001/beat_midi.txt": beats, "001/chord_midi.txt": chords}


def _varied(tick: int) -> bytes:
    return bytes((0x80 | tick >> 7, tick & 0x7F))


_TRACK = b"\0\xff\x03\x06MELODY" + b"".join(
    b"\0\x90" + bytes((pitch, 80)) + _varied(480) + b"\x80" + bytes((pitch, 0)) for pitch in _SCALE
)
_MELODY = (
    b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk"
    + len(_TRACK + b"\0\xff\x2f\0").to_bytes(4, "big")
    + _TRACK
    + b"\0\xff\x2f\0"
)


def _pop909_seeds() -> list[bytes]:
    beats = "\n".join(f"{i / 2} {float(i % 2 == 0)} {float(i % 4 == 0)}" for i in range(12))
    return [beats.encode() + _DIVIDER + b"0.0 2.0 C:maj\n2.0 8.0 A:min7(*5)/b3\n"]


def _wjd_files(data: bytes) -> dict[str, Path | bytes]:
    tables = [*data.split(_DIVIDER), b"", b""]
    return dict(zip(("solos.csv", "beats.csv", "events.csv"), tables, strict=False))


def _read_wjd(data: bytes) -> None:
    _use("wjd", Files("memory", _wjd_files(data)))


def _wjd_seeds() -> list[bytes]:
    beats, events = ["id,bar,beat,period,chord"], ["id,bar,beat,tatum,division,pitch,articulation"]
    for bar in range(3):
        for beat in range(1, 5):
            beats.append(f"s,{bar},{beat},4,{('NC', 'C-7', 'F79b')[bar]}")
            events += [f"s,{bar},{beat},1,3,60,0.9", f"s,{bar},{beat},3,3,62,"]
    solos = "id,rhythmfeel,avgtempo\ns,SWING,180.5\n"
    return [_DIVIDER.join(text.encode() for text in (solos, "\n".join(beats), "\n".join(events)))]


def _tar(kind: str, name: str = "songs/a.abc", format_: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(None, f"w:{kind}", out, format=format_) as archive:  # type: ignore[call-overload]
        for member, data in ((name, _ABC.encode()), ("songs/b.jsonl", to_json(_sheet()).encode())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _tar_seeds() -> list[bytes]:
    return [
        _tar(""),
        _tar("xz"),
        _tar("gz"),
        _tar("", "songs/" + "ü" * 120 + ".abc"),
        _tar("", "songs/" + "x" * 150 + ".abc", tarfile.GNU_FORMAT),
    ]


def _mutate_tar(rng: Random, data: bytes) -> bytes:
    """A header's field becomes another, its checksum right. Raises ValueError."""
    if len(data) < 1024 or len(data) % 512:
        raise ValueError
    blocks = [bytearray(data[i : i + 512]) for i in range(0, len(data), 512)]
    headers = [b for b in blocks if b[257:262] == b"ustar"]
    if not headers:
        raise ValueError
    header = rng.choice(headers)
    sizes = (
        b"77777777777\0",
        b"\x80\0\0\0\0\0\0\x7f\xff\xff\xff\xff",
        b"\xff" * 12,
        b"-1\0" * 4,
        b"00000000000\0",
        b"00000002000\0",
        b"\xff" * 10 + b"\xfe\0",
    )
    if rng.random() < 0.5:
        header[124:136] = rng.choice(sizes)
    else:
        header[156:157] = rng.choice((b"x", b"g", b"L", b"K", b"S", b"5", b"1", b"2", b"7", b"V"))
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return b"".join(blocks)


def _read_tar(data: bytes) -> None:
    with as_file(data, "songs.tar") as path:
        _use("songs", open_files(path))


# -- chord symbols


def _read_chord(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    refused = 0
    for parse in (parse_symbol, parse_harte):
        try:
            chord, bass = parse(text)
        except ValueError as error:
            assert len(str(error)) < 200, "a long complaint"
            refused += 1
            continue
        assert chord is None or parse_symbol(chord.symbol)[0] == chord
        assert bass is None or 0 <= bass < 12
    if refused == 2:
        raise BadInput("not a chord")


def _chord_seeds() -> list[bytes]:
    symbols = (
        *("Bbm7b5/Ab", "C#:min7(*5,9)/b3", "F♯°7", "Gsus4(add9)", "N.C.", "Eb^7#11", "D79b"),
        *("D|C7", "Ebmaj7/F7", "Solm7", "Ess7/Ass", "C°7(maj7)", "C over B"),
    )
    return [symbol.encode() for symbol in symbols]


def _mutate_line(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = mutate_json(rng, lines[at])
    return b"\n".join(lines)


def _seed(*made: bytes) -> Callable[[], Sequence[bytes]]:
    return lambda: made


READERS = (
    Reader(
        "musicxml",
        ".musicxml",
        _xml_seeds,
        _read_file("x.musicxml"),
        tokens=_XML_TOKENS,
        seconds=5.0,
    ),
    Reader(
        "mxl",
        ".mxl",
        lambda: [
            *(mxl(seed) for seed in _xml_seeds()[:6]),
            *field_cases(_read_file("x.mxl"), ".mxl"),
        ],
        _read_file("x.mxl"),
        mutate=_mutate_mxl,
        seconds=5.0,
        examples=50,
    ),
    Reader(
        "abc", ".abc", _abc_seeds, _read_file("x.abc"), tokens=_ABC_TOKENS, seconds=5.0, examples=40
    ),
    Reader("humdrum", ".krn", _humdrum_seeds, _read_file("x.krn"), tokens=_HUM_TOKENS, seconds=5.0),
    Reader(
        "lead-sheets",
        ".jsonl",
        lambda: [(to_json(_sheet()) + "\n").encode()],
        _read_jsonl,
        mutate=_mutate_line,
    ),
    Reader(
        "pop909",
        ".txt",
        _pop909_seeds,
        lambda data: _use("pop909", Files("memory", _pop909_files(data))),
    ),
    Reader("wjd", ".csv", _wjd_seeds, _read_wjd),
    Reader("song-archive", ".tar", _tar_seeds, _read_tar, mutate=_mutate_tar, examples=50),
    Reader(
        "chord-symbol",
        ".txt",
        _chord_seeds,
        _read_chord,
        tokens=(
            b"maj",
            b"min",
            b"sus",
            b"add",
            b"dim",
            b"^",
            b"(",
            b")",
            b"/",
            b"#",
            b"b",
            b"alt",
            b"no3",
            b":",
            b"*",
            b"N",
        ),
    ),
)
