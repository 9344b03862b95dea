"""Some instruments of a SoundFont as a SoundFont of their own, their samples byte for byte.

    python tools/carve_soundfont.py SOURCE.sf3 OUT.sf3 BANK:PROGRAM ... [--name NAME] [--quieter N]

The grand piano that comes along was made from Debian's `musescore-general-soundfont-small`:

    python tools/carve_soundfont.py /usr/share/sounds/sf3/MuseScore_General_Lite.sf3 \\
        assets/SplendidGrand.sf3 0:0 0:1 0:3 --name "Splendid Grand" --quieter 137

(FluidSynth takes attenuations by 0.4, as the EMU8000 did: 5.5 dB, so that these are as loud as the
pianos whose place they take.)

Chunks and their fields: SoundFont 2.04 specification, section 7; in SF3 samples are Ogg Vorbis and
a sample's start and end count bytes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from jam.audio.soundfonts import check_soundfont
from jam.errors import BadInput

_MODULATOR = [("source", "<u2"), ("to", "<u2"), ("amount", "<i2"), ("by", "<u2"), ("how", "<u2")]
_BAG, _GENERATOR = [("gen", "<u2"), ("mod", "<u2")], [("kind", "<u2"), ("amount", "<u2")]
_TABLES: dict[str, np.dtype] = {
    name: np.dtype(fields)
    for name, fields in {
        "phdr": [
            ("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12"),
        ],
        "pbag": _BAG,
        "pmod": _MODULATOR,
        "pgen": _GENERATOR,
        "inst": [("name", "S20"), ("bag", "<u2")],
        "ibag": _BAG,
        "imod": _MODULATOR,
        "igen": _GENERATOR,
        "shdr": [
            ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop", "V8"), ("pitch", "V6"),
            ("link", "<u2"), ("type", "<u2"),
        ],
    }.items()
}  # fmt: skip
_INSTRUMENT, _SAMPLE, _ATTENUATION = 41, 53, 48
"""Generators that name what a zone plays."""
_LINKED = 2 | 4 | 8
"""Types of a sample that has another side."""
Font = dict[str, np.ndarray]


def read(path: Path) -> tuple[Font, bytes]:
    """The tables of a SoundFont, and its samples. Raises BadInput."""
    check_soundfont(path)
    data, at = path.read_bytes(), 12
    font: Font = {}
    samples = b""
    while at < len(data) - 12:
        if data[at : at + 4] != b"LIST":  # some fill up odd lengths, some don't
            at += 1
            continue
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        kind, at = data[at + 8 : at + 12], at + 12
        while at < end - 7 and kind != b"INFO":
            name = data[at : at + 4].decode("latin-1")
            body = data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
            if name in _TABLES:
                font[name] = np.frombuffer(body, _TABLES[name])
            elif name == "smpl":
                samples = body
            at += 8 + len(body)
        at = end
    if missing := _TABLES.keys() - font.keys():
        raise BadInput(f"{path}: {', '.join(sorted(missing))} missing")
    return font, samples


def carve(font: Font, samples: bytes, wanted: list[tuple[int, int]]) -> tuple[Font, bytes]:
    """Only the presets (bank, program) that are wanted, and what they need."""
    headers = font["phdr"]
    presets = [
        i for i, p in enumerate(headers[:-1]) if (int(p["bank"]), int(p["program"])) in wanted
    ]
    if len(presets) < len(wanted):
        raise BadInput("not all of these instruments are in that SoundFont")
    carved: Font = {}
    instruments = _level(font, carved, "phdr", "p", presets, _INSTRUMENT)
    used = _level(font, carved, "inst", "i", instruments, _SAMPLE)
    table = font["shdr"]
    both = set(used) | {int(table["link"][i]) for i in used if table["type"][i] & _LINKED}
    if both - set(used):  # the other sides come behind, so that no number changes
        used += sorted(both - set(used))
    rows, kept = table[[*used, len(table) - 1]].copy(), bytearray()
    for row in rows[:-1]:
        start, end = int(row["start"]), int(row["end"])
        row["start"] = len(kept)
        kept += samples[start:end]
        row["end"] = len(kept)
        if row["type"] & _LINKED:
            row["link"] = used.index(int(row["link"]))
    carved["shdr"] = rows
    return carved, bytes(kept)


def _level(
    font: Font, carved: Font, headers: str, letter: str, kept: list[int], names: int
) -> list[int]:
    """One level of presets or instruments: kept rows with their zones; returns what they name."""
    bags, generators, modulators = (font[letter + table] for table in ("bag", "gen", "mod"))
    rows = font[headers][[*kept, len(font[headers]) - 1]].copy()
    new_bags: list[tuple[int, int]] = []
    new_generators: list[tuple[int, int]] = []
    new_modulators: list[Any] = []
    named: list[int] = []
    for row, i in zip(rows, kept, strict=False):
        row["bag"] = len(new_bags)
        for zone in range(font[headers]["bag"][i], font[headers]["bag"][i + 1]):
            new_bags.append((len(new_generators), len(new_modulators)))
            for gen in generators[bags["gen"][zone] : bags["gen"][zone + 1]]:
                kind, amount = int(gen["kind"]), int(gen["amount"])
                if kind == names:
                    if amount not in named:
                        named.append(amount)
                    amount = named.index(amount)
                new_generators.append((kind, amount))
            new_modulators += list(modulators[bags["mod"][zone] : bags["mod"][zone + 1]])
    rows[-1]["bag"] = len(new_bags)
    new_bags.append((len(new_generators), len(new_modulators)))
    carved[headers] = rows
    carved[letter + "bag"] = np.array(new_bags, bags.dtype)
    carved[letter + "gen"] = np.array([*new_generators, (0, 0)], generators.dtype)
    carved[letter + "mod"] = np.array([*new_modulators, modulators[-1]], modulators.dtype)
    return named


def quieter(font: Font, centibels: int) -> Font:
    """The same with so much more attenuation in every zone of a preset that names an instrument."""
    bags, rows = font["pbag"].copy(), []
    for zone in range(len(bags) - 1):
        zone_of = font["pgen"][bags["gen"][zone] : bags["gen"][zone + 1]]
        named = zone_of[zone_of["kind"] == _INSTRUMENT]
        others = zone_of[(zone_of["kind"] != _INSTRUMENT) & (zone_of["kind"] != _ATTENUATION)]
        lowered = zone_of[zone_of["kind"] == _ATTENUATION]["amount"].sum() + centibels
        lowered = np.array([(_ATTENUATION, lowered)] * len(named), zone_of.dtype)
        rows.append(np.concatenate([others, lowered, named]))  # what names it is the last
    starts = np.cumsum([0, *map(len, rows)])
    bags["gen"] = starts
    return {**font, "pbag": bags, "pgen": np.concatenate([*rows, font["pgen"][-1:]])}


def write(path: Path, font: Font, samples: bytes, name: str, made_from: str) -> None:
    """As RIFF."""
    about = [(b"ifil", b"\x03\0\x01\0"), (b"isng", b"EMU8000\0"), (b"INAM", name.encode() + b"\0")]
    about.append((b"ICMT", f"carved from {made_from}".encode() + b"\0"))
    lists = [
        _chunk(b"LIST", b"INFO" + b"".join(_chunk(*entry) for entry in about)),
        _chunk(b"LIST", b"sdta" + _chunk(b"smpl", samples)),
        _chunk(b"LIST", b"pdta" + b"".join(_chunk(t.encode(), font[t].tobytes()) for t in _TABLES)),
    ]
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + b"".join(lists)))


def _chunk(name: bytes, body: bytes) -> bytes:
    body += b"\0" * (len(body) % 2)
    return name + len(body).to_bytes(4, "little") + body


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("presets", nargs="+", metavar="BANK:PROGRAM")
    parser.add_argument("--name", default="carved")
    parser.add_argument("--quieter", type=int, default=0, help="attenuation in centibels")
    args = parser.parse_args()
    try:
        wanted = [(int(b), int(p)) for b, _, p in (text.partition(":") for text in args.presets)]
        font, samples = carve(*read(args.source), wanted)
        font = quieter(font, args.quieter)
        write(args.out, font, samples, args.name, args.source.name)
    except (BadInput, OSError, ValueError) as error:
        print(f"carve_soundfont: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
