"""SoundFonts: read by FluidSynth, in C, once the program has looked at their structure."""

from __future__ import annotations

import struct
from functools import cache
from random import Random

import numpy as np

from jam.audio.synth import CHANNELS, Synth
from jam.files import soundfont_path
from tools.fuzzing.reader import Reader, as_file


def _read(data: bytes) -> None:
    """Loaded, and a note of every part rendered."""
    with as_file(data, "hostile.sf2") as path:
        synth = Synth(soundfont=path)
        try:
            block = np.zeros((2048, 2), np.float32)
            for part in CHANNELS:
                synth.set_program(part, 0)
                synth.note_on(part, 60, 100)
                synth.note_on(part, 36, 1)
            synth.render_into(block)
            synth.preload("chords", 5)
            synth.set_program("chords", 5)
            for part in CHANNELS:
                synth.note_off(part, 60)
            synth.render_into(block)
            assert np.isfinite(block).all(), "samples that are no numbers"
        finally:
            synth.close()


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _list(kind: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))


@cache
def _shipped_sample() -> bytes:
    """The shortest sample of the SoundFont that is shipped: Ogg Vorbis, as in every .sf3 file."""
    font = soundfont_path().read_bytes()
    samples = font.index(b"smpl") + 8
    table = font.rindex(b"shdr")
    headers = struct.iter_unpack(
        "<20sIIIIIBbHH",
        font[table + 8 : table + 8 + int.from_bytes(font[table + 4 : table + 8], "little")],
    )
    places = [(h[2] - h[1], samples + h[1]) for h in headers if h[9] & 0x10]
    length, start = min(places)
    return font[start : start + length]


def tiny_soundfont(n_presets: int = 2, compressed: bool = False) -> bytes:
    """One looped wave as program 0, as drum kit, and as program 5 through two zones."""
    wave = (12000 * np.sin(np.arange(400) * 2 * np.pi / 50)).astype("<i2").tobytes() + bytes(92)
    presets = [(b"Wave", 0, 0, 0), (b"Kit", 0, 128, 1), (b"Five", 5, 0, 2)][: n_presets + 1]
    phdr = b"".join(
        struct.pack("<20sHHHIII", name, program, bank, bag, 0, 0, 0)
        for name, program, bank, bag in [*presets, (b"EOP", 0, 0, len(presets))]
    )
    pbag = b"".join(struct.pack("<HH", n, 0) for n in range(len(presets) + 1))
    pgen = struct.pack("<HH", 41, 0) * len(presets) + struct.pack("<HH", 0, 0)
    inst = struct.pack("<20sH", b"Wave", 0) + struct.pack("<20sH", b"EOI", 2)
    ibag = struct.pack("<HHHHHH", 0, 0, 3, 0, 6, 1)
    zones = ((43, 0x3F00), (54, 1), (53, 0), (43, 0x7F40), (51, 12), (53, 0), (0, 0))
    igen = b"".join(struct.pack("<HH", kind, amount) for kind, amount in zones)
    imod = struct.pack("<HHhHH", 0x0502, 48, 960, 0, 0) + bytes(10)
    where = (0, 400, 50, 350, 22050, 60, 0, 0, 1)
    if compressed:
        wave = _shipped_sample()
        where = (0, len(wave), 50, 350, 22050, 60, 0, 0, 0x11)
    shdr = struct.pack("<20sIIIIIBbHH", b"wave", *where)
    shdr += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    info = _list(
        b"INFO",
        _chunk(b"ifil", struct.pack("<HH", 2, 1)),
        _chunk(b"isng", b"EMU8000\0"),
        _chunk(b"INAM", b"Tiny\0\0"),
    )
    pdta = _list(
        b"pdta",
        _chunk(b"phdr", phdr),
        _chunk(b"pbag", pbag),
        _chunk(b"pmod", bytes(10)),
        _chunk(b"pgen", pgen),
        _chunk(b"inst", inst),
        _chunk(b"ibag", ibag),
        _chunk(b"imod", imod),
        _chunk(b"igen", igen),
        _chunk(b"shdr", shdr),
    )
    return _chunk(b"RIFF", b"sfbk" + info + _list(b"sdta", _chunk(b"smpl", wave)) + pdta)


def _seeds() -> list[bytes]:
    return [tiny_soundfont(), tiny_soundfont(1), tiny_soundfont(compressed=True)]


def _change_record(rng: Random, data: bytes) -> bytes:
    """A 16 or 32 bit number within the tables becomes another; or a chunk's length does."""
    start = data.index(b"pdta")
    at = rng.randrange(start, len(data) - 4) & ~1
    size = rng.choice((2, 2, 4))
    value = rng.choice((*_AMOUNTS, len(data), rng.randrange(1 << 16)))
    if rng.random() < 0.1:
        names = [
            n
            for n in (
                b"LIST",
                b"phdr",
                b"pbag",
                b"pgen",
                b"inst",
                b"ibag",
                b"igen",
                b"shdr",
                b"smpl",
                b"pmod",
                b"imod",
                b"ifil",
            )
            if n in data
        ]
        at, size = data.index(rng.choice(names)) + 4, 4
        value += rng.choice((0, int.from_bytes(data[at : at + 4], "little")))
    return data[:at] + (value % 256**size).to_bytes(size, "little") + data[at + size :]


_AMOUNTS = (
    0,
    1,
    2,
    41,
    43,
    50,
    53,
    54,
    58,
    127,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)

READERS = (
    Reader(
        "soundfont",
        ".sf2",
        _seeds,
        _read,
        mutate=_change_record,
        seconds=5.0,
        mebibytes=512,
        tokens=(b"sfbk", b"RIFF", b"LIST", b"sm24", b"\x3a\x00\xff\xff", b"OggS", b"\x10\x80"),
    ),
)
