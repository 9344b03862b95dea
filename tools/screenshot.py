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
# Without a window manager the window lies where it likes; around it the screen is black.
image = picture.toImage()
middle_x, middle_y = image.width() // 2, image.height() // 2
black = 0xFF000000
left = next(x for x in range(image.width()) if image.pixel(x, middle_y) | black != black)
top = next(y for y in range(image.height()) if image.pixel(middle_x, y) | black != black)
picture = picture.copy(left, top, int(sys.argv[2]), int(sys.argv[3]))
sys.exit(0 if picture.save(sys.argv[1], "PNG") else 1)
"""

_PLACE = """
import sys
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication, QWidget
app = QApplication([])
window = QWidget()
window.setGeometry(40, 40, int(sys.argv[1]), int(sys.argv[2]))
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
    parser.add_argument("--start", default="demo", help="the words after jam (demo)")
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
        screen = f"{width + 120}x{height + 120}x24"
        display_number, our_end = os.pipe()
        xvfb = subprocess.Popen(
            ["Xvfb", "-displayfd", str(our_end), "-screen", "0", screen],
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
        words = args.start.split()
        jam = subprocess.Popen(
            [sys.executable, "-m", "jam.cli", *words], env=scaled, cwd=ROOT,
        )  # fmt: skip
        stack.callback(_end, jam)
        time.sleep(args.after)
        if jam.poll() is not None:
            print(f"screenshot: jam has ended with {jam.returncode}", file=sys.stderr)
            return 1
        grab = [sys.executable, "-c", _GRAB, str(args.out.resolve()), str(width), str(height)]
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
