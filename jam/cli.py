"""The command line: the one place that ties jam, models and ui together, each when it is needed."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

from jam.errors import BadInput, JamError
from jam.options import DEMO_SECONDS, parser, settings_from

if TYPE_CHECKING:
    from jam.anticipation import Predictor
    from jam.engine import Engine
    from jam.messages import SessionLog
    from jam.midi_file import MidiSong
    from jam.preferences import Preferences
    from jam.sessions.writer import SessionWriter
    from jam.settings import JamSettings


def load_predictor(name: str = "auto") -> tuple[Predictor, str]:
    """The agent's mind: the network, or the rules where it can't be had, with the reason."""
    from jam.rules import RuleBasedPredictor

    if name != "rules":
        try:
            import models

            load = getattr(models, "load_predictor", None)
            if load is not None:
                return load(), ""
        except (BadInput, ImportError) as error:
            return RuleBasedPredictor(), (
                f"The rule-based partner plays: {error}. `jam doctor` says how to mend it."
            )
    return RuleBasedPredictor(), ""


def load_rules() -> tuple[Predictor, str]:
    """The rule-based predictor, asked for by name."""
    return load_predictor("rules")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit status: 0 done, 1 failed at run time, 2 bad input."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "window")
    args = parser().parse_args(words)
    run = {
        "window": _window, "play": _play, "demo": _demo, "devices": _devices,
        "doctor": _doctor, "render": _render, "harmonize": _harmonize,
        "styles": _styles, "sessions": _sessions,
    }[args.command]  # fmt: skip
    try:
        return run(args)
    except JamError as error:
        print(f"jam: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:  # the reader of our output went away: nothing to complain about
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def has_screen() -> bool:
    """False on a Linux machine where no window can be opened (Qt itself would abort there)."""
    if sys.platform != "linux":
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith(("xcb", "wayland")):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _x_server_answers()


def _x_server_answers() -> bool:
    """Asks the X server of DISPLAY, by the library that Qt uses; True when it can't be asked."""
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _open_engine(
    args: argparse.Namespace,
    settings: JamSettings,
    writer: SessionWriter | None,
    on_log: Callable[[SessionLog], None] | None = None,
    remembered: Preferences | None = None,
) -> Engine:
    """The devices named on the command line must be there; those remembered are waited for."""
    from jam.audio import AudioChoice
    from jam.engine import Engine
    from jam.messages import EVERY_INPUT
    from jam.stage import StageChoice

    def given(option: str, otherwise: object) -> Any:
        value = getattr(args, option, None)
        return otherwise if value is None else value

    known = remembered.audio if remembered is not None else AudioChoice()
    named = tuple(getattr(args, "midi_in", None) or ())
    choice = StageChoice(
        settings=settings,
        audio=AudioChoice(
            given("audio", known.device),
            given("rate", known.sample_rate),
            given("buffer", known.block_frames),
        ),
        midi_api=getattr(args, "midi_api", "auto"),
        midi_inputs=named or (remembered.midi_inputs if remembered else EVERY_INPUT),
        midi_outputs=tuple(given("midi_out", remembered.midi_outputs if remembered else ())),
        devices_required=bool(named or getattr(args, "midi_out", None)),
        audio_required=getattr(args, "audio", None) is not None,
    )
    if writer is None:
        return Engine(choice, load_predictor, on_log)

    def take_log(log: SessionLog) -> None:
        writer.take_log(log)
        if on_log is not None:
            on_log(log)

    return Engine(choice, load_predictor, take_log, writer.message)


@contextmanager
def _recorded(
    args: argparse.Namespace, preferences: Preferences, title: str = ""
) -> Iterator[SessionWriter]:
    """Keeps the jams inside in the library of sessions, unless they are private."""
    from jam.sessions.writer import SessionWriter

    recording = preferences.record and not args.private
    writer = SessionWriter(title=title, recording=recording)
    try:
        yield writer
    finally:
        writer.close()
        if writer.trouble:
            print(f"jam: {writer.trouble}", file=sys.stderr)


