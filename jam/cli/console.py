"""What the command line prints while music is being made."""

from __future__ import annotations

import io
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from jam.charts.files import read_song
from jam.cli.values import DEVICE_WORDS, help_lines, line_named, setting
from jam.cli.values import devices as devices_typed
from jam.clock import SystemClock
from jam.engine.dropouts import Advice, DropoutWatch
from jam.engine.engine import Engine
from jam.errors import BadInput
from jam.messages.commands import (
    CUES,
    ChangeSettings,
    Cue,
    Keep,
    ListAudio,
    Panic,
    Start,
    Stop,
    TapBeat,
    UseSong,
)
from jam.messages.snapshot import SET_BY_JACK, DeviceState, SessionLog, Snapshot
from jam.messages.sync import OWN
from jam.messages.voice import HEARS_BAND, OFF
from jam.music.form import Form
from jam.music.keep import MOST_KEPT_BARS
from jam.music.song import Song
from jam.performance.form_guess import FormGuess
from jam.performance.take import Recorder, chart_cells
from jam.settings import JamSettings


def say_devices(snapshot: Snapshot) -> None:
    """One line each: what is open, what is missing."""
    print(*devices_in_words(snapshot.devices, choices=False), sep="\n", flush=True)


def watch(
    engine: Engine,
    recorder: Recorder,
    seconds: float | None,
    stop: threading.Event,
    look: Callable[[], object] = lambda: None,
) -> None:
    """Print each bar's chords when it is over, and news, until the time is up or `stop` is set.

    look: called again and again.
    """
    said = beat = ""
    bars, dropouts, clock = BarTeller(recorder), DropoutWatch(), SystemClock()
    advised: Advice | None = None
    by_server = False

    def going_on() -> bool:
        nonlocal said, beat, advised, by_server
        snapshot = engine.snapshot()
        if snapshot is not None:
            news = snapshot.message
            if snapshot.agent_state in AGENT_NEWS:
                news = news or AGENT_NEWS[snapshot.agent_state]
            elif snapshot.phase == "behind" and snapshot.counters.late_plans:
                news = news or BEHIND
            if snapshot.sync.words != beat:
                beat = snapshot.sync.words
                print(beat or BEAT_OWN, flush=True)
            if bool(snapshot.server.name) != by_server:
                by_server = not by_server
                if by_server:  # where it isn't, that is news of the agent's
                    print(snapshot.server.words, flush=True)
            heard = HEARS_BAND if snapshot.voice.hears_band else ""
            news = "\n".join(
                filter(None, (news, snapshot.sync.problem, snapshot.voice.problem, heard))
            )
            for line in news.splitlines():
                if line not in said.splitlines():
                    print(line, flush=True)
            said = news
            advice = dropouts.look(snapshot, clock.now_s())
            if advice is not None and advice != advised:
                print(advice_in_words(advice), flush=True)
            advised = advice
            bars.say()
        look()
        return engine.alive

    wait_while(going_on, seconds, stop)


def advice_in_words(advice: Advice) -> str:
    """What is said of a sound that drops out often, with what to type."""
    frames = advice.block_frames
    return f"{advice.text}" + (f" (type: buffer {frames})." if frames else ".")


class BarTeller:
    """Prints each bar's chords when it is over, at the same cost however long the jam is."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._first_frame = self._said = 0

    def say(self) -> None:
        """Print what is new."""
        tempo_map, chords = self._recorder.tempo_map, self._recorder.chords
        if tempo_map is None:
            return
        if len(chords) < self._first_frame:  # another session
            self._first_frame = self._said = 0
        while (end := tempo_map.next_bar_frame(self._first_frame + 1)) < len(chords):
            first, symbols = self._first_frame, self._recorder.symbols(self._first_frame, end)
            (cell,) = chart_cells(chords[first:end], tempo_map, first, symbols)
            self._first_frame, self._said = end, self._said + 1
            print(f"bar {self._said:>3} | {cell}", flush=True)


def say_read_otherwise(name: str, warnings: Sequence[str], verbose: bool) -> None:
    """What of a file was left out or read otherwise than it stands: in a line, or all of it."""
    told = warnings if verbose else warnings[:1]
    more = len(warnings) - len(told)
    for i, warning in enumerate(told, 1):
        rest = f" (and {more} more: --verbose)" if more and i == len(told) else ""
        print(f"jam: {name}: {warning}{rest}", file=sys.stderr)


@contextmanager
def progress_bar(what: str, unit: str = "frame") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal for what takes over a second (none where the output isn't
    a terminal)."""
    from tqdm import tqdm

    hidden = not sys.stderr.isatty()
    with tqdm(desc=what, unit=unit, leave=False, delay=0.5, disable=hidden) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


