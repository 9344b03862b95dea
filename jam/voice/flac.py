"""FLAC files whose writer was cut off (RFC 9639): the length that is missing at their beginning.

A disk that is full, or a program that is killed, leaves the number of samples at 0, unknown; then
libsndfile can't seek in the file, nor say how long it is.
"""

from __future__ import annotations

from pathlib import Path

_HEAD, _TOTAL_AT = 42, 18
"""The stream's mark and its STREAMINFO; there, after 28 other bits, the number of samples."""
_TOTAL_BITS = 36
_TAIL = 1 << 17
"""The last frame is looked for in so many bytes."""
_SYNC = b"\xff\xf8"
"""A frame of a stream whose frames are all of one size begins so."""


def mend(file: Path) -> None:
    """Give a file its length, where that is missing: that of all frames but the last. Raises
    OSError."""
    with file.open("r+b") as opened:
        head = opened.read(_HEAD)
        if len(head) < _HEAD or not head.startswith(b"fLaC"):
            return
        facts = int.from_bytes(head[_TOTAL_AT : _TOTAL_AT + 8], "big")
        if facts & ((1 << _TOTAL_BITS) - 1):
            return
        opened.seek(max(_HEAD, opened.seek(0, 2) - _TAIL))
        number = last_frame(opened.read())
        if number:
            total = number * int.from_bytes(head[8:10], "big")
            opened.seek(_TOTAL_AT)
            opened.write((facts | total).to_bytes(8, "big"))


def last_frame(data: bytes) -> int:
    """The number of the last frame that begins in a part of a stream; 0 where there is none."""
    at = len(data)
    while (at := data.rfind(_SYNC, 0, at)) >= 0:
        if (number := _number_of(data[at : at + 16])) is not None:
            return number
    return 0


def _number_of(head: bytes) -> int | None:
    """The number in a frame's header; None where it is no header."""
    if len(head) < 16:
        return None
    ones = f"{head[4]:08b}".index("0") if head[4] != 0xFF else 8
    if ones == 1 or ones > 6:
        return None
    n = max(1, ones)
    number = head[4] & (0x7F >> ones)
    for byte in head[5 : 4 + n]:
        if byte >> 6 != 2:
            return None
        number = number << 6 | byte & 0x3F
    size, rate = head[2] >> 4, head[2] & 15
    end = 4 + n + {6: 1, 7: 2}.get(size, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return number if _crc8(head[:end]) == head[end] else None


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
