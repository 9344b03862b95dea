"""The pictures of the README: python tools/pictures.py

Starts Xvfb, jackd with its dummy device, and the real program with a home folder of its own; a
player in another process plays a bundled tune on its JACK MIDI port. Keys are pressed as a user
would press them, and the screen is photographed: the first start, a jam, the chord lane, the
settings. Needs Xvfb, jackd and libXtst.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from PIL import Image

from jam.files import demo_tunes
from jam.midi.file import read_midi
from jam.performance.offline import melody_events
from jam.preferences import THEMES

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("first", "jam", "chords", "settings", "review")

_GRAB = """
import sys
from PyQt6.QtGui import QGuiApplication
app = QGuiApplication([])
width, height = map(int, sys.argv[2:])
picture = app.primaryScreen().grabWindow(0)
# Without a window manager the window lies where it likes; around it the screen is white.
image = picture.toImage()
middle_x, middle_y = image.width() // 2, image.height() // 2
white = 0xFFFFFFFF
left = next(x for x in range(image.width()) if image.pixel(x, middle_y) | 0xFF000000 != white)
top = next(y for y in range(image.height()) if image.pixel(middle_x, y) | 0xFF000000 != white)
picture = picture.copy(left, top, width, height)
sys.exit(0 if picture.save(sys.argv[1], "PNG") else 1)
"""
PREFER = """
import sys
from PyQt6.QtWidgets import QApplication, QWidget
from jam.preferences import Preferences, View, save_preferences
from jam.settings import JamSettings
app = QApplication([])
x, y, width, height, bpm = map(int, sys.argv[1:6])
window = QWidget()
window.setGeometry(x, y, width, height)
window.show()
app.processEvents()
geometry = bytes(window.saveGeometry().toBase64().data()).decode("ascii")
view = View(theme=sys.argv[6], text_scale=float(sys.argv[7]), geometry=geometry)
save_preferences(Preferences(JamSettings(bpm=bpm, lookahead_beats=8, commit_beats=3), view=view))
"""


IMPORT = """
from jam.files import demo_tunes
from jam.sessions.imports import import_file
from jam.sessions.library import Library
tags = (("keep", "band"), (), ("practice",), ("idea",))
with Library() as library:
    for number, tune in enumerate(reversed(demo_tunes())):
        (info,) = import_file(library, tune)
        library.rate(info.id, (4, 0, 3, 5)[number % 4])
        library.set_tags(info.id, tags[number % 4])
"""


class Keyboard:
    """Presses keys on an X display, as if someone did."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL("libX11.so.6")
        self._test = ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XStringToKeysym.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))

    def point_at(self, x: int, y: int) -> None:
        """Without a window manager, keys go where the pointer is."""
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x.XFlush(self._display)

    def press(self, name: str) -> None:
        """name: of the X keysym, e.g. "space" or "F2"; "Control_L+r" holds one key down."""
        names = name.split("+") if len(name) > 1 else [name]
        for down, pressed in ((1, names), (0, names[::-1])):
            for key in pressed:
                symbol = ctypes.c_ulong(self._x.XStringToKeysym(key.encode()))
                code = self._x.XKeysymToKeycode(self._display, symbol)
                self._test.XTestFakeKeyEvent(self._display, code, down, 0)
                self._x.XFlush(self._display)
                time.sleep(0.05)


@contextmanager
def running(
    command: list[str], environment: dict[str, str], **options: object
) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended with the block, and not before it by a Ctrl-C on the terminal."""
    process: subprocess.Popen[str] = subprocess.Popen(
        command,
        env=environment,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def machine(
    size: tuple[int, int],
    block_frames: int = 512,
    realtime: bool = False,
    jack_says: IO[str] | int = subprocess.DEVNULL,
) -> Iterator[dict[str, str]]:
    """A screen, a JACK server and a home folder; gives the environment for programs in it.

    realtime: the server asks the system for real-time priority. jack_says: where its words go.
    """
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="jam-pictures-"))
        environment = {
            **os.environ,
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "JACK_DEFAULT_SERVER": f"jam{os.getpid()}",
            "JACK_NO_START_SERVER": "1",
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": str(ROOT),
        }
        ours, theirs = os.pipe()
        screen = f"{size[0] + 120}x{size[1] + 120}x24"
        stack.enter_context(
            running(
                ["Xvfb", "-displayfd", str(theirs), "-wr", "-screen", "0", screen],
                environment,
                pass_fds=(theirs,),
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            environment["DISPLAY"] = ":" + pipe.readline().strip()
        priority = ["-R", "-P", "70"] if realtime else ["-r"]
        jackd = [
            "jackd",
            "-n",
            environment["JACK_DEFAULT_SERVER"],
            *priority,
            "-d",
            "dummy",
            "-r",
            "48000",
            "-p",
            str(block_frames),
        ]
        probe = [sys.executable, "-c", "import jack; jack.Client('probe', no_start_server=True)"]
        server = stack.enter_context(
            running(jackd, environment, stdout=jack_says, stderr=subprocess.STDOUT)
        )
        while subprocess.run(probe, env=environment, capture_output=True).returncode:
            if server.poll() is not None:  # a machine has room for a few servers only
                time.sleep(2.0)
                server = stack.enter_context(
                    running(jackd, environment, stdout=jack_says, stderr=subprocess.STDOUT)
                )
        yield environment


def tune_messages(delay_s: float, seconds: float) -> tuple[int, list[tuple[float, list[int]]]]:
    """A bundled tune's tempo, and its melody as (second, MIDI bytes), over and over."""
    song = read_midi(demo_tunes()[0])
    events = melody_events(song)
    first = song.tempo_map.segments[0]
    bars = song.tempo_map.seconds_at(
        song.tempo_map.next_bar_frame(round(song.tempo_map.position_at(events[-1].at_s)))
    )
    messages, offset_s = [], delay_s
    while offset_s < seconds:
        for event in events:
            status = 0x90 if event.velocity else 0x80
            messages.append((offset_s + event.at_s, [status, event.pitch, event.velocity or 64]))
        offset_s += bars
    return round(first.bpm), messages


