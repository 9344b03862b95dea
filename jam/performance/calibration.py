"""How late the sound is: measured by someone who plays along with clicks, or by a loop of cables.

The delay of a tap is that of the sound on its way out (synth, buffers, loudspeaker) and of the
key on its way in, and what a hand is early or late. What is to be heard is then sent so much
earlier, so that hands that follow the ear are on the grid.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from jam.errors import BadInput
from jam.messages.commands import LoadTake
from jam.messages.notes import TimedNote
from jam.messages.snapshot import DeviceState, PlaybackState
from jam.settings import SETTINGS, JamSettings

NAME = "calibration"
"""Of the take that is played back."""
CLICKS, INTERVAL_S = 40, 0.75
"""Half a minute."""
MEASURED = 8
"""So many delays have to be left."""
WIDEST_S = 0.04
"""A wider spread says nothing: whoever taps so hasn't followed the clicks."""
_EARLIEST_S = -0.2
"""So much before its click a tap is one for it."""
_FIRST = 4
"""Clicks that one only listens to."""
_FAR = 3.0
"""Delays so many deviations from the median are slips and dropped."""
_DEVIATION = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
_CLICK, _LENGTH_S, _LEAD_S = 76, 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """A latency: the median delay, the spread of the delays (one standard deviation), how many
    were used and how many dropped.
    """

    delay_s: float
    spread_s: float
    used: int
    dropped: int

    @property
    def offset_ms(self) -> float:
        """The setting that makes up for it, within its limits."""
        low, high = SETTINGS["latency_offset_ms"].numbers
        return min(high, max(low, round(1000 * self.delay_s)))


def clicks(settings: JamSettings, part: str = "metronome", count: int = CLICKS) -> LoadTake:
    """What is played back. part: another one also sounds at the MIDI outputs."""
    starts_s = [_LEAD_S + n * INTERVAL_S for n in range(count)]
    notes = tuple(TimedNote(part, _CLICK, 110, at_s, at_s + _LENGTH_S) for at_s in starts_s)
    return LoadTake(NAME, notes, 0.0, starts_s[-1] + INTERVAL_S, settings)


def click_times(state: PlaybackState, count: int = CLICKS) -> list[float]:
    """When the clicks are due, in the program's time, as the playback that goes on says."""
    begin_s = state.at_s - state.position_s
    return [begin_s + _LEAD_S + n * INTERVAL_S for n in range(count)]


def delays(clicks_s: Sequence[float], taps_s: Sequence[float]) -> list[float]:
    """Of every tap the delay after its click, but for the first clicks. One tap for a click."""
    found: dict[int, float] = {}
    for tap_s in sorted(taps_s):
        n = bisect_right(clicks_s, tap_s - _EARLIEST_S) - 1
        if n >= _FIRST:
            found.setdefault(n, tap_s - clicks_s[n])
    return [delay for n, delay in found.items() if delay < INTERVAL_S + _EARLIEST_S]


def measure(clicks_s: Sequence[float], taps_s: Sequence[float]) -> Measured:
    """The latency. Raises BadInput when there are too few taps, or they are too uneven.

    Median and median absolute deviation (Hampel 1974): a slip of the hand moves neither.
    """
    all_ = delays(clicks_s, taps_s)
    if len(all_) < MEASURED:
        raise BadInput(f"only {len(all_)} notes came with the clicks; {MEASURED} are needed")
    middle = statistics.median(all_)
    limit_s = max(0.005, _FAR * _spread(all_, middle))
    used = [delay for delay in all_ if abs(delay - middle) <= limit_s]
    delay_s = statistics.median(used)
    spread_s = statistics.pstdev(used)
    if spread_s > WIDEST_S or len(used) < MEASURED:
        raise BadInput(
            f"the notes were too uneven ({1000 * spread_s:.0f} ms; {1000 * WIDEST_S:.0f} at most)"
        )
    return Measured(delay_s, spread_s, len(used), len(all_) - len(used))


def _spread(values: Sequence[float], middle: float) -> float:
    return _DEVIATION * statistics.median(abs(value - middle) for value in values)


def device_key(devices: DeviceState) -> str:
    """The device whose latency counts: that of the sound; without one the MIDI outputs."""
    if devices.audio:
        return devices.audio
    return "MIDI: " + ", ".join(devices.wanted_outputs) if devices.wanted_outputs else ""
