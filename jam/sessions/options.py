"""The words of `jam sessions`. Quick to import: `jam --help` needs only it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

RETAKES = {
    "voiced": "the same chords in another style",
    "harmonised": "chords found afterwards, knowing the whole melody",
    "played": "the live partner again, with other settings or another seed",
}


def add_sessions(
    commands: Subparsers,
    add_devices: Callable[[argparse.ArgumentParser], None],
    add_agent: Callable[[argparse.ArgumentParser], None],
    add_style: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the command with its own commands. What others have in common is handed in."""
    sessions = commands.add_parser(
        "sessions",
        help="the jams that were recorded: list, play, export, …",
        description="Every jam is recorded. Here they are listed, played, exported, taken anew.",
        epilog="Examples: jam sessions list; jam sessions export last -o jam.mid",
    )
    parts = sessions.add_subparsers(dest="what", metavar="WHAT", required=True)

    def add(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        parser = parts.add_parser(
            name, help=help_, description=help_[0].upper() + help_[1:] + ".",
            epilog=f"Example: jam sessions {example}",
        )  # fmt: skip
        parser.add_argument("--library", metavar="FILE", help="another library than your own")
        return parser

    def of_one(name: str, help_: str, example: str, takes: bool = False) -> argparse.ArgumentParser:
        parser = add(name, help_, example)
        parser.add_argument("id", metavar="ID", help='number in the list; "last" is the newest')
        if takes:
            parser.add_argument("--take", type=int, default=0, metavar="N",
                                help="which take of it (0: as it was played)")  # fmt: skip
        return parser

    list_ = add("list", "list the sessions, newest first", "list blues 2026-11")
    list_.add_argument("words", nargs="*", metavar="WORD",
                       help="that occur in title, tags, key, style or date")  # fmt: skip
    list_.add_argument("--deleted", action="store_true", help="those that can be brought back")

    of_one("show", "show what a session holds, with its chords by bar", "show last", takes=True)

    export = of_one("export", "write a session as a file", "export 12 -o jam.mid", takes=True)
    export.add_argument("-o", "--output", required=True, metavar="OUT",
                        help="OUT.mid, OUT.musicxml (a lead sheet), OUT.wav, or OUT.json"
                        " (everything)")  # fmt: skip
    export.add_argument("--stems", action="store_true",
                        help="with OUT.wav: each part alone too; they sum to the mix")  # fmt: skip

    play = of_one("play", "play a session", "play last --from 20 --speed 75", takes=True)
    play.add_argument("--from", dest="from_s", type=float, metavar="S", help="second to begin at")
    play.add_argument("--speed", type=float, default=100.0, metavar="PERCENT",
                      help="50 to 150, at the same pitch")  # fmt: skip
    play.add_argument("--loop", nargs=2, type=float, metavar=("FROM", "TO"),
                      help="over and over, between two seconds")  # fmt: skip
    add_devices(play)
    play.set_defaults(agent="rules")  # nobody accompanies

    import_ = add("import", "take over files as sessions", "import song.mid old.json")
    import_.add_argument("files", nargs="+", metavar="FILE",
                         help="MIDI, a session as JSON, or a whole library (.sqlite3)")  # fmt: skip

    retake = of_one("retake", "accompany a session's melody anew, as another take of it",
                    "retake last --how harmonised --style bossa", takes=True)  # fmt: skip
    meanings = "; ".join(f"{how}: {what}" for how, what in RETAKES.items())
    retake.add_argument("--how", choices=tuple(RETAKES), required=True, help=meanings)
    retake.add_argument("--seed", type=int, help="the same seed gives the same take")
    retake.add_argument("--name", help="of the take")
    retake.add_argument("--lookahead", type=int, metavar="BEATS")
    retake.add_argument("--commit", type=int, metavar="BEATS")
    retake.add_argument("--listen", type=int, metavar="BARS")
    retake.add_argument("--temperature", type=float, metavar="T")
    add_agent(retake)
    add_style(retake)

    of_one("rename", "give a session a title", 'rename 12 "Blue evening"').add_argument("title")
    of_one("tag", "give a session these tags, and no others", "tag 12 blues slow").add_argument(
        "tags", nargs="*", metavar="TAG"
    )
    of_one("rate", "rate a session", "rate 12 4").add_argument(
        "rating", type=int, help="1 to 5; 0 takes the rating away"
    )
    for name, help_ in (
        ("delete", "delete sessions; they can be brought back for 30 days"),
        ("undelete", "bring deleted sessions back"),
    ):
        add(name, help_, f"{name} 12").add_argument("ids", nargs="+", metavar="ID")

    check = add("check", "verify the library", "check --repair")
    check.add_argument("--repair", action="store_true",
                       help="mend what is wrong; a damaged file is kept beside")  # fmt: skip
