"""Commands that turn a melody's file into a file with chords."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jam.agent import LoadPredictor
from jam.anticipation import Predictor
from jam.errors import BadInput
from jam.harmonize import harmonize as find_chords
from jam.midi_file import read_tune
from jam.notation import written_melody
from jam.options import settings_from
from jam.presence import key_of
from jam.records import check_output, write_take
from jam.render import render as accompany
from jam.rows import Row
from jam.score import write_musicxml
from jam.settings import JamSettings
from jam.texts import progress_bar


def render(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam render`."""
    output = _output(args, ".mid", ".midi", ".wav")
    settings = settings_from(args, JamSettings())
    song = read_tune(args.melody)
    predictor = _predictor(load)
    with progress_bar("accompanying") as progress:
        take = accompany(song, predictor, settings, args.seed, progress)
    write_take(output, take, settings)
    print(f"Written: {output}")
    return 0


def harmonize(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam harmonize`."""
    output = _output(args, ".mid", ".midi", ".wav", ".musicxml")
    settings = settings_from(args, JamSettings())
    song = read_tune(args.melody)
    predictor = _predictor(load)
    with progress_bar("harmonising") as progress:
        take, melody, chords = find_chords(song, predictor, settings, args.seed, progress)
    if output.suffix.lower() == ".musicxml":
        key = key_of([Row(m, c) for m, c in zip(melody, chords, strict=True)]) or (0, False)
        written = written_melody(take.parts["player"], take.tempo_map)
        write_musicxml(output, Path(args.melody).stem, written, chords, take.tempo_map, key)
    else:
        write_take(output, take, settings)
    print(f"Written: {output}")
    return 0


def _output(args: argparse.Namespace, *suffixes: str) -> Path:
    output = check_output(args.output, suffixes)
    if output.exists() and Path(args.melody).exists() and output.samefile(args.melody):
        raise BadInput(f"{output}: that is the melody itself; another name keeps it")
    return output


def _predictor(load: LoadPredictor) -> Predictor:
    predictor, complaint = load()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    return predictor
