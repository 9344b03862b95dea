"""Playing a session at the command line: through the stage, with its chords by bar."""

from __future__ import annotations

import threading

from jam.clock import SystemClock
from jam.demo import wait_while
from jam.engine import Engine
from jam.errors import BadInput
from jam.messages import Play, PlaybackState, SetLoop, SetSpeed
from jam.playback import load_take
from jam.records import chart_cells
from jam.sessions.types import Session, SessionTake
from jam.transport import MAX_SPEED, MIN_SPEED, position_at


def check_places(
    session: Session, from_s: float | None, speed: float, loop: tuple[float, float] | None
) -> None:
    """Raises BadInput for what can't be played; speed 1.0 is as it was recorded."""
    if not MIN_SPEED <= speed <= MAX_SPEED:  # also catches NaN
        raise BadInput(
            f"speed {100 * speed:g}: must be between {100 * MIN_SPEED:g} and {100 * MAX_SPEED:g}"
        )
    end_s = session.info.length_s
    for place_s in (from_s, *(loop or ())):
        if place_s is not None and not place_s <= end_s:
            raise BadInput(f"second {place_s:g}: the session ends at {end_s:.1f}")
    if loop is not None and not loop[0] < loop[1]:
        raise BadInput(f"a loop from {loop[0]:g} to {loop[1]:g}: it must end after it begins")


def play(
    engine: Engine,
    session: Session,
    chosen: SessionTake,
    from_s: float | None,
    speed: float,
    loop: tuple[float, float] | None,
    stop: threading.Event,
) -> None:
    """Play a take to its end, or until `stop` is set, and print each bar's chords as it begins."""
    name = f"session {session.info.id}"
    engine.send(load_take(name, chosen.take, chosen.info.settings))
    engine.send(SetSpeed(speed))
    engine.send(SetLoop(loop))
    engine.send(Play(loop[0] if loop and from_s is None else from_s))
    cells = chart_cells(chosen.take.chords, session.tempo_map)
    bar_said: int | None = None
    began = False

    def going_on() -> bool:
        nonlocal bar_said, began
        snapshot = engine.snapshot()
        state: PlaybackState | None = snapshot.playback if snapshot is not None else None
        if state is not None and state.playing:
            began = True
            position_s = position_at(state, SystemClock().now_s())
            bar = session.tempo_map.place(int(session.tempo_map.position_at(position_s))).bar
            if bar != bar_said and 0 <= bar < len(cells):
                print(f"bar {bar + 1:>3} | {cells[bar]}", flush=True)
            bar_said = bar
        return engine.alive and (not began or (state is not None and state.playing))

    wait_while(going_on, None, stop)
