"""The words of the command line, and what they set. Quick to import: `jam --help` needs only it.

The options of settings and devices are made from their table in `jam.settings`, when the command
that has them is asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jam import __version__
from jam.files import FILE_RATES

if TYPE_CHECKING:
    from jam.settings import JamSettings
    from jam.settings.line import Line

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

DEMO_SECONDS = 30.0
ALL_GROUPS = ("time", "beat", "agent", "harmony", "band", "sound", "devices", "microphone")
"""Parts of the table of settings that an option can belong to."""
_VERBOSE = "say all that was read otherwise than the file has it"
_SAME_SEED = "random seed; the same seed gives the same file"
_SONG = (
    "a file (text, ChordPro, MusicXML, ABC, MIDI, iReal Pro), a link of iReal Pro, the name of a"
    ' song that comes along (blues), or bars: "| Dm7 | G7 | C | %% |"'
)
_MELODY = (
    "a MIDI file (its tempo and metre are kept), or a recording of one voice: .wav, .flac or .ogg"
)


def parser(words: list[str] | None = None) -> argparse.ArgumentParser:
    """The command line's parser. words: what was typed, so that only the options of the command
    that is meant are made; None makes all.
    """
    parser = argparse.ArgumentParser(
        prog="jam",
        description="Play a melody on a MIDI keyboard; an agent that anticipates accompanies you.",
        epilog="Without a command the window opens. Example: jam demo",
    )
    parser.add_argument("--version", action="version", version=f"jam {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, (help_, example, add_options) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=help_,
            description=f"{help_[0].upper()}{help_[1:]}.",
            epilog=f"Example: {example}",
        )
        if words is None or words[:1] == [name]:
            add_options(command)
    return parser


# -- each command's options


def _window(parser: argparse.ArgumentParser) -> None:
    assert parser.epilog
    parser.epilog += ". Settings that aren't given are as you left them."
    add_settings(parser, *ALL_GROUPS)
    _add_song(parser)
    _add_private(parser)
    _add_log(parser)


def _play(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, *ALL_GROUPS, defaults=True)
    parser.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    _add_song(parser)
    _add_private(parser)
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument(
        "--record",
        metavar="FILE",
        help="write both parts to FILE.mid, or their sound to FILE.wav, .flac or .mp3",
    )
    _add_log(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "agent", "harmony", "band", "sound", "devices")
    _add_private(parser)
    parser.add_argument("--no-window", action="store_true", help="sound and text only")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"stop after S seconds (default {DEMO_SECONDS:g} without a window)",
    )
    parser.add_argument("--tune", metavar="FILE.mid", help="play the melody of this file instead")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=8765, help="default 8765; 0 takes a free one")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate, PEM; needed beyond here")
    parser.add_argument(
        "--tls-key", metavar="FILE", help="its key, where it isn't in the same file"
    )
    _add_tokens(parser)
    parser.add_argument(
        "--players", type=int, default=500, metavar="N", help="most players at a time (default 500)"
    )
    parser.add_argument(
        "--per-user", type=int, default=4, metavar="N", help="most of one user (default 4)"
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help='on Ray Serve: a cluster of its own, or the one at ADDRESS ("auto": of this machine);'
        " --players and --per-user are then those of a replica",
    )
    parser.add_argument(
        "--replicas", metavar="N", help="with --ray: so many (default 1), or 1-8 by need"
    )
    parser.add_argument(
        "--head-only", action="store_true", help="with --ray: players connect to the first node"
    )
    parser.add_argument("--weights", metavar="FOLDER", help="other weights than those shipped")
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="compute the network with torch, on cuda, cuda:1, mps or cpu (default: numpy)",
    )
    add_settings(parser, only=("model",))


def _tokens(parser: argparse.ArgumentParser) -> None:
    _add_tokens(parser)
    parts = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, help_ in (("add", "make a token and print it, once"), ("revoke", "cut a user off")):
        part = parts.add_parser(name, help=help_)
        part.add_argument("user", metavar="USER")
    parts.add_parser("list", help="every user with a token")


def _add_tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tokens", metavar="FILE", help="file of tokens (default: in the folder of preferences)"
    )


def _devices(parser: argparse.ArgumentParser) -> None:
    _add_midi_api(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    _add_midi_api(parser)
    add_settings(parser, only=("model",))


def _render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("melody", metavar="MELODY", help=_MELODY)
    _add_recording(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="OUT.mid, or sound: OUT.wav, OUT.flac, OUT.mp3",
    )
    _add_rate(parser)
    parser.add_argument("--seed", type=int, default=0, help=_SAME_SEED)
    _add_song(parser)
    parser.add_argument("--verbose", action="store_true", help=_VERBOSE)
    add_settings(parser, "agent", "harmony", "band", "sound", defaults=True)


def _harmonize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("melody", metavar="MELODY", help=_MELODY)
    _add_recording(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="OUT.mid, OUT.wav (or .flac, .mp3), or a lead sheet: OUT.musicxml",
    )
    _add_rate(parser)
    parser.add_argument("--seed", type=int, default=0, help=_SAME_SEED)
    _add_song(parser)
    parser.add_argument("--verbose", action="store_true", help=_VERBOSE)
    add_settings(parser, "harmony", "band", "sound", defaults=True, only=("model",))


def _add_recording(parser: argparse.ArgumentParser) -> None:
    of_it = parser.add_argument_group("of a recording")
    of_it.add_argument("--bpm", metavar="BPM", help="its tempo; estimated where it isn't given")
    of_it.add_argument("--metre", "--meter", metavar="METRE", help="its metre (default 4/4)")
    of_it.add_argument(
        "--voice", metavar="VOICE", help="what sings or plays: tenor, violin, … (default any)"
    )
    of_it.add_argument("--voice-transpose", metavar="N", help="semitones added to every note")


def _add_rate(parser: argparse.ArgumentParser) -> None:
    words = " or ".join(map(str, FILE_RATES))
    parser.add_argument(
        "--rate",
        type=int,
        default=FILE_RATES[0],
        choices=FILE_RATES,
        metavar="HZ",
        help=f"sample rate of a sound file: {words} (default {FILE_RATES[0]})",
    )


def _songs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", metavar="SONG", help=_SONG)
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="OUT.txt, OUT.cho (ChordPro), OUT.musicxml, OUT.html or OUT.irealb (iReal Pro)",
    )
    parser.add_argument("--transpose", type=int, default=0, metavar="N", help="semitones up")


def _none(parser: argparse.ArgumentParser) -> None:
    """No options."""


# -- options that several have


def _add_song(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--song", metavar="SONG", help=f"play these chords: {_SONG}")


def add_settings(
    parser: argparse.ArgumentParser,
    *groups: str,
    only: tuple[str, ...] = (),
    defaults: bool = False,
) -> None:
    """Add the options of groups of settings, and of single ones by the names of their fields.

    defaults: say the value of a setting that isn't given.
    """
    from jam.settings import DEVICES, SETTINGS

    for line in SETTINGS.values():
        if line.name in only and line.group not in groups:
            _add_setting(parser, line, defaults)
    for group in groups:
        titled = parser.add_argument_group(group)
        if group == "devices":
            for line in DEVICES.values():
                titled.add_argument(
                    line.flag,
                    action="append" if line.name.startswith("midi_") else "store",
                    type=line.kind,
                    metavar=line.value_name,
                    help=line.help,
                )
            _add_midi_api(titled)
        for line in SETTINGS.values():
            if line.group == group:
                _add_setting(titled, line, defaults)


def _add_setting(parser: argparse._ActionsContainer, line: Line, defaults: bool) -> None:
    """The values are read as they are when typed while it plays, by `settings_from`."""
    is_switch = line.kind is bool
    said = [line.may_be] if line.may_be and not is_switch else []
    if defaults:
        said.append(f"default {line.typed(line.default)}")
    help_ = f"{line.help} ({'; '.join(said)})" if said else line.help
    if is_switch:
        parser.add_argument(line.flag, action=argparse.BooleanOptionalAction, help=help_)
    else:
        parser.add_argument(*line.flags, metavar=line.value_name, help=help_)


def settings_from(args: argparse.Namespace, base: JamSettings) -> JamSettings:
    """The base with what was given on the command line. Raises BadInput, naming the setting."""
    from jam.cli.values import setting
    from jam.settings import SETTINGS

    values: dict[str, Any] = {}
    for line in SETTINGS.values():
        given = getattr(args, line.flag.removeprefix("--").replace("-", "_"), None)
        if given is not None:
            values |= {line.name: given} if line.kind is bool else setting(line.word, given)
    return base.changed(**values)


def _add_midi_api(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--midi-api",
        default="auto",
        metavar="API",
        help="MIDI system: auto, alsa, jack, coremidi or winmm",
    )


def _add_private(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--private", action="store_true", help="record nothing")


def _add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log", metavar="FILE", help="write everything that happens as JSON lines")


def _practice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", metavar="FILE", help="use another library than your own")
    parser.add_argument(
        "id", nargs="?", default="last", metavar="ID", help='a session: its number, or "last"'
    )
    parser.add_argument("--curve", action="store_true", help="show how late each bar lies")


def _stats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", metavar="FILE", help="use another library than your own")
    parser.add_argument("--csv", metavar="FILE", help="write them as CSV")
    parser.add_argument(
        "--delete", metavar="DAY", help="delete those of a day, of a month (2026-11), or all"
    )


# -- jam sessions


RETAKES = {
    "voiced": "the same chords in another style",
    "harmonised": "other chords, found with the whole melody known",
    "transcribed": "the melody heard anew in the microphone's sound that was kept",
    "played": "played again live, with other settings or another seed",
}


def _sessions(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="what", metavar="WHAT", required=True)

    def add(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        parser = parts.add_parser(
            name,
            help=help_,
            description=f"{help_[0].upper()}{help_[1:]}.",
            epilog=f"Example: jam sessions {example}",
        )
        parser.add_argument("--library", metavar="FILE", help="use another library than your own")
        return parser

    def of_one(name: str, help_: str, example: str, takes: bool = False) -> argparse.ArgumentParser:
        parser = add(name, help_, example)
        parser.add_argument("id", metavar="ID", help='number in the list, or "last" for the newest')
        if takes:
            parser.add_argument(
                "--take",
                type=int,
                default=0,
                metavar="N",
                help="which of its takes (default 0: as it was played)",
            )
        return parser

    list_ = add("list", "list the sessions, newest first", "list blues 2026-11")
    list_.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="only sessions with these in their title, tags, key, style or date",
    )
    list_.add_argument("--deleted", action="store_true", help="list what can be undeleted")

    of_one("show", "show what a session holds, with its chords by bar", "show last", takes=True)

    export = of_one("export", "write a session to a file", "export 12 -o jam.mid", takes=True)
    export.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="OUT.mid, OUT.musicxml (lead sheet), OUT.wav, OUT.flac, OUT.mp3 or OUT.json (complete"
        " session)",
    )
    _add_rate(export)
    export.add_argument(
        "--stems", action="store_true", help="with sound: one more file per part; they sum to OUT"
    )

    play = of_one("play", "play a session", "play last --from 20 --speed 75", takes=True)
    play.add_argument("--from", dest="from_s", type=float, metavar="S", help="start at second S")
    play.add_argument(
        "--speed",
        type=float,
        default=100.0,
        metavar="PERCENT",
        help="50 to 150, at the same pitch (default 100)",
    )
    play.add_argument(
        "--loop", nargs=2, type=float, metavar=("FROM", "TO"), help="loop between two seconds"
    )
    add_settings(play, "devices")
    play.set_defaults(agent="rules")  # nobody accompanies

    import_ = add("import", "import files as sessions", "import song.mid old.json")
    import_.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="MIDI, a recording (.wav, .flac, .ogg), a session as JSON, or a whole library"
        " (.sqlite3)",
    )
    _add_recording(import_)
    import_.add_argument(
        "--keep-voice",
        action=argparse.BooleanOptionalAction,
        help="keep the recordings' sound beside the library, to be heard along (default: no)",
    )
    import_.add_argument("--verbose", action="store_true", help=_VERBOSE)

    retake = of_one(
        "retake",
        "make another take of a session: accompanied anew, or some bars composed again",
        "retake last --bars 5-8 --part chords --proposals 4",
        takes=True,
    )
    meanings = "; ".join(f"{how}: {what}" for how, what in RETAKES.items())
    retake.add_argument("--how", choices=tuple(RETAKES), help=meanings)
    retake.add_argument(
        "--bars", metavar="5-8", help="compose these bars again; everything else stays as it is"
    )
    retake.add_argument(
        "--part",
        choices=("chords", "melody", "both"),
        default="chords",
        help="what of --bars is composed again (default chords)",
    )
    retake.add_argument(
        "--proposals",
        type=int,
        default=1,
        metavar="N",
        help="so many proposals for --bars, each kept as a take, the likeliest first (default 1)",
    )
    retake.add_argument(
        "--little", action="store_true", help="change --bars a little instead of wholly"
    )
    retake.add_argument("--seed", type=int, help="random seed; the same seed gives the same take")
    retake.add_argument("--name", help="name of the take")
    add_settings(retake, "agent", "harmony", "band", "sound")

    of_one("rename", "give a session a title", 'rename 12 "Blue evening"').add_argument("title")
    of_one("tag", "set a session's tags", "tag 12 blues slow").add_argument(
        "tags", nargs="*", metavar="TAG", help="they replace the tags it has; none removes all"
    )
    of_one("rate", "rate a session", "rate 12 4").add_argument(
        "rating", type=int, help="1 to 5 stars; 0 clears the rating"
    )
    for name, help_ in (
        ("delete", "delete sessions; they can be undeleted for 30 days"),
        ("undelete", "restore deleted sessions"),
    ):
        add(name, help_, f"{name} 12").add_argument("ids", nargs="+", metavar="ID")

    check = add("check", "check the library", "check --repair")
    check.add_argument(
        "--repair",
        action="store_true",
        help="repair what is wrong; a damaged file is kept as a copy",
    )


_COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "window": ("open the window (the default)", "jam window --midi-api jack", _window),
    "play": ("jam without a window", "jam play --bpm 96 --metre 3/4 --record waltz.mid", _play),
    "demo": ("play a bundled tune as if somebody played it", "jam demo --no-window", _demo),
    "sessions": (
        "list, play, export, … the jams that were recorded",
        "jam sessions list; jam sessions export last -o jam.mid",
        _sessions,
    ),
    "practice": (
        "tell what was played: early or late, in or out of the chords, beside the last time",
        "jam practice last --curve",
        _practice,
    ),
    "stats": ("how much was practised, by day and song", "jam stats --csv practice.csv", _stats),
    "styles": ("list the styles of the band", "jam styles", _none),
    "songs": (
        "list the songs that come along, show a song, or write it in another form",
        "jam songs blues-jazz --transpose 2 -o blues.musicxml",
        _songs,
    ),
    "serve": (
        "let an agent here plan for players elsewhere",
        "jam serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem",
        _serve,
    ),
    "tokens": ("say who may use the server", "jam tokens add anna", _tokens),
    "devices": ("list MIDI ports and audio devices", "jam devices --midi-api jack", _devices),
    "doctor": ("check everything and say how to fix what is wrong", "jam doctor", _doctor),
    "render": (
        "accompany the melody of a MIDI file as if it were played live",
        "jam render melody.mid -o duet.mid --seed 7",
        _render,
    ),
    "harmonize": (
        "find chords for a whole melody, with all of it known",
        "jam harmonize melody.mid -o song.musicxml",
        _harmonize,
    ),
}
"""Command -> what it does, an example, its options."""
