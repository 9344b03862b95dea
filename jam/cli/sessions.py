"""`jam sessions …`: the library at the command line; `play` is in jam.cli.live."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import A_LITTLE, MOST_PROPOSALS, WHOLLY, LoadRewriter, RewrittenPart
from jam.cli.console import progress_bar, say_read_otherwise
from jam.errors import BadInput, JamError
from jam.files import SOUND_SUFFIXES, library_path
from jam.performance.rewriting import RewriteWish, Selection
from jam.performance.take import chart_cells, chord_chart, melody_cells
from jam.sessions import voices
from jam.sessions.check import check
from jam.sessions.exports import export, take_of
from jam.sessions.imports import import_file
from jam.sessions.library import PATIENT_S, Library
from jam.sessions.recorder import recovered_text
from jam.sessions.session import OWN_MELODY, Session, SessionInfo, TakeKind, key_name
from jam.sessions.tasks import made_by, make_take, propose, transcribe_again
from jam.settings import JamSettings
from jam.voice.files import VoiceWish

NO_SESSIONS, NOTHING_WRONG = "No sessions found.", "nothing wrong."
_KINDS: dict[str, TakeKind] = {
    "voiced": "re-voiced",
    "harmonised": "re-harmonised",
    "played": "re-played",
}
ChangeSettings = Callable[[JamSettings], JamSettings]
"""Settings with what was given on the command line."""


def run(
    args: argparse.Namespace,
    load_predictor: LoadPredictor,
    load_rewriter: LoadRewriter,
    change_settings: ChangeSettings,
) -> int:
    """Carry out one of the commands but `play`. Returns the exit status."""
    if args.what == "check":
        return _check(_path(args), args.repair)
    with open_library(args) as library:
        match args.what:
            case "list":
                _list(library.sessions(" ".join(args.words), deleted=args.deleted), args.deleted)
            case "show":
                with library.stored(session_id(library, args.id)) as session:
                    _show(session, args.take)
            case "export":
                _export(library, args)
            case "import":
                _import(library, args, change_settings(JamSettings()))
            case "retake" if args.bars is not None:
                _rewrite(library, args, load_rewriter, change_settings)
            case "retake":
                _retake(library, args, load_predictor, change_settings)
            case "rename":
                _say(library.rename(session_id(library, args.id), args.title))
            case "tag":
                _say(library.set_tags(session_id(library, args.id), args.tags))
            case "rate":
                _say(library.rate(session_id(library, args.id), args.rating))
            case "delete":
                for info in _infos(library, args.ids):
                    library.delete(info.id)
                    print(
                        f"{info.name} deleted; jam sessions undelete {info.id} restores it for"
                        " 30 days."
                    )
            case "undelete":
                for info in _infos(library, args.ids):
                    _say(library.undelete(info.id))
    return 0


def _path(args: argparse.Namespace) -> Path:
    if args.library is not None:
        return Path(args.library)
    try:
        return library_path()
    except OSError as error:
        raise JamError(f"sessions folder: {error.strerror or error}") from None


def open_library(args: argparse.Namespace) -> Library:
    """The library meant. Jams that were broken off are closed first, and named."""
    path = _path(args)
    if args.library is not None and not path.is_file():
        raise BadInput(f"{path}: no such file")
    adds = args.what in ("import", "retake")
    library = Library(path, wait_s=PATIENT_S) if adds else Library(path)
    if library.writable and (recovered := library.recover()):
        print(recovered_text(recovered))
    return library


def session_id(library: Library, text: str) -> int:
    """The number of a session given as a word. Raises BadInput."""
    if text == "last":
        if not (sessions := library.sessions()):
            raise BadInput("there are no sessions yet")
        return sessions[0].id
    try:
        if len(text) > 18:  # SQLite's numbers end there
            raise ValueError
        return library.info(int(text)).id
    except ValueError:
        raise BadInput(f"no session {text!r} (use a number from the list, or 'last')") from None


def _infos(library: Library, words: Sequence[str]) -> list[SessionInfo]:
    """All of them exist, or nothing is done."""
    return [library.info(session_id(library, word)) for word in words]


def _length(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


_COLUMNS = (
    "ID",
    "Date",
    "Length",
    "Bars",
    "Tempo",
    "Metre",
    "Key",
    "Style",
    "Rated",
    "Title, tags",
)


def _list(sessions: Sequence[SessionInfo], deleted: bool) -> None:
    if not sessions:
        print(NO_SESSIONS if not deleted else "No deleted sessions can be restored.")
        return
    rows = [_COLUMNS, *(_columns(info) for info in sessions)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _columns(info: SessionInfo) -> tuple[str, ...]:
    state = {"recording": " (recording)", "recovered": " (recovered)"}.get(info.state, "")
    title = " ".join((info.title, *(f"#{tag}" for tag in info.tags))).strip() + state
    return (
        str(info.id),
        f"{info.started_at.astimezone():%Y-%m-%d %H:%M}",
        _length(info.length_s),
        str(info.n_bars),
        f"{info.bpm:g}",
        str(info.meter),
        key_name(info.key),
        info.style,
        "★" * info.rating,
        title,
    )


def _say(info: SessionInfo) -> None:
    _list((info,), deleted=False)


def _show(session: Session, take_id: int) -> None:
    info, chosen = session.info, take_of(session, take_id)
    _say(info)
    n_pedals = len(session.pedals)
    pedals = f"{n_pedals} pedal changes" if n_pedals else "no pedal"
    sizes = ", ".join(f"{part} {len(notes)}" for part, notes in chosen.take.parts.items())
    print(
        f"\nPlayed: {info.n_notes} notes, {pedals}."
        f" Plans: {len(session.plans)}. Seed: {session.seed}."
    )
    if session.counters:
        last = session.counters[-1][1]
        print(f"Late plans: {last.late_plans}. Dropouts: {last.dropouts}.")
    for taken in session.takes:
        mark = "*" if taken is chosen else " "
        print(f"{mark} take {taken.info.id}: {taken.info.name} ({taken.info.kind})")
    print(f"Notes in take {take_id}: {sizes}")
    for moment in session.moments:
        print(f"  {_length(moment.at_s)} {moment.kind} {moment.text}".rstrip())
    print("\nChords by bar:\n" + chord_chart(chosen.take))


def _export(library: Library, args: argparse.Namespace) -> None:
    sound = args.output.lower().endswith(SOUND_SUFFIXES)
    if args.stems and not sound:
        raise BadInput("--stems: only with sound (OUT.wav, OUT.flac, OUT.mp3)")
    with (
        library.stored(session_id(library, args.id)) as session,
        progress_bar("rendering" if sound else "writing", "s" if sound else "row") as progress,
    ):
        voice = voices.kept(library.path, session.info.started_at)
        written = export(session, args.output, args.take, args.stems, progress, args.rate, voice)
    for file in written:
        print(f"Written: {file}")


def _import(library: Library, args: argparse.Namespace, settings: JamSettings) -> None:
    wish = VoiceWish(
        settings.voice_range,
        None if args.bpm is None else settings.bpm,
        settings.meter,
        settings.voice_transpose,
        settings.voice_kept,
    )

    def tell(sentence: str) -> None:
        print(f"jam: {sentence}", file=sys.stderr)

    for file in args.files:
        warnings: list[str] = []
        with progress_bar("importing", "session") as progress:
            infos = import_file(library, file, progress, tell, warnings.extend, wish)
        say_read_otherwise(file, warnings, args.verbose)
        for info in infos:
            print(f"{file}: imported as session {info.id}, {info.name}, {info.n_bars} bars")


def _retake(
    library: Library,
    args: argparse.Namespace,
    load_predictor: LoadPredictor,
    change_settings: ChangeSettings,
) -> None:
    if args.how is None:
        raise BadInput("retake: --how (another accompaniment) or --bars (bars composed again)")
    chosen = session_id(library, args.id)
    if args.how == "transcribed":
        with progress_bar("listening") as progress:
            info = transcribe_again(progress, library.path, chosen, args.take)
        if args.name:
            library.rename_take(chosen, info.id, args.name)
        print(f"Take {info.id} of session {chosen}: {args.name or info.name}")
        return
    with library.stored(chosen) as session:
        settings = change_settings(take_of(session, args.take).info.settings)
        seed = args.seed if args.seed is not None else session.seed
    with progress_bar("accompanying") as progress:
        info, complaint = make_take(
            progress,
            library.path,
            chosen,
            args.take,
            _KINDS[args.how],
            settings,
            seed,
            load_predictor,
        )
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    if args.name:
        library.rename_take(chosen, info.id, args.name)
    print(f"Take {info.id} of session {chosen}: {args.name or info.name}")
    with library.stored(chosen) as session:
        print(chord_chart(take_of(session, info.id).take))


_BARS = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


def selection_of(bars: str, part: RewrittenPart) -> Selection:
    """ "5-8" or "5". Raises BadInput."""
    found = _BARS.fullmatch(bars)
    first = int(found[1]) if found else 0
    last = int(found[2] or found[1]) if found else 0
    if not 1 <= first <= last:
        raise BadInput(f"--bars {bars!r}: use 5 or 5-8")
    return Selection(first - 1, last - 1, part)


def _rewrite(
    library: Library,
    args: argparse.Namespace,
    load_rewriter: LoadRewriter,
    change_settings: ChangeSettings,
) -> None:
    """Some bars composed again: each proposal is kept as a take, the likeliest first."""
    if args.how is not None:
        raise BadInput("retake: --how and --bars don't go together")
    if not 1 <= args.proposals <= MOST_PROPOSALS:
        raise BadInput(f"--proposals {args.proposals}: must be between 1 and {MOST_PROPOSALS}")
    chosen = session_id(library, args.id)
    base = library.take(chosen, args.take)
    taken, tempo_map = base.info, base.take.tempo_map
    settings = change_settings(taken.settings)
    wish = RewriteWish(
        selection_of(args.bars, args.part),
        args.proposals,
        A_LITTLE if args.little else WHOLLY,
        settings.temperature,
        settings.key_lock,
        settings.palette,
        args.seed if args.seed is not None else taken.seed,
    )
    with progress_bar("composing", "step") as progress:
        found = propose(progress, library.path, chosen, taken.id, wish, settings, load_rewriter)
    if not found:
        raise BadInput(f"{wish.selection.words}: notes that go beyond fill them; nothing to do")
    made = (*taken.made, *made_by(wish))
    for number, proposal in enumerate(found, 1):
        name = args.name or f"{wish.selection.words.capitalize()}, {args.part}"
        name += f" {number}" if len(found) > 1 else ""
        take = proposal.patch.on(base.take)
        info = library.add_take(chosen, name, OWN_MELODY, settings, taken.seed, take, made)
        print(f"Take {info.id}: {name} (likelihood {proposal.likelihood:.2f})")
        frames = proposal.patch.frames
        if wish.selection.melody:
            cells = melody_cells(take.parts.get("player", ()), tempo_map, frames)
            print("  | " + " | ".join(cells) + " |")
        if wish.selection.chords:
            cells = chart_cells(take.chords[frames.start : frames.stop], tempo_map, frames.start)
            print("  | " + " | ".join(cells) + " |")


def _check(path: Path, repair: bool) -> int:
    if not path.is_file():
        raise BadInput(f"{path}: no library yet")
    with progress_bar("checking", "session") as progress:
        report = check(path, repair, progress)
    for finding in report.findings:
        print(finding)
    for repaired in report.repairs:
        print(f"Repaired: {repaired}")
    if not report.findings:
        print(f"{path}: {report.n_sessions} sessions, {NOTHING_WRONG}")
        return 0
    if repair:
        return 0
    print("jam sessions check --repair repairs what it can; nothing readable is lost.")
    return 1
