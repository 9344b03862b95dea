"""Commands that play in time: a jam or the demo without a window, a session played back."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from jam.accompaniment import all_styles
from jam.agent.predictor import LoadPredictor
from jam.cli.console import (
    FormTeller,
    TypedJam,
    follow_commands,
    say_devices,
    typed_lines,
    wait_while,
    watch,
)
from jam.cli.controls import PlayedControls
from jam.cli.log_file import LogWriter
from jam.cli.options import DEMO_SECONDS, settings_from
from jam.cli.sessions import open_library, session_id
from jam.cli.values import HINT, server_typed
from jam.clock import SystemClock
from jam.engine.demo import TunePlayer
from jam.engine.engine import Engine
from jam.errors import BadInput, JamError
from jam.files import SOUND_SUFFIXES, demo_tunes, recordings_dir
from jam.messages.commands import (
    ChangeSettings,
    DeviceChoice,
    LoadTake,
    Play,
    SetLoop,
    SetSpeed,
    Start,
    UseSong,
)
from jam.messages.snapshot import PlaybackState, SessionLog
from jam.messages.voice import OFF
from jam.midi.file import MidiSong, read_tune
from jam.music.grid import Meter
from jam.music.song import Song
from jam.performance.calibration import device_key
from jam.performance.take import Recorder, Take, chart_cells, chord_chart
from jam.preferences import Preferences, load_preferences
from jam.sessions import voices
from jam.sessions.exports import check_output, take_of, write_take
from jam.sessions.recorder import SessionWriter
from jam.sessions.session import Session
from jam.settings import JamSettings
from jam.stage.playback import load_take
from jam.stage.transport import MAX_SPEED, MIN_SPEED, position_at
from jam.system import end_signals, leave_the_terminal

SOUND_ENDED = "the sound process has stopped unexpectedly"


def open_engine(
    args: argparse.Namespace,
    load: LoadPredictor,
    settings: JamSettings,
    writer: SessionWriter | None,
    on_log: Callable[[SessionLog], None] | None = None,
    remembered: Preferences | None = None,
) -> Engine:
    """The devices named on the command line must be there; those remembered are waited for."""

    def given(option: str, otherwise: object) -> Any:
        value = getattr(args, option, None)
        return otherwise if value is None else value

    known = remembered.devices if remembered is not None else DeviceChoice()
    named = tuple(getattr(args, "midi_in", None) or ())
    devices = DeviceChoice(
        given("audio", known.audio),
        given("rate", known.sample_rate),
        given("buffer", known.block_frames),
        named or known.midi_inputs,
        tuple(given("midi_out", known.midi_outputs)),
        getattr(args, "midi_api", "auto"),
        midi_required=bool(named or getattr(args, "midi_out", None)),
        audio_required=getattr(args, "audio", None) is not None,
        soundfont=given("soundfont", known.soundfont),
        microphone=_microphone(args, known.microphone),
        agent_server=server_typed(given("agent_server", known.agent_server)),
    )
    if writer is None:
        return Engine(settings, devices, load, on_log)

    def take_log(log: SessionLog) -> None:
        writer.take_log(log)
        if on_log is not None:
            on_log(log)

    return Engine(settings, devices, load, take_log, writer.message)


def _microphone(args: argparse.Namespace, known: str) -> str:
    """The one that is asked for; who says what sings wants one."""
    if (name := getattr(args, "microphone", None)) is not None:
        return "" if name == "default" else str(name)
    return "" if known == OFF and getattr(args, "voice", None) is not None else known


@contextmanager
def recorded(
    args: argparse.Namespace, preferences: Preferences, title: str = ""
) -> Iterator[SessionWriter]:
    """Keeps the jams inside in the library of sessions, unless they are private."""
    recording = preferences.record and not args.private
    writer = SessionWriter(title=title, recording=recording)
    try:
        yield writer
    finally:
        writer.close()
        if writer.trouble:
            print(f"jam: {writer.trouble}", file=sys.stderr)


def writable(path: str) -> IO[str]:
    """Open a text file for writing. Raises BadInput."""
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: can't be written: {error.strerror}") from None


def song_of(args: argparse.Namespace) -> MidiSong:
    """The demo's tune: the one asked for, or the first that is bundled. Raises BadInput."""
    if getattr(args, "tune", None):
        return read_tune(args.tune)
    tunes = demo_tunes()
    if not tunes:
        raise JamError("the bundled tunes are missing (assets/tunes)")
    return read_tune(tunes[0])


def title_of(song: MidiSong | None) -> str:
    """What a session is called in which a tune is played: "1-auld-lang-syne" is Auld Lang Syne."""
    if song is None:
        return ""
    words = Path(song.name).stem.replace("_", " ").replace("-", " ").split()
    if len(words) > 1 and words[0].isdecimal():  # as the bundled ones are numbered
        return " ".join(word.capitalize() for word in words[1:])
    return " ".join(words)


def settings_of(song: Song, base: JamSettings | None = None) -> JamSettings:
    """The settings with which a song is played, unless others are asked for: no bars to listen."""
    settings = (base or JamSettings()).changed(meter=song.meter, listen_bars=0)
    if song.bpm is not None:
        settings = settings.changed(bpm=song.bpm)
    if any(style.name == song.style for style in all_styles()[0]):
        settings = settings.changed(accompaniment=song.style)
    return settings


def other_metre(meter: Meter, song: Song) -> str:
    """What is said of a song that isn't in the metre that was asked for."""
    return f"metre {meter}: the song is in {song.meter}"


