"""Changes to valid inputs: pure functions of a random generator and bytes.

The kinds of change are those of AFL and libFuzzer (flips, extremes, blocks moved, words of the
format, splices), and for formats with a structure, changes of values within it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any, Literal

from tools.fuzzing.reader import Reader

MAX_BYTES = 1 << 18
"""Inputs don't grow beyond this: a limit of a larger size has a test of its own."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"2",
    b"7",
    b"127",
    b"128",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483647",
    b"2147483648",
    b"4294967295",
    b"9223372036854775807",
    b"18446744073709551616",
    b"1" + 400 * b"0",
    b"9" * 5000,
    b"0.0",
    b"-0.0",
    b"1e308",
    b"1e999",
    b"-1e999",
    b"1e-320",
    b"0.1",
    b"nan",
    b"inf",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1_000",
    b"0x10",
)
_WHOLE = (
    0,
    1,
    2,
    3,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    2**24 - 1,
    2**28 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
_TEXTS = (
    "",
    " ",
    "\x00",
    "\n",
    "é",
    "\ufeff",
    "\u2028",
    "\ud800",
    "𝄞",
    "x" * 300,
    "x" * 70_000,
    "../../etc/passwd",
    "%s%n",
    "{0}",
    "<b>&amp;",
    "4/4",
    "0/0",
    "-1/4",
    "255/8",
    "C#m7b5",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.0,
    -0.0,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    2**31,
    2**63,
    -(2**63),
    10**400,
    127,
    128,
    "",
    [],
    {},
    [[]],
    [None],
    {"": 0},
    [0, 0],
    ["", ""],
    "any",
    "4/4",
    b"".decode(),
)


def mutated(rng: Random, reader: Reader, corpus: Sequence[bytes]) -> bytes:
    """A changed copy of one of the corpus's inputs."""
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 8))):
        change = rng.choice(_CHANGES)
        if reader.mutate is not None and rng.random() < 0.6:
            try:
                data = reader.mutate(rng, data)[:MAX_BYTES]
                continue
            except Exception:  # not of the format any more: bytes can be changed
                pass
        data = change(rng, data, reader, corpus)[:MAX_BYTES]
    return data


def _flip(rng: Random, data: bytes, *_: Any) -> bytes:
    if not data:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _set_byte(rng: Random, data: bytes, *_: Any) -> bytes:
    at = rng.randrange(len(data) + 1)
    value = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return data[:at] + bytes([value]) + data[at + rng.randrange(2) :]


def _range(rng: Random, data: bytes) -> tuple[int, int]:
    at = rng.randrange(len(data) + 1)
    length = rng.choice((1, 2, 4, 8, rng.randrange(1, 64), rng.randrange(1, len(data) + 2)))
    return at, min(len(data), at + length)


def _cut(rng: Random, data: bytes, *_: Any) -> bytes:
    start, end = _range(rng, data)
    return data[:start] + data[end:]


def _truncate(rng: Random, data: bytes, *_: Any) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _repeat(rng: Random, data: bytes, *_: Any) -> bytes:
    start, end = _range(rng, data)
    times = rng.choice((1, 1, 2, 8, 100, 2000))
    room = max(1, MAX_BYTES // max(1, end - start))
    return data[:end] + data[start:end] * min(times, room) + data[end:]


def _move(rng: Random, data: bytes, *_: Any) -> bytes:
    start, end = _range(rng, data)
    rest = data[:start] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _whole_number(rng: Random, data: bytes, *_: Any) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    at = rng.randrange(len(data) + 1)
    order: Literal["big", "little"] = "big" if rng.random() < 0.5 else "little"
    now = int.from_bytes(data[at : at + size], order)
    value = rng.choice((rng.choice(_WHOLE), now + rng.randrange(-4, 5), len(data), len(data) - at))
    number = (value % 256**size).to_bytes(size, order)
    return data[:at] + number + data[at + size :]


def _written_number(rng: Random, data: bytes, *_: Any) -> bytes:
    """A number written in digits becomes another."""
    if not (found := list(_NUMBER.finditer(data))):
        return data
    match = rng.choice(found)
    return data[: match.start()] + rng.choice(_NUMBERS) + data[match.end() :]


def _word(rng: Random, data: bytes, reader: Reader, _corpus: Sequence[bytes]) -> bytes:
    if not reader.tokens:
        return _flip(rng, data)
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(reader.tokens) + data[at + rng.choice((0, 0, 1, 4)) :]


def _text(rng: Random, data: bytes, *_: Any) -> bytes:
    at = rng.randrange(len(data) + 1)
    text = rng.choice(_TEXTS).encode("utf-8", "surrogatepass")
    return data[:at] + rng.choice((text, b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80")) + data[at:]


def _splice(rng: Random, data: bytes, _reader: Reader, corpus: Sequence[bytes]) -> bytes:
    start, end = _range(rng, other := rng.choice(corpus))
    at, until = _range(rng, data)
    return data[:at] + other[start:end] + data[rng.choice((at, until)) :]


def _swap_lines(rng: Random, data: bytes, *_: Any) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


_CHANGES = (
    _flip,
    _set_byte,
    _cut,
    _truncate,
    _repeat,
    _move,
    _whole_number,
    _written_number,
    _word,
    _word,
    _text,
    _splice,
    _swap_lines,
)


def mutate_json(rng: Random, data: bytes) -> bytes:
    """JSON with one value, name or branch of it changed. Raises ValueError, RecursionError."""
    return json.dumps(mutate_tree(rng, json.loads(data))).encode("utf-8", "surrogatepass")


def mutate_tree(rng: Random, tree: Any) -> Any:
    """A tree of dicts, lists and plain values with one of them changed."""
    places: list[tuple[Any, Any]] = []

    def gather(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                gather(node[key])

    if isinstance(tree, dict | list):
        gather(tree)
    if not places:
        return rng.choice(_VALUES)
    node, key = rng.choice(places)
    match rng.randrange(12):
        case 8 | 9 | 10 | 11 if type(node[key]) is float or type(node[key]) is int:
            # A number that may well be allowed.
            whole = rng.choice((0, 1, 2, 3, 4, 8, 12, 16, 60, 127, rng.randrange(512)))
            node[key] = rng.choice((whole, rng.uniform(0, 2), -node[key], node[key] * 2))
        case 0 if isinstance(node, dict):
            del node[key]
        case 0:
            node.insert(key, node[key])
        case 1 if isinstance(node, dict):
            node[rng.choice((*_TEXTS, *node))] = node.pop(key)
        case 2:
            other, place = rng.choice(places)
            # Copied: a tree that holds itself can't be written.
            node[key] = json.loads(json.dumps(other[place])) if place in _keys(other) else None
        case 3:
            node[key] = rng.choice(_TEXTS)
        case 4:
            deep: Any = node[key]
            for _ in range(rng.choice((1, 3, 50, 800))):
                deep = [deep] if rng.random() < 0.5 else {"a": deep}
            node[key] = deep
        case 5 if isinstance(node[key], list):
            node[key] = (node[key] * rng.choice((2, 50)))[:2000]
        case 6 if isinstance(node[key], int | float):
            node[key] = rng.choice((*_WHOLE, -1, -(2**31), node[key] + 1, node[key] * -1, 0.5))
        case _:
            node[key] = rng.choice(_VALUES)
    return tree


def _keys(node: Any) -> Any:
    return node if isinstance(node, dict) else range(len(node))