AGENT_NEWS = {"gone": "The agent is gone.", "restarted": "The agent has been restarted."}
BEAT_OWN = "jam gives the beat again."
BEHIND = "The band has fallen behind."
NO_JAM = "No jam is running: type start."
SONG_OFF = "No song: the agent finds all chords."
SONG_USE = "song: a file, a song that comes along (jam songs), bars that are typed, or off"
STARTED, STOPPED, SILENCED, TAPPED = "Started.", "Stopped.", "All notes off.", "Tapped."
"""What is said to a command that was typed."""

_MAX_LINE = 2_000


def typed_lines(typed: TextIO | None) -> Iterator[str]:
    """The lines of an input of any origin; what a longer one than that of a command has, is cut
    off, and what isn't UTF-8 becomes a sign that no command has.
    """
    if isinstance(typed, io.TextIOWrapper):
        typed.reconfigure(errors="replace")
    whole = True
    while typed is not None and (line := typed.readline(_MAX_LINE)):
        if whole:
            yield line
        whole = line.endswith("\n")


class TypedJam:
    """The jam as the words that are typed steer it. `settings` are those of the last word.

    Runs on: the thread that reads what is typed, and the one that looks after controls.
    """

    def __init__(
        self, engine: Engine, settings: JamSettings, seed: int, quit_: threading.Event
    ) -> None:
        self.engine, self.settings = engine, settings
        self._seed, self._quit = seed, quit_
        self._lock = threading.Lock()
        self._tapped = False
        """The tempo may have been counted in since."""

    def obey(self, line: str, at_s: float | None = None) -> None:
        """Do what a line says: "bpm 120", "key Am", "panic", "quit". Raises BadInput.

        at_s: when it was asked for; None: now.
        """
        with self._lock:
            if words := self._obey(line, SystemClock().now_s() if at_s is None else at_s):
                print(words, flush=True)

    def set(self, **values: object) -> None:
        """Settings that were turned and not typed. Raises BadInput."""
        with self._lock:
            self.settings = self.settings.changed(**values)
            self.engine.send(ChangeSettings(self.settings))

    def _plays(self) -> bool:
        snapshot = self.engine.snapshot()
        return snapshot is not None and snapshot.running

    def _obey(self, line: str, at_s: float) -> str:
        """Do it; returns what is to be said of it."""
        engine = self.engine
        word, _, value = line.strip().partition(" ")
        value = value.strip()
        match word:
            case "":
                return ""
            case "quit":
                self._quit.set()
                return ""
            case "start":
                engine.send(Start(self._seed))
                return STARTED
            case "stop":
                engine.send(Stop())
                return STOPPED
            case "tap":
                engine.send(TapBeat(at_s))
                self._tapped = True
                return TAPPED
            case "panic":
                engine.send(Panic())
                return SILENCED
            case "keep":
                bars = _bars(value)
                engine.send(Keep(bars))
                return kept_words(bars) if self._plays() else NO_JAM
            case "song" if value == "off":
                engine.send(UseSong(None))
                return SONG_OFF
            case "song" if not value:
                raise BadInput(SONG_USE)
            case "song":
                chart = read_song(value)
                engine.send(UseSong(chart.song))
                remarks = [f"jam: the song: {remark}" for remark in chart.remarks]
                return "\n".join((song_words(chart.song, self._plays()), *remarks))
            case _ if word in CUES:
                engine.send(Cue(word))
                return cue_words(word) if self._plays() else NO_JAM
            case "devices":
                engine.send(ListAudio())
                snapshot = engine.snapshot()
                if snapshot is None:
                    return ""
                server = [snapshot.server.words] if snapshot.server.host else []
                return "\n".join((*devices_in_words(snapshot.devices), *server))
            case "help":
                return "\n".join(help_lines())
            case _ if word in DEVICE_WORDS and value:
                engine.send(devices_typed(word, value))
                return f"{DEVICE_WORDS[word].plain_label}: {value}"
            case _ if (known := line_named(word)) is not None:
                followed = (self._tapped or self.settings.beat_from != OWN) and engine.snapshot()
                if followed:
                    self.settings = self.settings.changed(bpm=followed.settings.bpm)
                self.settings = self.settings.changed(**setting(word, value))
                engine.send(ChangeSettings(self.settings))
                return f"{known.plain_label}: {value}"
            case _:
                raise BadInput(f"no such command: {word!r} (type help for a list)")


