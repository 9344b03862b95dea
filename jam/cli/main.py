"""The command line: the one place that ties jam, models and ui together, each when it is needed."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from jam.cli.options import DEMO_SECONDS, parser, settings_from
from jam.errors import NO_MEMORY, BadInput, JamError, is_memory_short
from jam.system import has_screen, memory_limit_bytes, mind_the_memory

if TYPE_CHECKING:
    from jam.agent.predictor import Predictor
    from jam.agent.rewriting import Rewriter
    from jam.midi.file import MidiSong
    from jam.music.song import Song
    from jam.server.players import Planner


NO_SCREEN = "No screen here"
_LIBRARIES_OF_XCB = (
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxcb-shape.so.0",
    "libxkbcommon-x11.so.0",
)
"""Of the system, that Qt's wheel needs for a window on X11. Without one Qt ends the program."""
NO_MEMORY_FOR_WINDOW = "the window needs 1 GB, and ulimit -v allows less; jam play needs no window"
_WINDOW_BYTES = 10**9
"""Of addresses. With less Qt goes on without pictures, or ends the program."""


def load_predictor(name: str = "auto") -> tuple[Predictor, str]:
    """The agent's engine: the network, or the rules where it can't be loaded, with the reason."""
    from jam.agent.rules import RULES_PLAY, RuleBasedPredictor

    if name != "rules":
        try:
            import models

            predictor = models.load_predictor()
        except (ImportError, OSError, MemoryError, RuntimeError) as error:
            if is_memory_short(error):
                return RuleBasedPredictor(), f"{RULES_PLAY}: {NO_MEMORY}."
            if not isinstance(error, ImportError):
                raise
            fix, why = "`jam doctor` says how to fix it", str(error)
        except BadInput as error:
            fix, why = "`git checkout models/weights` restores the shipped ones", str(error)
        else:
            return predictor, ""
        return RuleBasedPredictor(), f"{RULES_PLAY}: {why}. {fix}."
    return RuleBasedPredictor(), ""


def load_rewriter() -> Rewriter:
    """What composes bars again. Raises JamError where the network can't be loaded."""
    try:
        import models

        return models.load_rewriter()
    except (ImportError, OSError, MemoryError, RuntimeError) as error:
        if is_memory_short(error):
            raise JamError(NO_MEMORY) from None
        if isinstance(error, ImportError):
            raise JamError(f"{error}; `jam doctor` says how to fix it") from None
        raise


def load_rules() -> tuple[Predictor, str]:
    """The rule-based predictor, asked for by name."""
    return load_predictor("rules")


def load_planner(name: str = "auto", weights: str = "", device: str = "") -> Planner:
    """The agent of many players. weights: a folder, "" for those shipped. device: of torch, "" for
    numpy. Raises BadInput where its network can't be loaded, or the device isn't there."""
    from pathlib import Path

    from jam.clock import SystemClock
    from models.serving.planner import Planner
    from models.serving.together import Weights

    loaded = None if name == "rules" else Weights(Path(weights) if weights else None, device)
    return Planner(loaded, SystemClock().now_s)


