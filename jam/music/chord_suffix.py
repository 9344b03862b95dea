"""What stands behind the root of a chord symbol, taken apart: "m7b5", "7(#9,b13)", "sus4". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jam.music.chord import QUALITIES
from jam.music.chord_kinds import KINDS, Degree

# What may follow the root of a lead-sheet symbol, in the order in which it is tried.
_PARTS = re.compile(
    r"(?P<half>ø|hdim|h(?=7|$))"
    r"|(?P<dim>dim|°|o(?!m)|d(?=7|$))"
    r"|(?P<alt>alt)"
    r"|(?P<add>add(?:(?P<add_sign>[#b+-]?)(?P<added>\d+))?)"
    r"|(?P<no>(?:no|omit|om)(?P<left_out>[357])(?:rd|th)?)"
    r"|(?P<sus>sus(?P<sus_degree>[24](?!\d))?)"
    r"|(?P<dom>dom(?:inant)?)"
    r"|(?P<minor>MIN|MI|[Mm]in(?:or)?|mi(?!n)|m(?!aj|a(?:\d|$)))"
    r"|(?P<major>MAJ|MA|[Mm]ajor|[Mm]aj|ma|M|Δ|\^|j)"
    r"|(?P<signed>[#b+-](?P<altered>5|9|11|13|4|6|7))"
    r"|(?P<aug>aug(?:mented)?|\+)"
    r"|(?P<minus>-)"
    r"|(?P<degree>13|11|9|7|69|6|5|4|2)(?P<after>(?<!7)[#b](?=$|\D|\d+[#b]))?"
)


MOST_VOICES = 4
"""Above the bass."""
_SCALE = {7: 10, 9: 2, 11: 5, 13: 9}
"""Degrees in semitones above the root."""


@dataclass(slots=True)
class Parts:
    """What stands behind a root, by degree of the scale; None is left out."""

    third: int | None = 4
    fifth: int | None = 7
    seventh: int | None = None
    sixth: bool = False
    ninth: bool = False
    """Plain, and of the chord."""
    tensions: list[tuple[int, int]] = field(default_factory=list)
    """(degree, alteration) of every ninth, eleventh and thirteenth, plain ones too."""
    top: int = 0
    """Of a stack of thirds: 9, 11 or 13."""
    is_altered: bool = False
    """ "alt": fifth and ninth as the player likes."""

    def intervals(self) -> set[int]:
        """Semitones above the root of what decides the quality."""
        third = self.third
        if third is None and self.seventh is not None:
            third = 4  # "9(no3)" is no sus chord
        sounding = {0, *(i for i in (third, self.fifth, self.seventh) if i is not None)}
        if self.sixth:
            sounding.add(9)
        if self.ninth and self.seventh is not None:
            sounding.add(2)
        return sounding

    def intervals_written(self) -> frozenset[int]:
        """All that is written, in semitones above the root."""
        return frozenset(self._in_order())

    def voices(self, quality: str) -> tuple[int, ...]:
        """What a band plays of it above its bass; empty where the quality that it is reduced to
        has all of it, and nothing else. See `Symbol.voices`."""
        ordered = self._in_order()
        if set(ordered) == set(QUALITIES[quality][0]) or quality == "5":
            return ()
        optional = {0} | ({7} if self.fifth == 7 else set())
        n_main = len([i for i in ordered if i not in optional])
        ordered += [0] * (3 - len(ordered))
        return tuple(ordered[: max(3, min(n_main, MOST_VOICES))])

    def _in_order(self) -> list[int]:
        """Semitones above the root, what matters most first."""
        tensions = [_SCALE[degree] + alter for degree, alter in self.tensions if alter]
        plain = {degree for degree, alter in self.tensions if not alter}
        tensions += [_SCALE[degree] for degree in sorted(plain, reverse=True)]
        if self.top > 9 and 9 not in {degree for degree, _ in self.tensions}:
            tensions.append(_SCALE[9])  # of the stack, without being written
        third, fifth, sixth = self.third, self.fifth, 9 if self.sixth else None
        if self.is_altered:
            tensions += [_SCALE[9] + 1, _SCALE[13] - 1]
            fifth = None if fifth == 7 else fifth
        if third == 4 and 5 in tensions and self.seventh is not None:
            third = None  # the eleventh takes its place
        altered = None if fifth == 7 else fifth
        matter = [third, self.seventh or sixth, altered, *tensions, sixth, fifth, 0]
        return list(dict.fromkeys(i for i in matter if i is not None))

    def musicxml(self, quality: str) -> tuple[str, tuple[Degree, ...]]:
        """Kind and degrees of MusicXML for this and the quality that it is reduced to."""
        if self.is_altered:  # no kind says so, only the text
            return "other", ()
        quality = _WITH_SEVENTH.get((self.third, self.fifth, self.seventh), quality)
        kind, base = KINDS[quality]
        degrees: list[Degree] = list(base)
        inside = set(QUALITIES[quality][0])
        if self.third == 2 and quality == "7sus4":
            kind, inside = KINDS["sus2"][0], {0, 2, 7, 10}
        if self.seventh is not None and self.seventh not in inside:
            degrees.append(("add", 7, self.seventh - 10))
        if self.sixth and 9 not in inside:
            degrees.append(("add", 6 if self.seventh is None else 13, 0))
        if self.top in (11, 13) and kind.endswith("-ninth"):
            kind = f"{kind.removesuffix('-ninth')}-{self.top}th"
        covered = {9: 2, 11: 5, 13: 9}
        for degree, alter in dict.fromkeys(self.tensions):
            plain = not alter and degree in covered
            stacked = degree <= self.top and kind.endswith(("ninth", "11th", "13th"))
            if plain and (covered[degree] in inside or stacked):
                continue
            degrees.append(("add", degree, alter))
        if self.fifth is None and 7 in inside and quality != "5":
            degrees.append(("subtract", 5, 0))
        elif self.fifth in (6, 8) and self.fifth not in inside and 7 in inside:
            degrees.append(("alter", 5, self.fifth - 7))
        if self.third is None and inside & {3, 4}:
            degrees.append(("subtract", 3, 0))
        return kind, tuple(degrees)


# (third, fifth, seventh) of chords whose seventh the table of qualities drops -> the quality that
# has it, with another fifth.
_WITH_SEVENTH: dict[tuple[int | None, ...], str] = {(4, 8, 11): "maj7", (3, 6, 11): "minmaj7"}


def parts_of(rest: str) -> Parts:
    """Read what stands behind the root in a symbol. Raises ValueError."""
    # Brazilian and French charts: the sign behind its number ("7/5-", "7(9b)"), 7/4 suspended.
    rest = re.sub(r"([/(,])(5|9|11|13)([#b+-])(?![\d#b])", r"\1\3\2", rest)
    rest = re.sub(r"^(m|-|mi|min)?\((9|11|13)\)", r"\1add\2", rest)  # "C(9)" has no seventh
    rest = re.sub(r"sus2(?:sus|/)?4|sus4(?:sus|/)?2|^2/4|^4/2", "sus4add9", rest)
    rest = re.sub(r"^7(?:/4|\(4)(?!\d)", "7sus4", rest)
    rest = re.sub(r"[/](?=[#b+-]?\d)|(?<=\d)[/](?=[#b]\d)", "add", rest.replace("6/9", "69"))
    rest = re.sub(r"/(?=[Mm]aj|M7)", "", rest)
    rest = re.sub(r"[(),\[\]{};|.]", "", rest)
    parts = Parts()
    major = dim = False
    at = 0
    first_degree = True
    while at < len(rest):
        part = _PARTS.match(rest, at)
        if part is None:
            raise ValueError(rest)
        begins, at = at == 0, part.end()
        if part["half"]:
            parts.third, parts.fifth, parts.seventh = 3, 6, 10
        elif part["dim"]:
            parts.third, parts.fifth, dim = 3, 6, True
        elif part["alt"]:
            parts.seventh, parts.is_altered = parts.seventh or 10, True
        elif part["add"]:
            _add(parts, part["add_sign"] or "", int(part["added"] or 9))
        elif part["no"]:
            parts.third = None if part["left_out"] == "3" else parts.third
            parts.fifth = None if part["left_out"] == "5" else parts.fifth
        elif part["sus"]:
            parts.third = 2 if part["sus_degree"] == "2" else 5
        elif part["minor"] or (part["minus"] and begins):
            parts.third = 3
        elif part["major"]:
            major = True
            # A minor or dominant chord that says "major", or a bare triangle: the seventh.
            bare = part["major"] in "Δ^j" and not re.match(r"\d", rest[at:])
            if parts.seventh == 9:  # "°7(maj7)"
                parts.tensions.append((7, 1))
            elif parts.third == 3 or parts.seventh is not None or bare:
                parts.seventh = 11
        elif part["signed"] and not (begins and part["signed"][0] in "+-"):
            sign, number = part["signed"][0], int(part["altered"])
            if number == 5:
                parts.fifth = 6 if sign in "b-" else 8
            elif number == 7:  # "m#7", "m+7": the major seventh of a minor chord
                parts.seventh = 11 if sign in "#+" else 10
            else:
                _add(parts, sign, number)
        elif part["signed"]:  # "+9", "-9": the sign is the chord's, the number is read next
            if part["signed"][0] == "-":
                parts.third = 3
            else:
                parts.fifth = 8
            at = part.start() + 1
        elif part["aug"] and parts.third == 3 and parts.seventh == 10 and at == len(rest):
            parts.seventh = 11  # "m7+"
        elif part["aug"]:
            parts.fifth = 8
        elif part["minus"]:
            raise ValueError(rest)
        elif part["degree"]:
            _take_degree(parts, part, major, dim, first_degree, begins)
            first_degree = False
    return parts


def _add(parts: Parts, sign: str, number: int) -> None:
    """A degree that is added, or altered."""
    alter = 1 if sign in ("#", "+") else -1 if sign in ("b", "-") else 0
    number = {2: 9, 4: 11}.get(number, number)
    if number == 5 and alter:
        parts.fifth = 7 + alter
    elif number == 6 and not alter:
        parts.sixth = True
    elif number == 6:
        parts.tensions.append((13, alter))
    elif number in (9, 11, 13):
        parts.tensions.append((number, alter))
        if number == 9:  # an altered ninth takes the place of the one that a 13 brings along
            parts.ninth = not alter
    elif number == 3 and not alter and parts.third == 5:  # "7sus(add3)"
        parts.third = 4
        parts.tensions.append((11, 0))
    elif number == 7:
        parts.seventh = parts.seventh or (11 if alter > 0 else 10)


def _take_degree(
    parts: Parts, part: re.Match[str], major: bool, dim: bool, first: bool, begins: bool
) -> None:
    """A number: "7", "13", "69"; a sign behind it is its own ("79b")."""
    number, after = part["degree"], part["after"]
    if number in ("6", "69"):
        parts.sixth = True
        if number == "69":
            parts.tensions.append((9, 0))
    elif number == "5" and after:
        parts.fifth = 8 if after == "#" else 6
    elif number == "5":
        parts.third = None if first and begins else parts.third
    elif number in ("2", "4") and first:
        parts.third = int(number) if number == "2" else 5
    elif number in ("7", "9", "11", "13"):
        if first or number == "7":
            seventh = 11 if major else 9 if dim else 10
            parts.seventh = parts.seventh or seventh
        if number != "7":
            alter = {"#": 1, "b": -1}.get(after or "", 0)
            parts.tensions.append((int(number), alter))
            if not after and (number == "9" or first):
                parts.ninth = True
                parts.top = max(parts.top, int(number) if first else 0)
