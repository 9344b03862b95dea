"""Keys: their scales and names, the one that fits best, and how notes are spelled in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from jam.errors import BadInput
from jam.music.chord import COMMON_NAMES, FLAT_NAMES, SHARP_NAMES, Chord
from jam.music.chord_notation import parse_symbol
from jam.music.rows import Row

_MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)

_MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def best_key(weights: tuple[float, ...] | list[float]) -> tuple[int, bool]:
    """The key (tonic, is_minor) that fits 12 pitch-class weights best.

    Correlation with the profiles of Krumhansl & Kessler (1982). C major when all are equal.
    """
    mean = sum(weights) / 12
    centred = [w - mean for w in weights]
    best, best_score = (0, False), -1e9
    for minor, profile in ((False, _MAJOR_PROFILE), (True, _MINOR_PROFILE)):
        mid = sum(profile) / 12
        norm = sum((p - mid) ** 2 for p in profile) ** 0.5
        for tonic in range(12):
            dot = sum(c * (profile[(i - tonic) % 12] - mid) for i, c in enumerate(centred))
            if dot / norm > best_score + 1e-12:
                best, best_score = (tonic, minor), dot / norm
    return best


Key = tuple[int, bool]
"""(tonic, is_minor)"""

_MAJOR_SCALE = frozenset((0, 2, 4, 5, 7, 9, 11))

# Natural minor, with the leading note that its dominant needs.
_MINOR_SCALE = frozenset((0, 2, 3, 5, 7, 8, 10, 11))

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
    fault = BadInput(f"key {text!r}: use C, Am or F# minor")
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


def key_of(rows: Iterable[Row]) -> tuple[int, bool] | None:
    """(tonic, is_minor) that these rows are in, by melody and chords; None without a melody."""
    return key_of_counted(Counter(rows))


def key_of_counted(rows: Mapping[Row, int]) -> tuple[int, bool] | None:
    """The same of rows and how often each of them comes."""
    weights = [0.0] * 12
    for row, n in rows.items():
        if row.melody.pitch is not None:
            weights[row.melody.pitch % 12] += n * (1.0 + row.melody.onset)
    if not any(weights):
        return None
    for row, n in rows.items():
        if row.chord.chord is not None:
            for pitch_class in row.chord.chord.pitch_classes:
                weights[pitch_class] += n * 0.25
    return best_key(weights)


# Sharps (positive) or flats of the major key on each pitch class; six of either are written flat.
_SHARPS = (0, -5, 2, -3, 4, -1, -6, 1, -4, 3, -2, 5)

_LINE_OF_FIFTHS = "FCGDAEB"


def sharps_of(key: Key) -> int:
    """Sharps of a key signature; flats are negative."""
    tonic, minor = key
    return _SHARPS[(tonic + 3) % 12 if minor else tonic]


def spell(pitch_class: int, key: Key) -> str:
    """Name of a pitch class as the key has it: "Bb" in C major, "G#" in A minor."""
    return spell_in(pitch_class, sharps_of(key), key[1])


def spell_in(pitch_class: int, sharps: int, minor: bool) -> str:
    """Name of a pitch class under a key signature (flats are negative).

    The names lie next to each other on the line of fifths: in major from the flat second to the
    sharp fourth degree, in minor up to the leading note. Beyond the key's own notes plain names
    are preferred, and there are no double accidentals.
    """
    lowest = sharps - (3 if minor else 5)
    place = lowest + (7 * pitch_class - lowest) % 12
    alter, letter = divmod(place + 1, 7)
    name = _LINE_OF_FIFTHS[letter] + ("#" * alter if alter > 0 else "b" * -alter)
    foreign = not sharps - 1 <= place <= sharps + 5
    if abs(alter) > 1 or (foreign and name in ("Cb", "Fb", "E#", "B#")):
        return (SHARP_NAMES if sharps > 0 else FLAT_NAMES)[pitch_class]
    return name


def key_accidental(letter: str, sharps: int) -> int:
    """What a key signature does to a letter: 1 sharp, -1 flat, 0 nothing."""
    place = _LINE_OF_FIFTHS.index(letter)
    return 1 if place < sharps else -1 if 6 - place < -sharps else 0


def key_of_signature(sharps: int, minor: bool) -> Key:
    """The key of a signature."""
    return ((7 * sharps + 9) % 12, True) if minor else (7 * sharps % 12, False)