def _stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set: everything then ends in order, all notes off."""
    import signal

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _window(args: argparse.Namespace) -> int:
    if not has_screen():
        print("No screen here: playing the demo for 30 seconds instead (jam play jams without"
              " a window).")  # fmt: skip
        args.tune, args.seconds = None, DEMO_SECONDS
        return _demo_in_text(args)
    return _run_window(args, None)


def _run_window(args: argparse.Namespace, song: MidiSong | None) -> int:
    import signal
    from dataclasses import replace

    from jam.demo import TunePlayer
    from jam.preferences import PreferenceFile
    from jam.session_log import LogWriter

    kept = PreferenceFile()
    settings = settings_from(args, kept.current.settings)
    if song is not None:
        first = song.tempo_map.segments[0]
        settings = settings.changed(bpm=first.bpm, meter=first.meter)
    with ExitStack() as stack:
        log = getattr(args, "log", None)
        log_writer = LogWriter(stack.enter_context(_writable(log))) if log else None
        on_log = log_writer.take_log if log_writer is not None else None
        writer = stack.enter_context(_recorded(args, kept.current, _title(song)))
        engine = stack.enter_context(_open_engine(args, settings, writer, on_log, kept.current))
        from ui.app import run

        if song is not None:
            tune = TunePlayer(engine, song)
            engine.wait_until_up()
            tune.start()
            stack.callback(tune.close)

        def save(**changed: object) -> None:
            if song is not None:  # the demo's tempo is not the player's
                changed.pop("settings", None)
            kept.update(**changed)

        if (seconds := getattr(args, "seconds", None)) is not None:
            # The window closes in order on SIGTERM, all notes off.
            timer = threading.Timer(seconds, signal.raise_signal, (signal.SIGTERM,))
            timer.daemon = True
            timer.start()
        preferences = replace(kept.current, settings=settings)
        load = load_rules if args.agent == "rules" else load_predictor
        return run(engine, preferences, save, kept.complaint, writer, load)


def _play(args: argparse.Namespace) -> int:
    from jam.messages import Start
    from jam.preferences import load_preferences
    from jam.records import Recorder, check_output, write_take
    from jam.session_log import LogWriter
    from jam.settings import JamSettings
    from jam.texts import say_devices, watch
    from jam.typed import COMMANDS, follow_commands

    settings = settings_from(args, JamSettings())
    if args.seconds is not None and not args.seconds > 0:
        raise BadInput(f"--seconds {args.seconds:g}: must be greater than 0")
    output = check_output(args.record, (".mid", ".midi", ".wav")) if args.record else None
    preferences, complaint = load_preferences()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    recorder = Recorder()
    stop = _stop_on_signals()
    with ExitStack() as stack:
        log_writer = LogWriter(stack.enter_context(_writable(args.log))) if args.log else None

        def on_log(log: SessionLog) -> None:
            recorder.take_log(log)
            if log_writer is not None:
                log_writer.take_log(log)

        writer = stack.enter_context(_recorded(args, preferences))
        engine = stack.enter_context(_open_engine(args, settings, writer, on_log))
        say_devices(engine.wait_until_up())
        print(f"Type while it plays: {COMMANDS}. Ctrl-C ends.", flush=True)
        engine.send(Start(args.seed))
        typed = threading.Thread(
            target=follow_commands, args=(sys.stdin, engine, settings, args.seed, stop), daemon=True
        )
        typed.start()
        watch(engine, recorder, args.seconds, stop)
        alive = engine.alive
        engine.close()
    _say_kept(writer)
    if output is not None:
        write_take(output, recorder.take(), settings)
        print(f"Recorded: {output}")
    if not alive:
        raise JamError("the sound process has ended by itself")
    return 0


def _say_kept(writer: SessionWriter) -> None:
    if writer.session_id is not None:
        print(f"Kept as session {writer.session_id} (jam sessions show {writer.session_id}).")


def _title(song: MidiSong | None) -> str:
    from pathlib import Path

    return "" if song is None else Path(song.name).stem.replace("_", " ").replace("-", " ")


def _writable(path: str) -> IO[str]:
    """Open a text file for writing. Raises BadInput."""
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: can't be written: {error.strerror}") from None


def _song(args: argparse.Namespace) -> MidiSong:
    from jam.midi_file import read_midi
    from jam.paths import demo_tunes

    if getattr(args, "tune", None):
        return read_midi(args.tune)
    tunes = demo_tunes()
    if not tunes:
        raise JamError("the bundled tunes are missing (assets/tunes)")
    return read_midi(tunes[0])


def _demo(args: argparse.Namespace) -> int:
    if args.no_window or not has_screen():
        if not args.no_window:
            print("No screen here: the demo plays without a window.")
        return _demo_in_text(args)
    return _run_window(args, _song(args))


def _demo_in_text(args: argparse.Namespace) -> int:
    """The demo through the whole live pipeline, with whatever MIDI and audio there is."""
    from jam.demo import TunePlayer
    from jam.paths import recordings_dir
    from jam.preferences import load_preferences
    from jam.records import Recorder, chord_chart, write_take
    from jam.settings import JamSettings
    from jam.texts import say_devices, watch

    song = _song(args)
    first = song.tempo_map.segments[0]
    settings = settings_from(args, JamSettings(bpm=first.bpm, meter=first.meter))
    recorder = Recorder()
    stop = _stop_on_signals()
    with ExitStack() as stack:
        writer = stack.enter_context(_recorded(args, load_preferences()[0], _title(song)))
        engine = stack.enter_context(_open_engine(args, settings, writer, recorder.take_log))
        say_devices(engine.wait_until_up())
        tune = TunePlayer(engine, song)
        tune.start()
        watch(engine, recorder, args.seconds or DEMO_SECONDS, stop)
        tune.close()
    _say_kept(writer)
    take = recorder.take()
    print("\nChords by bar:\n" + chord_chart(take.chords, take.tempo_map))
    if args.private:
        return 0
    folder = recordings_dir()
    for suffix, name in ((".mid", "MIDI"), (".wav", "WAV")):
        path = folder / f"demo{suffix}"
        try:
            write_take(path, take, settings)
            print(f"{name}: {path}")
        except JamError as error:
            print(f"{name}: not written: {error}")
    return 0


def _styles(_args: argparse.Namespace) -> int:
    from jam.accompaniment import all_styles, styles_dir

    styles, faults = all_styles()
    width = max(len(style.name) for style in styles)
    for style in styles:
        print(f"{style.name:<{width}}  {style.title}: {style.about}")
    print(f"Your own: a file NAME.toml in {styles_dir()}")
    for fault in faults:
        print(f"jam: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _sessions(args: argparse.Namespace) -> int:
    from jam.sessions.commands import run

    if args.what == "play":
        return _play_session(args)

    def load() -> tuple[Predictor, str]:
        return load_rules() if args.agent == "rules" else load_predictor()

    return run(args, load, lambda settings: settings_from(args, settings))


def _play_session(args: argparse.Namespace) -> int:
    from jam.sessions.commands import open_library, session_id
    from jam.sessions.exports import take_of
    from jam.sessions.player import check_places, play
    from jam.texts import say_devices

    with open_library(args) as library:
        session = library.session(session_id(library, args.id))
    chosen = take_of(session, args.take)
    speed, loop = args.speed / 100, tuple(args.loop) if args.loop else None
    check_places(session, args.from_s, speed, loop)
    stop = _stop_on_signals()
    with _open_engine(args, chosen.info.settings, None) as engine:
        say_devices(engine.wait_until_up())
        play(engine, session, chosen, args.from_s, speed, loop, stop)
        if not engine.alive:
            raise JamError("the sound process has ended by itself")
    return 0


def _devices(args: argparse.Namespace) -> int:
    from jam.doctor import audio_findings, midi_findings, print_findings

    if args.midi_api != "auto":
        from jam.midi_ports import open_api

        open_api(args.midi_api)
    print_findings([*midi_findings(args.midi_api), *audio_findings()], print)
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from jam.doctor import examine, print_findings

    load = load_rules if args.agent == "rules" else load_predictor
    good = print_findings(examine(load, args.midi_api), print)
    print("All is well." if good else "Not everything is well: see the arrows.")
    return 0 if good else 1


def _render(args: argparse.Namespace) -> int:
    from jam.midi_file import read_midi
    from jam.records import check_output, write_take
    from jam.render import render
    from jam.settings import JamSettings
    from jam.texts import progress_bar

    output = check_output(args.output, (".mid", ".midi", ".wav"))
    settings = settings_from(args, JamSettings())
    song = read_midi(args.melody)
    predictor, complaint = load_rules() if args.agent == "rules" else load_predictor()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    with progress_bar("accompanying") as progress:
        take = render(song, predictor, settings, args.seed, progress)
    write_take(output, take, settings)
    return 0


def _harmonize(args: argparse.Namespace) -> int:
    from pathlib import Path

    from jam.harmonize import harmonize
    from jam.midi_file import read_midi
    from jam.notation import written_melody
    from jam.presence import key_of
    from jam.records import check_output, write_take
    from jam.rows import Row
    from jam.score import write_musicxml
    from jam.settings import JamSettings
    from jam.texts import progress_bar

    output = check_output(args.output, (".mid", ".midi", ".wav", ".musicxml"))
    settings = settings_from(args, JamSettings())
    song = read_midi(args.melody)
    predictor, complaint = load_rules() if args.agent == "rules" else load_predictor()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    with progress_bar("harmonising") as progress:
        take, melody, chords = harmonize(song, predictor, settings, args.seed, progress)
    if output.suffix.lower() == ".musicxml":
        key = key_of([Row(m, c) for m, c in zip(melody, chords, strict=True)]) or (0, False)
        written = written_melody(take.parts["player"], take.tempo_map)
        write_musicxml(output, Path(args.melody).stem, written, chords, take.tempo_map, key)
    else:
        write_take(output, take, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
