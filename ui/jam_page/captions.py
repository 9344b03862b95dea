"""The texts in the picture: chord names, what comes next and when, what to do. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jam.messages.notes import ChordSpan
from jam.messages.snapshot import Snapshot
from jam.music.grid import Meter
from jam.music.role import ASKS, TRADES, Turn
from ui.common.text import hardware_inputs, pretty_symbol
from ui.jam_page.chart import SongShown

KEYS_HINT = "You are orange, the band is blue.  Esc: all notes off.  F1: shortcuts."
STARTING = "Starting", "Starting sound and agent …"
PRESS_SPACE = "Press Space and play"
KEYBOARD = "MIDI keyboard: {}. Just play to hear it."
MICROPHONE = "Microphone: {}. Sing, whistle or play one note at a time."
MIDI_HEARD = "MIDI notes are coming in. Just play."
NO_KEYBOARD = "No MIDI keyboard yet: plug one in, or use the computer keys shown on the piano."
BAND_BEHIND = "The band has fallen behind and is holding the last chord until it catches up."
BAND_STOPPED = "The band has stopped. Play, and it will come back in."
YOUR_TURN, AGENTS_TURN = "You", "Agent"
NEXT_CHORD, BAND_IN = "Next chord in", "Band in"
"""What the count-down of the panel counts to."""


@dataclass(frozen=True, slots=True)
class NowPanel:
    """The texts at the foot of the lane: this chord, the next one, and the beats until then."""

    chord: str = ""
    next_chord: str = ""
    next_committed: bool = True
    count_down: str = ""
    caption: str = ""
    place: str = ""
    """In the song."""


def now_panel(
    snapshot: Snapshot, position: float, show_plan: bool = True, song: SongShown | None = None
) -> NowPanel:
    """The panel at a position in frames; what comes is left out with the plan."""
    if not snapshot.running:
        return NowPanel()
    meter = snapshot.tempo_map.meter_at(position)
    current: ChordSpan | None = None
    following: ChordSpan | None = None
    for span in sorted(snapshot.chords, key=lambda s: s.start_frame):
        if not span.symbol:
            continue
        if span.start_frame <= position < span.end_frame:
            current = span
        elif (
            show_plan
            and span.start_frame > position
            and following is None
            # The same chord struck again is no news.
            and not (current is not None and current.symbol == span.symbol)
        ):
            following = span
    bar = snapshot.tempo_map.place(math.floor(position)).bar
    place = form_place(song, bar) if song is not None else ""
    if snapshot.turn is not None and position >= snapshot.listen_until_frame:
        place = "  ".join(filter(None, (turn_words(snapshot.turn), place)))
    caption = ""
    if position < snapshot.listen_until_frame:
        caption = "count-in" if position < 0 else "listening"
    if following is None:
        target = snapshot.listen_until_frame
        count = count_down(target - position, meter) if position < target else ""
        chord = pretty_symbol(current.symbol) if current else ""
        return NowPanel(chord, "", True, count, caption, place)
    return NowPanel(
        pretty_symbol(current.symbol) if current else "",
        pretty_symbol(following.symbol),
        following.committed,
        count_down(following.start_frame - position, meter),
        caption,
        place,
    )


def form_place(song: SongShown, bar: int) -> str:
    """Where in the song a bar of the session is: section, bar, chorus."""
    place = song.place(bar)
    if place is None:
        return ""
    order = song.song.chorus.bars[: place.bar_in_chorus + 1]
    names = [name for i in order if (name := song.song.bars[i].section)]
    where = f"{place.bar_in_chorus + 1}/{len(song.song.chorus.bars)}  ×{place.chorus + 1}"
    return f"{names[-1]}  {where}" if names else where


def turn_words(turn: Turn) -> str:
    """Whose turn it is, for how many bars yet: "Your turn: 3 bars", "Solos: 12 bars", or when a
    role begins: "Solos in 2 bars"; "" where there is nothing to count."""
    n = turn.begins_in or turn.bars_left
    bars = f"{n} bar{'s' if n != 1 else ''}"
    if turn.begins_in:
        return f"{turn.role.capitalize()} in {bars}"
    if turn.role not in (TRADES, ASKS):
        return f"{turn.role.capitalize()}: {bars}" if n else ""
    return f"{AGENTS_TURN if turn.is_agents else YOUR_TURN}: {bars}"


def count_down(frames: float, meter: Meter) -> str:
    """Whole beats that are left: the beat before the change is 1."""
    return str(max(1, math.ceil(frames / meter.frames_per_beat - 1e-9)))


def played_on(snapshot: Snapshot) -> str:
    """What was found to play on, or what can be played without it."""
    if found := hardware_inputs(snapshot.devices):
        return KEYBOARD.format(" + ".join(found))
    if snapshot.devices.midi_heard:
        return MIDI_HEARD
    if snapshot.voice.device:
        return MICROPHONE.format(snapshot.voice.device)
    return NO_KEYBOARD


def headline(snapshot: Snapshot, position: float) -> tuple[str, str]:
    """A headline over the fall and lines below it, while there is something to wait for."""
    if snapshot.phase == "starting":
        return STARTING
    bars = snapshot.settings.listen_bars
    if not snapshot.running:
        listening = f"The agent listens for {bars} bar{'s' if bars != 1 else ''}, "
        listening = f"{listening}then the band comes in." if bars else "The band comes in at once."
        return PRESS_SPACE, f"{played_on(snapshot)}\n{listening}\n{KEYS_HINT}"
    if position < 0:
        return count_down(-position, snapshot.tempo_map.meter_at(position)), "count-in"
    if position < snapshot.listen_until_frame:
        if snapshot.chords:  # the plan is in sight, and says it better
            return "", ""
        place = snapshot.tempo_map.place(int(position))
        until = snapshot.tempo_map.place(snapshot.listen_until_frame)
        return "Listening", f"bar {place.bar + 1} of {until.bar}"
    if snapshot.phase == "behind":
        return "", BAND_BEHIND
    if snapshot.turn is not None and snapshot.phase == "playing":
        return "", snapshot.turn.told
    if snapshot.phase == "resting":
        return "", BAND_STOPPED
    return "", ""
