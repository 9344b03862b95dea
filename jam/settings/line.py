"""One setting: what it may be, and what is said of it wherever it can be turned. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from jam.errors import BadInput

_FEW = 8
"""So many words are listed where it is said what can be typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value with its name in the window and the word that is typed for it."""

    value: Any
    label: str
    word: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table of settings. A value is right when it is one of the choices or a number
    within the limits; where there are neither, or others than the choices may be, its type or
    the settings as a whole say what is right.
    """

    label: str
    """Its name in the window; "&" marks the letter that Alt reaches it by."""
    tip: str
    help: str = ""
    """Of the command line's option: a few words, without the limits and the default."""
    word: str = ""
    """What is typed for it while a jam goes on, and its option; "" where it has neither."""
    option: str = ""
    """Its option where that isn't called as the word."""
    also: str = ""
    """Another spelling of the word and the option."""
    metavar: str = ""
    """What its value is called there; "" for what follows from its unit or option."""
    group: str = ""
    """The part of the command line that it belongs to."""
    place: str = ""
    """Tab and heading in the settings panel, "Music/Chords"; "" for the bar."""
    caption: str = ""
    """What stands beside its control where that is shorter than the label."""
    limits: tuple[float, float, str] | None = None
    """Lowest, highest, unit: in the plural ("beats"), or a sign ("ms", "%" of a fraction)."""
    step: float = 0.0
    """Of a slider; 0 where a number is typed."""
    choices: tuple[Choice, ...] = ()
    others: bool = False
    """Other values than the choices may be right."""
    control: str = ""
    """A control of its own, by name; "" for the one of its kind."""
    kind: type = str
    """Of its values but None: that of the default, where it has one."""
    read_text: Callable[[str], Any] | None = None
    """Reads what is typed; raises BadInput or ValueError."""
    write_text: Callable[[Any], str] | None = None
    """The reverse."""
    name: str = ""
    """That of its field."""
    default: Any = None

    @property
    def plain_label(self) -> str:
        return self.label.replace("&", "")

    @property
    def tab(self) -> str:
        return self.place.partition("/")[0]

    @property
    def heading(self) -> str:
        return self.place.partition("/")[2]

    @property
    def flag(self) -> str:
        """Its option on the command line, "" where it has none."""
        return self.option or (f"--{self.word}" if self.word else "")

    @property
    def flags(self) -> tuple[str, ...]:
        """Its option in every spelling, the first the usual one."""
        return (self.flag, f"--{self.also}") if self.also else (self.flag,)

    @property
    def value_name(self) -> str:
        """ "BEATS", "N", "KEY": the place of its value in the command line's help."""
        if self.metavar or self.unit not in ("", "%"):
            return self.metavar or self.unit.upper()
        return "N" if self.kind in (int, float) else self.flag.rpartition("-")[2].upper()

    def check(self, value: Any) -> None:
        """Raises BadInput, naming the setting, for a value out of range."""
        if any(value == choice.value for choice in self.choices):
            return
        if self.limits is not None:
            low, high, _ = self.limits
            if not isinstance(value, int | float) or not low <= value <= high:  # or NaN
                raise BadInput(f"{self._named(value)}: must be {self.range}")
        elif self.choices and not self.others:
            words = ", ".join(choice.word for choice in self.choices)
            raise BadInput(f"{self._named(value)}: must be one of {words}")

    def _named(self, value: Any) -> str:
        return f"{self.word or self.plain_label.lower()} {value!s:.12}"

    @property
    def numbers(self) -> tuple[float, float]:
        """Lowest and highest, of one that has limits."""
        assert self.limits is not None, f"{self.name} has no limits"
        return self.limits[:2]

    @property
    def unit(self) -> str:
        """ "" where it has none."""
        return self.limits[2] if self.limits else ""

    @property
    def range(self) -> str:
        """ "between 1 and 16 beats"; "" where it has none."""
        if self.limits is None:
            return ""
        low, high, unit = self.limits
        return f"between {low:g} and {high:g} {unit}".rstrip(" %")

    @property
    def may_be(self) -> str:
        """What can be typed for it: "1 to 16 beats", "neural or rules"; "" where that is a lot."""
        words = [choice.word for choice in self.choices]
        if self.limits is not None:
            low, high, unit = self.limits
            numbers = f"{low:g} to {high:g} {unit}".rstrip(" %")
            return " or ".join([numbers, *(w for w in words if not w.isdecimal())])
        if self.kind is bool:
            return "on or off"
        if not 1 < len(words) <= _FEW:
            return ""
        return f"{', '.join(words[:-1])} or {words[-1]}" + (", …" if self.others else "")

    # As a knob: from 0 to 1 over its range, or along its choices

    @property
    def is_dial(self) -> bool:
        """Whether a knob can turn through its values."""
        return self.kind is bool or self._is_list or self.limits is not None

    @property
    def _is_list(self) -> bool:
        return len(self.choices) > 1

    def at(self, position: float) -> Any:
        """The value at a position."""
        position = min(1.0, max(0.0, position))
        if self._is_list:
            return self.choices[round(position * (len(self.choices) - 1))].value
        if self.limits is None:
            return position >= 0.5
        low, high = self.numbers
        grain = self._grain
        return self.kind(min(high, round(low + grain * round(position * (high - low) / grain), 4)))

    def position(self, value: Any) -> float:
        """Where a value is; 0 for one that isn't on the list."""
        if self._is_list:
            values = [choice.value for choice in self.choices]
            return values.index(value) / (len(values) - 1) if value in values else 0.0
        if self.limits is None:
            return float(bool(value))
        low, high = self.numbers
        return (value - low) / (high - low)

    def turned(self, value: Any, steps: int) -> Any:
        """The value so many steps further on, as far as its range goes."""
        if self.limits is None and not self._is_list:
            return steps > 0
        high = len(self.choices) - 1 if self._is_list else self.numbers[1] - self.numbers[0]
        grain = 1 if self._is_list else self._grain
        return self.at(self.position(value) + steps * grain / high)

    @property
    def _grain(self) -> float:
        """The least by which a number is turned."""
        return self.step or 1

    def read(self, text: str) -> Any:
        """The value that is typed for it, not yet checked. Raises BadInput."""
        for choice in self.choices:
            if text.lower() in (choice.word.lower(), choice.label.lower()):
                return choice.value
        if self.kind is bool:
            if text.lower() not in ("on", "off"):
                raise BadInput(f"{self.word} {text!r}: must be on or off")
            return text.lower() == "on"
        try:
            return self.read_text(text) if self.read_text is not None else self.kind(text)
        except (ValueError, OverflowError):
            raise BadInput(f"{self.word} {text!r}: not a number") from None

    def typed(self, value: Any) -> str:
        """What is typed for a value: `read` gives it back."""
        for choice in self.choices:
            if value == choice.value:
                return choice.word
        if isinstance(value, bool):
            return "on" if value else "off"
        if self.write_text is not None:
            return self.write_text(value)
        return f"{value:g}" if isinstance(value, int | float) else str(value)

    def shown(self, value: Any) -> str:
        """A value as the window says it: "5 beats", "55 %", "From the style"."""
        for choice in self.choices:
            if value == choice.value:
                return choice.label
        if isinstance(value, bool) or not isinstance(value, int | float) or self.write_text:
            return self.typed(value)
        unit = self.unit
        if unit == "%":
            return f"{100 * value:.0f} %"
        if value == 1 and unit != "ms":
            unit = unit.removesuffix("s")
        return f"{value:g} {unit}".rstrip()


def setting(default: Any, label: str, tip: str, help: str = "", word: str = "", **rest: Any) -> Any:
    """A field of a dataclass that has a line: its default, then what `Line` takes."""
    line = Line(label, tip, help, word, default=default, **rest)
    if default is not None:
        line = replace(line, kind=type(default))
    return field(default=default, metadata={"line": line})


def lines_of(record: type[Any]) -> dict[str, Line]:
    """Name -> line of every field of a dataclass that has one, in their order."""
    return {
        f.name: replace(f.metadata["line"], name=f.name)
        for f in fields(record)
        if "line" in f.metadata
    }