def load_song(args: argparse.Namespace) -> Song | None:
    """The song that was asked for. Raises BadInput; what its file doesn't say is said."""
    if not (named := getattr(args, "song", None)):
        return None
    from jam.charts.files import read_song
    from models.corpora.charts import SUFFIXES, read_charts

    chart = read_song(named, dict.fromkeys(SUFFIXES, read_charts))
    for remark in chart.remarks:
        print(f"jam: the song: {remark}", file=sys.stderr)
    return chart.song


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit status: 0 done, 1 failed at run time, 2 bad input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no ♯ gets a ?
            stream.reconfigure(errors="replace")
    mind_the_memory()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "window")
    if words == ["sessions"]:
        words.append("list")
    args = parser(words).parse_args(words)
    try:
        return _run(args)
    except JamError as error:
        print(f"jam: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:  # the reader of our output went away: nothing to complain about
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except (OSError, MemoryError, RuntimeError) as error:
        if is_memory_short(error):
            print(f"jam: {NO_MEMORY}", file=sys.stderr)
        elif isinstance(error, OSError):
            where = f"{error.filename}: " if error.filename else ""
            print(f"jam: {where}{error.strerror or error}", file=sys.stderr)
        else:
            raise
        return 1


def _run(args: argparse.Namespace) -> int:
    """Carry out a command. In a jam the agent has both engines, since the player may switch;
    elsewhere it has the one that was asked for."""
    load = load_rules if getattr(args, "agent", "auto") == "rules" else load_predictor
    seconds = getattr(args, "seconds", None)
    if seconds is not None and not seconds > 0:
        raise BadInput(f"--seconds {seconds:g}: must be greater than 0")
    match args.command:
        case "window":
            return _window(args)
        case "demo":
            return _demo(args)
        case "play":
            from jam.cli import live

            return live.play(args, load_predictor, load_song(args))
        case "sessions" if args.what == "play":
            from jam.cli import live

            return live.play_session(args, load_predictor)
        case "sessions":
            from jam.cli import sessions

            return sessions.run(
                args, load, load_rewriter, lambda settings: settings_from(args, settings)
            )
        case "render":
            from jam.cli import commands

            return commands.render(args, load, load_song(args))
        case "harmonize":
            from jam.cli import commands

            return commands.harmonize(args, load, load_song(args))
        case "songs":
            from jam.cli import commands

            return commands.songs(args, load_song(args))
        case "practice":
            from jam.cli import practice

            return practice.tell(args)
        case "stats":
            from jam.cli import practice

            return practice.stats(args)
        case "styles":
            from jam.cli import commands

            return commands.styles()
        case "devices":
            from jam.cli import commands

            return commands.devices(args)
        case "serve":
            from jam.cli import serving

            return serving.serve(args, partial(load_planner, args.agent, device=args.device or ""))
        case "tokens":
            from jam.cli import serving

            return serving.tokens(args)
        case "doctor":
            from jam.cli import commands

            return commands.doctor(args, load)
    raise AssertionError(f"no such command: {args.command}")


def why_no_window() -> str:
    """Why no window can be opened here, without a full stop; "" where one can."""
    if not has_screen():
        return NO_SCREEN
    import ctypes

    try:
        import PyQt6.QtWidgets  # noqa: F401

        platform = os.environ.get("QT_QPA_PLATFORM", "")
        x11 = platform.startswith("xcb") or (
            not platform and not os.environ.get("WAYLAND_DISPLAY") and sys.platform == "linux"
        )
        for library in _LIBRARIES_OF_XCB if x11 else ():
            ctypes.CDLL(library)
    except (ImportError, OSError) as error:
        return f"No window, a library is missing ({error})"
    return ""


def _window(args: argparse.Namespace) -> int:
    if not (why := why_no_window()):
        return _run_window(args, None)
    print(
        f"{why}: playing the demo for {DEMO_SECONDS:g} seconds instead (jam play jams without"
        " a window)."
    )
    args.tune, args.seconds = None, DEMO_SECONDS
    from jam.cli import live

    return live.demo(args, load_predictor)


def _demo(args: argparse.Namespace) -> int:
    from jam.cli import live

    why = "" if args.no_window else why_no_window()
    if not args.no_window and not why:
        return _run_window(args, live.song_of(args))
    if why:
        print(f"{why}: the demo plays without a window.")
    return live.demo(args, load_predictor)


def _run_window(args: argparse.Namespace, song: MidiSong | None) -> int:
    import threading
    from collections import deque
    from dataclasses import replace

    from jam.cli import live
    from jam.cli.log_file import LogWriter
    from jam.engine.demo import TunePlayer
    from jam.messages.snapshot import SessionLog
    from jam.preferences import LastSong, PreferenceFile

    if memory_limit_bytes() < _WINDOW_BYTES:
        raise JamError(NO_MEMORY_FOR_WINDOW)
    kept = PreferenceFile()
    chart = load_song(args)
    base = kept.current.settings
    settings = settings_from(args, base if chart is None else live.settings_of(chart, base))
    if chart is not None and settings.meter != chart.meter:
        raise BadInput(live.other_metre(settings.meter, chart))
    if song is not None:
        first = song.tempo_map.segments[0]
        settings = settings.changed(bpm=first.bpm, meter=first.meter)
    with ExitStack() as stack:
        log = getattr(args, "log", None)
        log_writer = LogWriter(stack.enter_context(live.writable(log))) if log else None
        logs: deque[SessionLog] = deque()

        def on_log(message: SessionLog) -> None:
            logs.append(message)
            if log_writer is not None:
                log_writer.take_log(message)

        writer = stack.enter_context(live.recorded(args, kept.current, live.title_of(song)))
        engine = stack.enter_context(
            live.open_engine(args, load_predictor, settings, writer, on_log, kept.current)
        )
        from ui.app import run

        if song is not None:
            tune = TunePlayer(engine.send, engine.snapshot, song)
            engine.wait_until_up()
            tune.start()
            stack.callback(tune.close)

        def save(**changed: object) -> None:
            if song is not None:  # the demo's tempo is not the player's, nor is its song
                changed.pop("settings", None)
                changed.pop("song", None)
            kept.update(**changed)

        if (seconds := getattr(args, "seconds", None)) is not None:
            # The window closes in order on SIGTERM, all notes off.
            timer = threading.Timer(seconds, signal.raise_signal, (signal.SIGTERM,))
            timer.daemon = True
            timer.start()
        preferences = replace(kept.current, settings=settings)
        if song is not None:
            preferences = replace(preferences, song=LastSong())
        load = load_rules if args.agent == "rules" else load_predictor
        from models.corpora.charts import SUFFIXES, read_charts

        readers = dict.fromkeys(SUFFIXES, read_charts)
        return run(
            engine,
            preferences,
            save,
            kept.complaint,
            writer,
            load,
            logs,
            readers,
            load_rewriter,
            chart,
        )
