"""The window driven by random keys and mouse in a running jam: python tools/random_user.py

    python tools/random_user.py --minutes 10 --seed 7

Starts Xvfb, jackd with its dummy device and the real engine, with a home folder of its own, and
does in the real window what comes to mind: presses keys, types into whatever has the focus, clicks,
drags and scrolls, in menus and dialogs too. It fails, with the last things done, when
- anything raises an exception, or the window stands still for seconds;
- a key that was typed into a text field is a command: it changes a setting, plays, starts or stops;
- a note sticks: whenever everything has been let go of and the jam was stopped, no key may be held
  and the synth must fall silent.
The same seed does the same things; what comes of them depends on time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def inside(minutes: float, seed: int) -> int:
    """The window and its user, on a screen and a JACK server that are there."""
    from PyQt6.QtWidgets import QApplication

    from jam.cli.main import load_predictor
    from jam.engine.engine import Engine
    from jam.files import demo_tunes
    from jam.messages.commands import DeviceChoice
    from jam.preferences import Preferences
    from jam.sessions.imports import import_file
    from jam.sessions.library import Library
    from jam.sessions.recorder import SessionWriter
    from jam.settings import JamSettings
    from tools.support.random_hands import CountingLink, RandomUser
    from ui.window import MainWindow

    with Library() as library:
        for tune in demo_tunes():
            import_file(library, tune)
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    settings = JamSettings(count_in_bars=0, listen_bars=1, bpm=120.0)
    writer = SessionWriter()
    with Engine(settings, DeviceChoice(), load_predictor, writer.take_log) as engine:
        engine.wait_until_up()
        link = CountingLink(engine)
        window = MainWindow(link, Preferences(settings), None, None, writer, load_predictor)
        window.resize(1280, 720)
        window.show()
        user = RandomUser(app, window, link, seed, minutes * 60)
        user.start()
        app.exec()
        window.close()
    writer.close()
    return user.report()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        return inside(args.minutes, args.seed)
    from tools.pictures import machine

    command = [sys.executable, "-m", "tools.random_user", "--inside"]
    command += ["--minutes", str(args.minutes), "--seed", str(args.seed)]
    with machine((1280, 720)) as environment:
        return subprocess.run(command, env={**os.environ, **environment}, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