def kept_words(bars: int | None) -> str:
    """What is said of `keep`; the stage says where there is nothing to keep."""
    what = f"the last {bars} bars" if bars else "the last bars"
    return f"Asked to keep {what} as the song."


def song_words(song: Song, plays: bool) -> str:
    """What is said of a song that was chosen."""
    when = "from the next bar line that isn't committed" if plays else "when the next jam starts"
    return f"Song: {song.title or 'untitled'}, {len(song.chorus.bars)} bars, {when}."


def cue_words(cue: str) -> str:
    """What is said of a cue."""
    return f"{cue.capitalize()}: at the next bar line that isn't committed."


def follow_commands(lines: Iterable[str], jam: TypedJam, quit_: threading.Event) -> None:
    """Carry out what is typed while the jam goes on.

    Runs on: a thread of its own, until the input ends.
    """
    for line in lines:
        try:
            jam.obey(line)
        except BadInput as error:
            print(f"jam: {error}", file=sys.stderr)
        if quit_.is_set():
            return


def _bars(value: str) -> int | None:
    """How many bars are to be kept; None where it isn't said. Raises BadInput."""
    if value and not (value.isdecimal() and 1 <= int(value) <= MOST_KEPT_BARS):
        raise BadInput(f"keep {value}: 1 to {MOST_KEPT_BARS} bars can be kept")
    return int(value) if value else None


class FormTeller:
    """Says what length the form seems to have, while no song says it. Logs come in another
    thread."""

    def __init__(self, engine: Callable[[], Snapshot | None]) -> None:
        self._snapshot = engine
        self._guess = FormGuess()
        self._logs: deque[SessionLog] = deque()

    def take_log(self, log: SessionLog) -> None:
        self._logs.append(log)

    def say(self) -> None:
        """Print what is new."""
        snapshot = self._snapshot()
        listening = 0 if snapshot is None else snapshot.listen_until_frame
        while self._logs:
            is_new = self._guess.take_log(self._logs.popleft(), listening)
            form = self._guess.form
            if is_new and form is not None and snapshot is not None and snapshot.form is None:
                print(form_words(form), flush=True)


def form_words(form: Form) -> str:
    """A form that was found, and how it is confirmed."""
    letters = " ".join(letter for letter, _ in form.sections) if len(form.sections) > 1 else ""
    shown = f" ({letters})" if letters else ""
    return f"{form.bars} bars{shown}? keep {form.bars} has them go round."


def devices_in_words(devices: DeviceState, choices: bool = True) -> list[str]:
    """A line each: what is open, with `choices` what else there is, what is missing."""
    lines = []
    if devices.midi_api:
        lines.append(
            f"MIDI ({devices.midi_api}) in: {_listed(devices.midi_inputs)};"
            f" out: {_listed(devices.midi_outputs)}"
        )
    if devices.midi_api and choices:
        lines.append(
            f"  available in: {_listed(devices.available_inputs)};"
            f" out: {_listed(devices.available_outputs)}"
        )
    if devices.audio:
        measured = (
            f", {devices.key_to_synth_ms:.1f} ms measured from key to synth"
            if devices.key_to_synth_ms
            else ""
        )
        lines.append(
            f"Audio: {devices.audio}, {devices.sample_rate} Hz, {_buffer(devices)},"
            f" {devices.audio_latency_ms:.1f} ms reported{measured}"
        )
    blocks = devices.audio_blocks
    if devices.audio and choices:
        lines.append(
            f"  available: {_listed(tuple(map(str, devices.audio_rates)))} Hz"
            + (f", buffers of {_listed(tuple(map(str, blocks)))}" if blocks else "")
        )
    if devices.available_audio and choices:
        lines.append(f"  available: {_listed(devices.available_audio)}")
    chosen, microphones = devices.wanted_microphone, devices.available_microphones
    if chosen != OFF or (choices and microphones):
        lines.append(f"Microphone: {chosen or 'the default one'}")
        if choices:
            lines.append(f"  available: {_listed(microphones)}")
    return [*lines, *devices.problems]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def wait_while(condition: Callable[[], bool], seconds: float | None, stop: threading.Event) -> None:
    """Wait until `stop` is set, `seconds` are over, or the condition doesn't hold any more."""
    clock = SystemClock()
    end_s = None if seconds is None else clock.now_s() + seconds
    while condition() and not stop.wait(0.05):
        if end_s is not None and clock.now_s() >= end_s:
            return


def _buffer(devices: DeviceState) -> str:
    words = f"buffer of {devices.block_frames} frames" if devices.block_frames else "buffer"
    return f"{words} {SET_BY_JACK}" if devices.jack_leads else words
