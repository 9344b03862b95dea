"""Commands that say what there is: styles, devices, and whether all of it is well."""

from __future__ import annotations

import argparse
import sys

from jam.accompaniment import all_styles, styles_dir
from jam.agent import LoadPredictor
from jam.doctor import audio_findings, examine, midi_findings, print_findings
from jam.midi_ports import open_api

_VERDICTS = {
    "ok": "All is well.",
    "note": "jam can play. The arrows say what it does without, and what brings it.",
    "bad": "Not everything is well: see the arrows.",
}


def styles() -> int:
    """`jam styles`. Status 2 when a style of the user's own can't be read."""
    found, faults = all_styles()
    width = max(len(style.name) for style in found)
    for style in found:
        print(f"{style.name:<{width}}  {style.title}: {style.about}")
    print(f"Your own: a file NAME.toml in {styles_dir()}")
    for fault in faults:
        print(f"jam: {fault}", file=sys.stderr)
    return 2 if faults else 0


def devices(args: argparse.Namespace) -> int:
    """`jam devices`."""
    if args.midi_api != "auto":
        open_api(args.midi_api)
    print_findings([*midi_findings(args.midi_api), *audio_findings()], print)
    return 0


def doctor(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam doctor`. Status 1 when something is not well."""
    worst = print_findings(examine(load, args.midi_api), print)
    print(_VERDICTS[worst])
    return 1 if worst == "bad" else 0
