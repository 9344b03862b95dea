"""Which chords the agent may play: those of a key, those of a palette."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from jam.errors import BadInput
from jam.harmony import (
    COMMON_NAMES,
    QUALITIES,
    QUALITY_NAMES,
    SHARP_NAMES,
    Chord,
    parse_symbol,
)

Key = tuple[int, bool]
"""(tonic, is_minor)"""

_MAJOR_SCALE = frozenset((0, 2, 4, 5, 7, 9, 11))
# Natural minor, with the leading note that its dominant needs.
_MINOR_SCALE = frozenset((0, 2, 3, 5, 7, 8, 10, 11))
_SUFFIXES = {suffix: name for name, (_, suffix) in QUALITIES.items() if suffix}
# Sharp keys that players never call by their flat name.
_MINOR_NAMES = tuple(SHARP_NAMES[i] if i in (1, 8) else COMMON_NAMES[i] for i in range(12))


def scale_of(minor: bool) -> frozenset[int]:
    """The notes of a key in semitones above its tonic."""
    return _MINOR_SCALE if minor else _MAJOR_SCALE


def in_key(chord: Chord, key: Key) -> bool:
    """True when every note of the chord belongs to the key."""
    tonic, minor = key
    return all((pc - tonic) % 12 in scale_of(minor) for pc in chord.pitch_classes)


def parse_key(text: str) -> Key:
    """Read "C", "Am", "F# minor", "Eb major". Raises BadInput."""
    words = text.replace("-", " ").split()
    fault = BadInput(f"key {text!r}: not of the form C, Am, F# minor")
    if len(words) == 2 and words[1].lower() in ("major", "maj", "minor", "min"):
        words = [words[0] + ("m" if words[1].lower().startswith("min") else "")]
    try:
        chord, bass = parse_symbol(words[0] if len(words) == 1 else "?")
    except ValueError:
        raise fault from None
    if chord is None or bass is not None or chord.quality not in ("maj", "min"):
        raise fault
    return chord.root, chord.quality == "min"


def key_name(key: Key) -> str:
    """ "C major", "F# minor"."""
    tonic, minor = key
    return f"{_MINOR_NAMES[tonic]} minor" if minor else f"{COMMON_NAMES[tonic]} major"


def read_palette(text: str) -> tuple[str, ...]:
    """A palette as it is typed: "maj min7 G7", commas or spaces between; "all" or "" is empty.

    Qualities are given by their name or their suffix ("min7" or "m7"), and kept by their name;
    chords by their symbol. Raises BadInput for what is neither.
    """
    words = text.replace(",", " ").split()
    if words == ["all"]:
        return ()
    return tuple(dict.fromkeys(_spelled(word) for word in words))


def _spelled(entry: str) -> str:
    """The one spelling of a palette's entry. Raises BadInput."""
    if entry in QUALITIES:
        return entry
    if entry in _SUFFIXES:
        return _SUFFIXES[entry]
    fault = BadInput(
        f"palette {entry!r}: neither a chord (Dm7) nor a quality ({', '.join(QUALITY_NAMES)})"
    )
    try:
        chord, bass = parse_symbol(entry)
    except ValueError:
        raise fault from None
    if chord is None or bass is not None:
        raise fault
    return chord.symbol


def _chords_of(entry: str) -> frozenset[Chord]:
    entry = _spelled(entry)
    if entry in QUALITIES:
        return frozenset(Chord(root, entry) for root in range(12))
    chord, _ = parse_symbol(entry)
    assert chord is not None
    return frozenset((chord,))


@lru_cache(maxsize=64)
def allowed_chords(palette: Sequence[str], key_lock: Key | None) -> frozenset[Chord] | None:
    """The chords that both a palette and a locked key leave; None where neither says anything.

    An empty palette allows every chord; otherwise its entries are qualities ("min7": on every
    root) and chords ("Dm7"), and a chord of any entry is allowed.
    Raises BadInput for an entry that can't be read, and when no chord is left.
    """
    if not palette and key_lock is None:
        return None
    chords = frozenset(Chord(r, q) for r in range(12) for q in QUALITY_NAMES)
    if palette:
        chords = frozenset().union(*map(_chords_of, palette))
    if key_lock is not None:
        chords = frozenset(chord for chord in chords if in_key(chord, key_lock))
        if not chords:
            raise BadInput(
                f"palette {' '.join(palette)}: none of these chords is in {key_name(key_lock)};"
                " free the key or allow other chords"
            )
    return chords
