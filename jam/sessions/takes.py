"""Other takes of a session: the same melody accompanied anew. A take's melody is the session's.

The predictor, where one is needed, is handed in; nothing here knows the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from jam.agent.predictor import Predictor
from jam.agent.rules import ScriptedPredictor
from jam.errors import BadInput
from jam.limits import SONG_BARS
from jam.midi.file import MidiSong
from jam.music.chord_notation import Symbol
from jam.music.keep import kept_song
from jam.music.song import Song, as_label
from jam.music.tune import with_tune
from jam.performance.offline import harmonize, melody_line, render
from jam.performance.take import Take
from jam.sessions.session import LIVE_TAKE, Session, SessionTake, TakeKind
from jam.settings import JamSettings

Progress = Callable[[int, int], None]
"""Called with (frames done, frames in all)."""


def song_of(session: Session, take: Take | None = None) -> MidiSong:
    """The melody as the engines take it: the session's, or that of a take. Raises BadInput where
    there is none."""
    player = (take or session.takes[0].take).parts["player"]
    if not any(note.end_frame > 0 for note in player):
        raise BadInput(f"session {session.info.id}: no melody was played")
    signature = session.takes[0].take.signature
    return MidiSong(session.info.name, tuple(player), session.tempo_map, signature=signature)


def as_song(session: Session, taken: SessionTake) -> Song:
    """The chords of a take, from the first bar that has any to the last, as a song.

    Raises BadInput where no whole bar has a chord.
    """
    chords, tempo_map = taken.take.chords, session.tempo_map
    places = [tempo_map.place(frame) for frame in range(len(chords))]
    has_chord = {place.bar for place, state in zip(places, chords, strict=True) if state.chord}
    within = [
        i
        for i, place in enumerate(places)
        if has_chord and min(has_chord) <= place.bar <= max(has_chord)
    ]
    symbols = _symbols(taken.take, within)
    places, chords = [places[i] for i in within], tuple(chords[i] for i in within)
    n_bars = len({p.bar for p in places if p.frame_in_bar == p.meter.frames_per_bar - 1})
    if not n_bars:
        raise BadInput(f"session {session.info.id}: it has no chords to make a song of")
    n_bars, bpm = min(n_bars, SONG_BARS), tempo_map.bpm_at(within[0])
    song = kept_song(chords, places, n_bars, session.info.key, bpm, symbols)
    title = session.info.title or f"Jam of {session.info.name}"
    if taken.info.id != LIVE_TAKE:
        title = f"{title}, {taken.info.name}"
    style = taken.info.settings.accompaniment
    return replace(song, title=as_label(title), style=as_label(style))


def as_song_to_practise(session: Session, taken: SessionTake) -> Song:
    """`as_song` with the player's notes over its bars as its melody."""
    chords, tempo_map = taken.take.chords, session.tempo_map
    bars = [tempo_map.place(f).bar for f, state in enumerate(chords) if state.chord]
    notes = taken.take.parts.get("player", ())
    plain = [(n.start_frame, n.end_frame, n.pitch, n.velocity) for n in notes]
    return with_tune(as_song(session, taken), plain, tempo_map, min(bars, default=0))


def _symbols(take: Take, frames: Sequence[int]) -> dict[int, Symbol]:
    """What is written for a chord, by the place in `frames` of the frame where it begins."""
    numbers = {frame: number for number, frame in enumerate(frames)}
    found: dict[int, Symbol] = {}
    for frame, text in take.symbols:
        with suppress(ValueError):  # a file may have had words
            if frame in numbers:
                found[numbers[frame]] = Symbol("".join(text.split()))
    return found


def revoice(
    session: Session,
    take: Take,
    settings: JamSettings,
    seed: int = 0,
    progress: Progress | None = None,
) -> Take:
    """The chords of a take in the style of `settings`."""
    if not any(state.chord for state in take.chords):
        raise BadInput(
            f"session {session.info.id}: its take has no chords to be played in another style;"
            " reharmonise it first (--how harmonised)"
        )
    # What would move the agent away from the script is taken out.
    plain = settings.changed(
        listen_bars=0, temperature=0.0, foresight_beats=0, key_lock=None, palette=(), density=None
    )
    song = song_of(session, take)
    script = ScriptedPredictor(take.chords, melody_line(song))
    voiced = render(song, script, plain, seed, progress, False, until_frame=len(take.chords))
    return replace(voiced, symbols=take.symbols)


def reharmonise(
    session: Session,
    predictor: Predictor,
    settings: JamSettings,
    seed: int = 0,
    progress: Progress | None = None,
) -> Take:
    """Chords found afterwards, knowing the whole melody."""
    take, _, _ = harmonize(song_of(session), predictor, settings, seed, progress)
    return take


def replay(
    session: Session,
    predictor: Predictor,
    settings: JamSettings,
    seed: int = 0,
    progress: Progress | None = None,
) -> Take:
    """Played again live, under the same rules, with other settings or another seed."""
    return render(song_of(session), predictor, settings, seed, progress)


def take_name(kind: TakeKind, settings: JamSettings, seed: int) -> str:
    """What a take is called until the user says otherwise."""
    style = settings.accompaniment
    match kind:
        case "re-voiced":
            return f"Same chords, {style}"
        case "re-harmonised":
            return f"Reharmonised, {style}"
        case "re-played":
            return f"Played again, {style}, seed {seed}"
        case "imported":
            return "Imported"
        case "rewritten":
            return "Rewritten"
        case _:
            return "As played"
