"""What is done with sessions that takes long, as jobs do it (see `jam.jobs`): from library to
library or file, each function complete or without any trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import LoadRewriter
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.jobs import Progress
from jam.messages.notes import Note
from jam.performance.rewriting import Patch, RewriteWish, gap_of, patch_of
from jam.sessions import voices
from jam.sessions.exports import export, take_of
from jam.sessions.imports import import_file
from jam.sessions.library import PATIENT_S, Library
from jam.sessions.session import LEVELS, OWN_MELODY, Made, SessionInfo, TakeInfo, TakeKind
from jam.sessions.takes import reharmonise, replay, revoice, take_name
from jam.settings import JamSettings
from jam.voice.afterwards import transcribe
from jam.voice.files import ANY_VOICE, VoiceWish, read_sound
from jam.voice.ranges import RANGES

TRANSCRIBED = "Transcribed again"


def make_take(
    progress: Progress,
    library: Path,
    session_id: int,
    take_id: int,
    kind: TakeKind,
    settings: JamSettings,
    seed: int,
    load: LoadPredictor | None,
) -> tuple[TakeInfo, str]:
    """Another take beside `take_id`, kept in the library; and a sentence from the predictor.

    "re-voiced": the chords of that take in the style of `settings`. load: gives the predictor of
    the others; None takes the rules.
    """
    with Library(library, wait_s=PATIENT_S) as opened:
        complaint, kept = "", kind
        with opened.stored(session_id) as session:
            if kind == "re-voiced":
                taken = take_of(session, take_id)
                take = revoice(session, taken.take, settings, seed, progress)
                if taken.info.kind == OWN_MELODY:
                    kept = OWN_MELODY
            else:
                predictor, complaint = load() if load is not None else (RuleBasedPredictor(), "")
                make = reharmonise if kind == "re-harmonised" else replay
                take = make(session, predictor, settings, seed, progress)
        name = take_name(kind, settings, seed)
        return opened.add_take(session_id, name, kept, settings, seed, take), complaint


@dataclass(frozen=True, slots=True)
class Proposal:
    """A selection composed again, to be laid over its take; likelihood as in `Filling`."""

    patch: Patch
    likelihood: float


def propose(
    progress: Progress,
    library: Path,
    session_id: int,
    take_id: int,
    wish: RewriteWish,
    settings: JamSettings,
    load: LoadRewriter,
) -> list[Proposal]:
    """Some bars of `take_id` composed again, the likeliest first; nothing is kept yet. Of a long
    session no more is read than lies around them.

    settings: how the band plays what is new. Raises BadInput for bars that aren't there.
    """
    selection = wish.selection
    with Library(library, read_only=True) as opened:
        session = opened.bars(session_id, take_id, selection.first_bar, selection.last_bar)
    taken = take_of(session, take_id)
    gap = gap_of(taken.take, wish, settings)
    rewriter = load()
    return [
        Proposal(
            patch_of(taken.take, gap, selection, filling, settings, taken.info.seed),
            filling.likelihood,
        )
        for filling in rewriter.fill(gap, wish.n, wish.seed, progress)
    ]


def made_by(wish: RewriteWish) -> tuple[Made, ...]:
    """How the levels of a take are made where a wish has come true."""
    selection, levels = wish.selection, []
    for level, changed in (("melody", selection.melody), ("chords", selection.chords)):
        if changed:
            levels.append(level)
    words = f"{selection.words} composed again"
    return tuple(Made(level, words, wish.seed) for level in LEVELS if level in levels)


def transcribe_again(progress: Progress, library: Path, session_id: int, take_id: int) -> TakeInfo:
    """A take with the melody heard anew in the microphone's sound that was kept; the band plays
    as in `take_id`. Raises BadInput where nothing was kept, JamError without swift-f0.
    """
    with Library(library, wait_s=PATIENT_S) as opened:
        session = opened.session(session_id)
        taken = take_of(session, take_id)
        file = voices.kept(library, session.info.started_at)
        if file is None:
            raise BadInput(f"session {session_id}: {voices.NOT_KEPT}")
        progress(0, 2)
        samples, rate_hz = read_sound(file)
        settings = taken.info.settings
        heard = transcribe(samples, rate_hz, RANGES[settings.voice_range], settings.voice_transpose)
        if not heard:
            raise BadInput(f"session {session_id}: no notes are heard in the microphone's sound")
        progress(1, 2)
        at = session.tempo_map.position_at
        melody = tuple(
            Note(at(n.start_s), at(n.end_s), n.pitch, n.velocity, "player") for n in heard
        )
        take = replace(
            taken.take, parts={**taken.take.parts, "player": melody}, pedals=(), expression=()
        )
        made = (*taken.info.made, Made("melody", "transcribed again", 0))
        return opened.add_take(
            session_id, TRANSCRIBED, OWN_MELODY, settings, taken.info.seed, take, made
        )


def export_files(
    progress: Progress,
    library: Path,
    session_id: int,
    take_id: int,
    paths: Sequence[Path],
    stems: bool,
    rate_hz: int,
) -> list[Path]:
    """A take in each of these files; returns all that was written."""
    with Library(library, read_only=True) as opened, opened.stored(session_id) as session:
        written: list[Path] = []
        for path in paths:
            voice = voices.kept(library, session.info.started_at)
            written += export(session, path, take_id, stems, progress, rate_hz, voice)
    return written


def import_files(
    progress: Progress, library: Path, paths: Sequence[Path], wish: VoiceWish = ANY_VOICE
) -> tuple[list[SessionInfo], list[str]]:
    """Every file as one session or more; and what was left out or read otherwise, in sentences.
    wish: how recordings are read.
    """
    added: list[SessionInfo] = []
    told: list[str] = []
    with Library(library, wait_s=PATIENT_S) as opened:
        for number, path in enumerate(paths):
            progress(number, len(paths))
            warnings: list[str] = []
            added += import_file(opened, path, tell=told.append, warn=warnings.extend, wish=wish)
            told += (f"{path.name}: {warning}" for warning in warnings)
    return added, told
