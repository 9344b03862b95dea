"""From a style's drawn bars to hits of any metre: pure, and cached by style and metre."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from jam.accompaniment.styles import Lanes, Style
from jam.music.grid import Meter


@dataclass(frozen=True, slots=True)
class Hit:
    """Something struck: column (frame in the bar), how many columns it lasts, and its sign."""

    column: int
    length: int
    sign: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of a bar."""

    hits: tuple[Hit, ...]
    columns: str

    def holds(self, column: int) -> bool:
        """True where the pattern sustains: a chord that comes here is held, else it is short."""
        return self.columns[column] != "."


@dataclass(frozen=True, slots=True)
class Bar:
    """The lanes of one bar, by name; "chords" may have several."""

    lanes: dict[str, tuple[Lane, ...]]

    def lane(self, name: str) -> tuple[Lane, ...]:
        return self.lanes.get(name, ())


@lru_cache(maxsize=256)
def bars_of(style: Style, meter: Meter) -> tuple[Bar, ...]:
    """The style's bars in a metre, which follow each other and begin again."""
    drawn = style.bars.get(str(meter))
    if drawn is None:
        drawn = {
            name: tuple(columns_for(style, name, row, meter) for row in range(_n_rows(style, name)))
            for name in {lane for lanes in style.bars.values() for lane in lanes}
        }
    length = meter.frames_per_bar
    n_bars = max((len(row) // length for rows in drawn.values() for row in rows), default=1)
    bars: list[dict[str, list[Lane]]] = [{} for _ in range(n_bars)]
    for name, rows in drawn.items():
        for row in rows:
            repeated = row * (n_bars * length // len(row) + 1)
            for n, lane in enumerate(_split(repeated[: n_bars * length], length)):
                bars[n].setdefault(name, []).append(lane)
    return tuple(Bar({name: tuple(lanes) for name, lanes in bar.items()}) for bar in bars)


def _n_rows(style: Style, name: str) -> int:
    return max(len(lanes.get(name, ())) for lanes in style.bars.values())


def columns_for(style: Style, name: str, row: int, meter: Meter) -> str:
    """A bar of `meter` put together from the bars that the style draws.

    The first group of beats begins as the drawn bar does, later ones as its second half.
    """

    def drawn(of: str) -> str:
        rows = style.bars[of].get(name, ())
        length = Meter.parse(of).frames_per_bar
        return (rows[row] if row < len(rows) else "." * length)[:length]

    four, three, six = drawn("4/4"), drawn("3/4"), drawn("6/8")
    out = ""
    for beats in groups_of(meter):
        first = not out
        if meter.compound:
            half = six[:6] if first or beats == 3 else six[6:]
            out += six if beats == 2 else six + six[6:] if beats == 3 else half
        elif meter.denominator == 8:  # beats are eighths
            if beats == 3:
                out += six[:6] if first else six[6:]
            else:
                out += (four if first else four[8:])[: 2 * beats]
        else:
            per = meter.frames_per_beat // 4  # quarters in a beat: 1, or 2 in n/2
            quarters = beats * per
            if quarters == 3:
                out += three
            else:
                half = four[:8] if first else four[8:]
                out += half[:4] if quarters == 1 else half
                out += four[8:] * (quarters // 2 - 1)
                out += four[8:12] if quarters > 1 and quarters % 2 else ""
    return out[: meter.frames_per_bar].ljust(meter.frames_per_bar, "-")


def groups_of(meter: Meter) -> list[int]:
    """The bar's groups of beats, none longer than three: long odd bars end in a group of three."""
    found: list[int] = []
    for beats in meter.groups:
        while beats > 3:
            found.append(2)
            beats -= 2
        found.append(beats)
    return found


def _split(columns: str, length: int) -> list[Lane]:
    """Rows of bars to lanes; what is held may last into the next bar of the row."""
    hits: list[list[Hit]] = [[] for _ in range(len(columns) // length)]
    for at, sign in enumerate(columns):
        if sign in "-.":
            continue
        end = at + 1
        while end < len(columns) and columns[end] == "-":
            end += 1
        hits[at // length].append(Hit(at % length, end - at, sign))
    return [Lane(tuple(bar), columns[n * length : (n + 1) * length]) for n, bar in enumerate(hits)]


@lru_cache(maxsize=256)
def fill_of(style: Style, meter: Meter) -> tuple[int, dict[str, tuple[Hit, ...]]] | None:
    """The first column of the style's fill in a metre, and its hits by lane; None without one."""
    lanes: Lanes | None = style.fills.get(str(meter))
    if not lanes:
        return None
    length = meter.frames_per_bar
    start = length - max(len(row) for rows in lanes.values() for row in rows)
    return start, {
        name: tuple(
            Hit(length - len(row) + at, 1, sign)
            for row in rows
            for at, sign in enumerate(row)
            if sign not in "-."
        )
        for name, rows in lanes.items()
    }