def play(args: argparse.Namespace, load: LoadPredictor, song: Song | None = None) -> int:
    """`jam play`."""
    settings = settings_from(args, JamSettings() if song is None else settings_of(song))
    if song is not None and settings.meter != song.meter:
        raise BadInput(other_metre(settings.meter, song))
    output = check_output(args.record, (".mid", ".midi", *SOUND_SUFFIXES)) if args.record else None
    preferences, complaint = load_preferences()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    recorder = Recorder()
    stop = _stop_on_signals()
    with ExitStack() as stack:
        tellers: list[Callable[[SessionLog], None]] = []
        if args.log:
            tellers.append(LogWriter(stack.enter_context(writable(args.log))).take_log)

        def on_log(log: SessionLog) -> None:
            recorder.take_log(log)
            for take_log in tellers:
                take_log(log)

        writer = stack.enter_context(recorded(args, preferences))
        engine = stack.enter_context(open_engine(args, load, settings, writer, on_log))
        form = FormTeller(engine.snapshot)
        tellers.append(form.take_log)
        snapshot = engine.wait_until_up()
        say_devices(snapshot)
        kept_ms = preferences.latencies.get(device_key(snapshot.devices))
        if kept_ms is not None and args.latency is None:
            settings = settings.changed(latency_offset_ms=kept_ms)
            engine.send(ChangeSettings(settings))
        print(f"Type while it plays: {HINT}. Ctrl-C ends.", flush=True)
        if song is not None:
            engine.send(UseSong(song))
        engine.send(Start(args.seed))
        jam = TypedJam(engine, settings, args.seed, stop)
        controls = PlayedControls(jam, preferences.controls)
        typed = threading.Thread(
            target=follow_commands, args=(typed_lines(sys.stdin), jam, stop), daemon=True
        )
        typed.start()

        def look() -> None:
            controls.look()
            form.say()

        watch(engine, recorder, args.seconds, stop, look)
        alive = engine.alive
        engine.close()
    _say_kept(writer)
    if output is not None:
        write_take(output, recorder.take(), settings)
        print(f"Written: {output}")
    if not alive:
        raise JamError(SOUND_ENDED)
    return 0


def demo(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam demo --no-window`: through the whole live pipeline, with whatever devices there are."""
    song = song_of(args)
    first = song.tempo_map.segments[0]
    settings = settings_from(args, JamSettings(bpm=first.bpm, meter=first.meter))
    recorder = Recorder()
    stop = _stop_on_signals()
    with ExitStack() as stack:
        writer = stack.enter_context(recorded(args, load_preferences()[0], title_of(song)))
        engine = stack.enter_context(open_engine(args, load, settings, writer, recorder.take_log))
        say_devices(engine.wait_until_up())
        tune = TunePlayer(engine.send, engine.snapshot, song)
        tune.start()
        watch(engine, recorder, args.seconds or DEMO_SECONDS, stop)
        tune.close()
    _say_kept(writer)
    take = recorder.take()
    print("\nChords by bar:\n" + chord_chart(take))
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


def play_session(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam sessions play`."""
    speed, loop = args.speed / 100, tuple(args.loop) if args.loop else None
    # Of what is stored the notes alone are read, and not what was planned.
    with open_library(args) as library, library.stored(session_id(library, args.id)) as session:
        chosen = take_of(session, args.take)
        check_places(session, args.from_s, speed, loop)
        name = f"session {session.info.id}"
        recording = voices.kept(library.path, session.info.started_at)
        loaded = load_take(name, chosen.take, chosen.info.settings, recording=recording)
        if recording is not None and speed != 1.0:
            print("The recording of the microphone is heard at 100 % only.")
    stop = _stop_on_signals()
    settings = settings_from(args, chosen.info.settings)
    with open_engine(args, load, settings, None) as engine:
        say_devices(engine.wait_until_up())
        play_back(engine, loaded, chosen.take, args.from_s, speed, loop, stop)
        if not engine.alive:
            raise JamError(SOUND_ENDED)
    return 0


def _stop_on_signals() -> threading.Event:
    """An event that Ctrl-C, SIGTERM and the terminal's end set: everything then ends in order,
    all notes off."""
    stop = threading.Event()

    def end(number: int, _frame: object) -> None:
        leave_the_terminal(number)
        stop.set()

    for number in end_signals():
        signal.signal(number, end)
    return stop


def _say_kept(writer: SessionWriter) -> None:
    if writer.session_id is not None:
        print(f"Recorded as session {writer.session_id} (jam sessions show {writer.session_id}).")


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
            raise BadInput(f"second {place_s:g}: the session ends at second {end_s:.1f}")
    if loop is not None and not loop[0] < loop[1]:
        raise BadInput(f"loop from {loop[0]:g} to {loop[1]:g}: it must end after it begins")


def play_back(
    engine: Engine,
    loaded: LoadTake,
    take: Take,
    from_s: float | None,
    speed: float,
    loop: tuple[float, float] | None,
    stop: threading.Event,
) -> None:
    """Play a take to its end, or until `stop` is set, and print each bar's chords as it begins."""
    engine.send(loaded)
    engine.send(SetSpeed(speed))
    engine.send(SetLoop(loop))
    engine.send(Play(loop[0] if loop and from_s is None else from_s))
    cells = chart_cells(take.chords, take.tempo_map, 0, take.symbols)
    bar_said: int | None = None
    began = False

    def going_on() -> bool:
        nonlocal bar_said, began
        snapshot = engine.snapshot()
        state: PlaybackState | None = snapshot.playback if snapshot is not None else None
        if state is not None and state.playing:
            began = True
            position_s = position_at(state, SystemClock().now_s())
            bar = take.tempo_map.place(int(take.tempo_map.position_at(position_s))).bar
            if bar != bar_said and 0 <= bar < len(cells):
                print(f"bar {bar + 1:>3} | {cells[bar]}", flush=True)
            bar_said = bar
        return engine.alive and (not began or (state is not None and state.playing))

    wait_while(going_on, None, stop)
