"""The words of the command line, and what they set. Quick to import: `jam --help` needs only it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jam import __version__

if TYPE_CHECKING:
    from jam.settings import JamSettings

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

DEMO_SECONDS = 30.0
_METERS = "4/4, 3/4, 2/4, 5/4, 7/8, 6/8, 9/8, 12/8"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jam",
        description="Play a melody on a MIDI keyboard; a partner that anticipates accompanies.",
        epilog="Without a command the window opens. Example: jam demo",
    )
    parser.add_argument("--version", action="version", version=f"jam {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog=f"Example: {example}",
        )

    window = add("window", "open the window (the default)", "jam window --midi-api jack")
    _add_devices(window)
    _add_agent(window)
    _add_style(window)
    _add_private(window)

    play = add("play", "jam without a window", "jam play --bpm 96 --meter 3/4 --record waltz.mid")
    _add_devices(play)
    _add_agent(play)
    _add_music(play)
    _add_harmony(play)
    _add_style(play)
    _add_private(play)
    play.add_argument("--seconds", type=float, metavar="S", help="stop after so long")
    play.add_argument("--record", metavar="FILE", help="write both parts to FILE.mid or FILE.wav")
    for playing in (window, play):
        playing.add_argument("--log", metavar="FILE", help="write all that happens, as JSON lines")

    demo = add("demo", "play a bundled tune as if a player played it", "jam demo --no-window")
    _add_devices(demo)
    _add_agent(demo)
    _add_style(demo)
    _add_private(demo)
    demo.add_argument("--no-window", action="store_true", help="sound and text only")
    demo.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"stop after so long (without a window: {DEMO_SECONDS:g})",
    )
    demo.add_argument("--tune", metavar="FILE.mid", help="play this file's melody instead")

    add_sessions(commands, _add_devices, _add_agent, _add_style)

    add("styles", "list the styles of accompaniment", "jam styles")

    devices = add("devices", "list MIDI ports and audio devices", "jam devices --midi-api jack")
    devices.add_argument("--midi-api", default="auto", help="auto, alsa, jack, coremidi or winmm")

    doctor = add("doctor", "check everything and say how to mend what is wrong", "jam doctor")
    doctor.add_argument("--midi-api", default="auto", help="auto, alsa, jack, coremidi or winmm")
    _add_agent(doctor)

    render = add(
        "render",
        "accompany the melody of a MIDI file, as if it were played live",
        "jam render melody.mid -o duet.mid --seed 7",
    )
    render.add_argument("melody", metavar="MELODY.mid", help="tempo and metre are taken from it")
    render.add_argument("-o", "--output", required=True, metavar="OUT", help="OUT.mid or OUT.wav")
    render.add_argument("--seed", type=int, default=0, help="the same seed gives the same file")
    render.add_argument("--lookahead", type=int, metavar="BEATS")
    render.add_argument("--commit", type=int, metavar="BEATS")
    render.add_argument("--listen", type=int, metavar="BARS")
    render.add_argument("--temperature", type=float, metavar="T")
    render.add_argument("--futures", type=int, metavar="N")
    render.add_argument("--adventurous", type=float, metavar="A")
    _add_agent(render)
    _add_harmony(render)
    _add_style(render)

    harmonize = add(
        "harmonize",
        "find chords for a whole melody, knowing all of it",
        "jam harmonize melody.mid -o song.musicxml",
    )
    harmonize.add_argument("melody", metavar="MELODY.mid", help="tempo and metre are taken from it")
    harmonize.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="OUT.mid, OUT.wav, or a lead sheet: OUT.musicxml",
    )
    harmonize.add_argument("--seed", type=int, default=0, help="the same seed gives the same file")
    _add_agent(harmonize)
    _add_style(harmonize)
    return parser


def _add_devices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("devices")
    group.add_argument(
        "--midi-in",
        action="append",
        metavar="NAME",
        help="MIDI input, by name or part of it (default: every one)",
    )
    group.add_argument(
        "--midi-out",
        action="append",
        metavar="NAME",
        help="MIDI output that gets the accompaniment too",
    )
    group.add_argument(
        "--midi-clock",
        action="store_true",
        default=None,
        help="send the MIDI outputs the beat: clock, start, stop",
    )
    group.add_argument(
        "--midi-programs",
        action="store_true",
        default=None,
        help="send the MIDI outputs the instruments to play",
    )
    group.add_argument(
        "--midi-api", default="auto", metavar="API", help="auto, alsa, jack, coremidi or winmm"
    )
    group.add_argument(
        "--midi-channel", type=int, metavar="1-16", help="listen to one MIDI channel only"
    )
    group.add_argument(
        "--split", metavar="PITCH", help="the melody is what is played from this key up: 60 or C4"
    )
    group.add_argument(
        "--latency",
        type=float,
        metavar="MS",
        help="send the accompaniment so much earlier, for a slow sound system",
    )
    group.add_argument(
        "--audio",
        metavar="NAME",
        help='audio device; "none" is silent, "fluidsynth:jack" (alsa, pulseaudio,'
        " …) FluidSynth's own driver",
    )
    group.add_argument("--rate", type=int, metavar="HZ", help="sample rate (0: the device's own)")
    group.add_argument(
        "--buffer", type=int, metavar="FRAMES", help="audio buffer, 64 to 2048 (256)"
    )


def _add_agent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--agent",
        choices=("auto", "neural", "rules"),
        default="auto",
        help="the partner's mind: the network, or plain rules",
    )


def _add_private(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--private", action="store_true", help="leave no trace: nothing is recorded"
    )


def _add_style(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("accompaniment")
    group.add_argument("--style", metavar="NAME", help="how it is played (piano); see jam styles")
    group.add_argument("--no-bass", action="store_true")
    group.add_argument("--no-drums", action="store_true")


def _add_music(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("music")
    group.add_argument("--bpm", type=float, metavar="BEATS", help="beats a minute, 30 to 300")
    group.add_argument("--meter", metavar="N/D", help=_METERS)
    group.add_argument("--lookahead", type=int, metavar="BEATS", help="how far it plans (4)")
    group.add_argument("--commit", type=int, metavar="BEATS", help="how much is fixed (2)")
    group.add_argument("--listen", type=int, metavar="BARS", help="bars it only listens (2)")
    group.add_argument("--count-in", type=int, metavar="BARS", help="bars counted in (1)")
    group.add_argument("--temperature", type=float, metavar="T", help="0 strict to 2 wild (1)")
    group.add_argument(
        "--futures",
        type=int,
        metavar="N",
        help="melodies a new chord is weighed against, 1 to 8 (4)",
    )
    group.add_argument(
        "--adventurous",
        type=float,
        metavar="A",
        help="0 chords that fit to 1 chords of variety (0.25)",
    )
    group.add_argument("--no-metronome", action="store_true")
    group.add_argument("--seed", type=int, default=0, help="pins the partner's dice")


def _add_harmony(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("harmony")
    group.add_argument("--key", metavar="KEY", help='only chords of a key: C, Am, "F# minor"')
    group.add_argument(
        "--palette", metavar="CHORDS", help='only these chords, or kinds of chords: "maj min7 G7"'
    )
    group.add_argument("--density", metavar="N", help="chord changes a bar: 0.5, 1, 2, 4 or any")


_SETTING_OF = {
    "bpm": "bpm",
    "lookahead": "lookahead_beats",
    "commit": "commit_beats",
    "listen": "listen_bars",
    "count_in": "count_in_bars",
    "temperature": "temperature",
    "futures": "futures",
    "adventurous": "adventurous",
    "midi_channel": "midi_channel",
    "latency": "latency_offset_ms",
    "midi_clock": "midi_clock",
    "midi_programs": "midi_programs",
}
_TYPED = ("meter", "style", "key", "palette", "density", "split")
"""Options whose values are read as they are when typed while it plays."""


def settings_from(args: argparse.Namespace, base: JamSettings) -> JamSettings:
    """The base with what was given on the command line. Raises BadInput, naming the option."""
    values: dict[str, Any] = {
        name: getattr(args, option)
        for option, name in _SETTING_OF.items()
        if getattr(args, option, None) is not None
    }
    for option in _TYPED:
        if (text := getattr(args, option, None)) is not None:
            from jam.cli.values import setting

            values |= setting(option, text)
    if getattr(args, "agent", "auto") != "auto":
        values["model"] = args.agent
    for part in ("metronome", "bass", "drums"):
        if getattr(args, f"no_{part}", False):
            values[part] = False
    return base.changed(**values)


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
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog=f"Example: jam sessions {example}",
        )
        parser.add_argument("--library", metavar="FILE", help="another library than your own")
        return parser

    def of_one(name: str, help_: str, example: str, takes: bool = False) -> argparse.ArgumentParser:
        parser = add(name, help_, example)
        parser.add_argument("id", metavar="ID", help='number in the list; "last" is the newest')
        if takes:
            parser.add_argument(
                "--take",
                type=int,
                default=0,
                metavar="N",
                help="which take of it (0: as it was played)",
            )
        return parser

    list_ = add("list", "list the sessions, newest first", "list blues 2026-11")
    list_.add_argument(
        "words", nargs="*", metavar="WORD", help="that occur in title, tags, key, style or date"
    )
    list_.add_argument("--deleted", action="store_true", help="those that can be brought back")

    of_one("show", "show what a session holds, with its chords by bar", "show last", takes=True)

    export = of_one("export", "write a session as a file", "export 12 -o jam.mid", takes=True)
    export.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="OUT.mid, OUT.musicxml (a lead sheet), OUT.wav, or OUT.json (everything)",
    )
    export.add_argument(
        "--stems",
        action="store_true",
        help="with OUT.wav: each part alone too; they sum to the mix",
    )

    play = of_one("play", "play a session", "play last --from 20 --speed 75", takes=True)
    play.add_argument("--from", dest="from_s", type=float, metavar="S", help="second to begin at")
    play.add_argument(
        "--speed", type=float, default=100.0, metavar="PERCENT", help="50 to 150, at the same pitch"
    )
    play.add_argument(
        "--loop",
        nargs=2,
        type=float,
        metavar=("FROM", "TO"),
        help="over and over, between two seconds",
    )
    add_devices(play)
    play.set_defaults(agent="rules")  # nobody accompanies

    import_ = add("import", "take over files as sessions", "import song.mid old.json")
    import_.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="MIDI, a session as JSON, or a whole library (.sqlite3)",
    )

    retake = of_one(
        "retake",
        "accompany a session's melody anew, as another take of it",
        "retake last --how harmonised --style bossa",
        takes=True,
    )
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
    check.add_argument(
        "--repair", action="store_true", help="mend what is wrong; a damaged file is kept beside"
    )
