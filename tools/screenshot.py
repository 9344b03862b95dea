"""Take a picture of the real program in mid-jam: python tools/screenshot.py OUT.png

Starts Xvfb, jackd with its dummy device where there is one, and `jam demo` with a home folder of
its own; waits, and photographs the screen. Needs Xvfb.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_GRAB = """
import sys
from PyQt6.QtGui import QGuiApplication
app = QGuiApplication([])
screen = app.primaryScreen()
picture = screen.grabWindow(0)
sys.exit(0 if picture.save(sys.argv[1], "PNG") else 1)
"""

_PLACE = """
import sys
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication, QWidget
app = QApplication([])
window = QWidget()
window.setGeometry(0, 0, int(sys.argv[1]), int(sys.argv[2]))
window.show()
app.processEvents()
stored = QSettings("jam", "jam")
stored.setValue("geometry", window.saveGeometry())
stored.sync()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="the PNG file to write")
    parser.add_argument("--size", default="1280x720", help="of the window (1280x720)")
    parser.add_argument("--scale", default="1", help="scaling of the screen, e.g. 2")
    parser.add_argument("--after", type=float, default=16.0, help="seconds of playing (16)")
    parser.add_argument("jam", nargs="*", help="what to start (demo), e.g. -- window")
    args = parser.parse_args()
    width, height = (int(number) for number in args.size.split("x"))
    if shutil.which("Xvfb") is None:
        print("screenshot: Xvfb is missing (Debian: apt install xvfb)", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="jam-shot-"))
        environment = {
            **os.environ, "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share", "JACK_DEFAULT_SERVER": f"jam{os.getpid()}",
            "JACK_NO_START_SERVER": "1", "QT_QPA_PLATFORM": "xcb",
        }  # fmt: skip
        display_number, our_end = os.pipe()
        xvfb = subprocess.Popen(
            ["Xvfb", "-displayfd", str(our_end), "-screen", "0", f"{width}x{height}x24"],
            pass_fds=(our_end,), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(_end, xvfb)
        os.close(our_end)
        with os.fdopen(display_number) as pipe:
            environment["DISPLAY"] = ":" + pipe.readline().strip()
        if shutil.which("jackd"):
            jackd = subprocess.Popen(
                ["jackd", "-n", environment["JACK_DEFAULT_SERVER"], "-r",
                 "-d", "dummy", "-r", "48000", "-p", "512"],
                env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(_end, jackd)
            time.sleep(1.0)
        place = [sys.executable, "-c", _PLACE, str(width), str(height)]
        subprocess.run(place, env=environment, check=True)
        scaled = {**environment, "QT_SCALE_FACTOR": args.scale}
        words = args.jam or ["demo"]
        jam = subprocess.Popen(
            [sys.executable, "-m", "jam.cli", *words], env=scaled, cwd=ROOT,
        )  # fmt: skip
        stack.callback(_end, jam)
        time.sleep(args.after)
        if jam.poll() is not None:
            print(f"screenshot: jam has ended with {jam.returncode}", file=sys.stderr)
            return 1
        grab = [sys.executable, "-c", _GRAB, str(args.out.resolve())]
        return subprocess.run(grab, env=environment, check=False).returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
