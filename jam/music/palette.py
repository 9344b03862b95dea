"""Which chords the agent may play: those of a key, those of a palette."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from jam.errors import BadInput
from jam.music.chord import QUALITIES, QUALITY_NAMES, Chord
from jam.music.chord_notation import parse_symbol
from jam.music.key import Key, in_key, key_name

_SUFFIXES = {suffix: name for name, (_, suffix) in QUALITIES.items() if suffix}


def read_palette(text: str) -> tuple[str, ...]:
    """A palette as it is typed: "maj min7 G7", commas or spaces between; "any" or "" is empty.

    Qualities are given by their name or their suffix ("min7" or "m7"), and kept by their name;
    chords by their symbol. Raises BadInput for what is neither.
    """
    words = text.replace(",", " ").split()
    if words in (["any"], ["all"]):
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
                " allow any key or other chords"
            )
    return chords