def take(args: argparse.Namespace, folder: Path) -> None:
    """One run of the program, with all pictures that are asked for."""
    width, height = (int(number) for number in args.size.split("x"))
    scale = float(args.scale)
    bpm, _ = tune_messages(0, 0.1)
    # The player waits for the count-in, as the bar that is counted tells.
    _, messages = tune_messages(4 * 60 / bpm + 0.05, args.after + 30)
    with machine((width, height)) as environment:
        place = [
            str(round(20 / scale)),
            str(round(20 / scale)),
            str(round(width / scale)),
            str(round(height / scale)),
            str(bpm),
            args.theme,
            str(args.text),
        ]
        scaled = {**environment, "QT_SCALE_FACTOR": args.scale}
        subprocess.run([sys.executable, "-c", PREFER, *place], env=scaled, check=True)
        subprocess.run([sys.executable, "-c", IMPORT], env=environment, check=True)
        program = [sys.executable, "-m", "jam", "window", "--midi-api", "jack"]
        with running(program, scaled, cwd=ROOT) as jam:
            keyboard = Keyboard(environment["DISPLAY"])
            time.sleep(args.before)
            keyboard.point_at(20 + width // 2, 20 + height // 2)

            def shoot(name: str) -> None:
                if name in args.only:
                    if jam.poll() is not None:
                        raise SystemExit(f"pictures: jam has ended with {jam.returncode}")
                    path = folder / f"{name}{args.suffix}.png"
                    where = [str(path), str(width), str(height)]
                    grab = [sys.executable, "-c", _GRAB, *where]
                    subprocess.run(grab, env=environment, check=True)
                    _shrink(path)

            shoot("first")
            if set(args.only) == {"first"}:
                return
            player = player_process(environment, messages)
            with player:
                keyboard.press("space")
                time.sleep(args.after)
                shoot("jam")
                for key in ("plus", "minus", "m"):  # on a US keyboard: Shift+=, -, m
                    keyboard.press({"plus": "Shift_L+equal"}.get(key, key))
                    time.sleep(1.1)
                keyboard.press("v")
                time.sleep(2.5)
                shoot("chords")
                keyboard.press("v")
                keyboard.press(args.tab)
                time.sleep(3.5)
                shoot("settings")
            if "review" not in args.only:
                return
            keyboard.press("F2")
            keyboard.press("space")
            time.sleep(1.0)
            keyboard.press("Control_L+r")
            time.sleep(2.5)
            keyboard.press("F2")
            for letter in ("Shift_L+e", *"vening"):
                keyboard.press(letter)
            keyboard.press("Return")
            keyboard.press("Escape")
            keyboard.press("4")
            for _ in range(2):
                keyboard.press("period")  # the second moment
            for _ in range(args.bars_back):
                keyboard.press("Shift_L+Left")
            keyboard.press("space")
            time.sleep(3.2)
            shoot("review")


@contextmanager
def player_process(
    environment: dict[str, str], messages: list[tuple[float, list[int]]]
) -> Iterator[None]:
    """A process that plays into the program's port from now on."""
    command = [sys.executable, "-m", "tools.support.jack_player"]
    pipe = subprocess.PIPE
    for _ in range(30):
        with running(
            command, environment, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as player:
            assert player.stdin is not None and player.stdout is not None
            player.stdin.write(json.dumps(messages))
            player.stdin.close()
            if player.stdout.readline():
                yield
                return
        time.sleep(1.0)  # the program's port isn't there yet
    raise SystemExit("pictures: the program has opened no port on JACK")


def _shrink(path: Path) -> None:
    """256 colours are enough for what a window shows, and a quarter of the size."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "pictures", help="a folder")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--size", default="1280x720", help="in pixels of the screen (1280x720)")
    parser.add_argument("--scale", default="1", help="scaling of the screen, e.g. 2")
    parser.add_argument("--theme", choices=THEMES, default="dark")
    parser.add_argument("--text", type=float, default=1.0, help="scale of the text (1)")
    parser.add_argument("--tab", default="F3", help="key of the settings' tab, F3 to F6 (F3)")
    parser.add_argument("--suffix", default="", help="put at the end of the files' names")
    parser.add_argument("--bars-back", type=int, default=3, help="before the second moment (3)")
    parser.add_argument("--before", type=float, default=8.0, help="seconds until it is up (8)")
    parser.add_argument("--after", type=float, default=20.0, help="seconds of playing (20)")
    args = parser.parse_args()
    missing = [name for name in ("Xvfb", "jackd") if shutil.which(name) is None]
    if missing:
        print(f"pictures: {', '.join(missing)} missing (apt install xvfb jackd2)", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    take(args, args.out.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
