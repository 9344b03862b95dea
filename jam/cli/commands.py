"""Commands that neither play nor look into the library: files, lists, the doctor."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jam.accompaniment import all_styles, styles_dir
from jam.agent.predictor import LoadPredictor, Predictor
from jam.charts.files import read_song, songs_that_come_along, write_chart
from jam.charts.text import write_text
from jam.cli.console import progress_bar, say_read_otherwise
from jam.cli.doctor import (
    audio_findings,
    examine,
    microphone_findings,
    midi_findings,
    print_findings,
)
from jam.cli.options import settings_from
from jam.errors import BadInput
from jam.files import SOUND_SUFFIXES
from jam.midi.file import MidiSong, read_tune
from jam.midi.ports import open_api
from jam.music.key import key_of, key_of_signature
from jam.music.rows import Row
from jam.music.song import Song, transpose
from jam.notation.heading import Heading, written_in_song
from jam.notation.musicxml import write_musicxml
from jam.notation.rhythm import written_melody
from jam.performance.offline import harmonize as find_chords
from jam.performance.offline import render as accompany
from jam.performance.take import Take
from jam.sessions.exports import check_output, write_take
from jam.sessions.imports import title_of_file
from jam.settings import JamSettings
from jam.voice.files import VoiceWish, is_sound, read_voice


def render(args: argparse.Namespace, load: LoadPredictor, chart: Song | None = None) -> int:
    """`jam render`."""
    output = _output(args, ".mid", ".midi", *SOUND_SUFFIXES)
    base = JamSettings() if chart is None else JamSettings(listen_bars=0)
    settings = settings_from(args, base)
    song = _song(args, settings)
    _check_metre(song, chart)
    predictor = _predictor(load)
    with progress_bar("accompanying") as progress:
        take = accompany(song, predictor, settings, args.seed, progress, chart=chart)
    write_take(output, take, settings, rate_hz=args.rate)
    print(f"Written: {output}")
    return 0


def harmonize(args: argparse.Namespace, load: LoadPredictor, chart: Song | None = None) -> int:
    """`jam harmonize`."""
    output = _output(args, ".mid", ".midi", *SOUND_SUFFIXES, ".musicxml")
    settings = settings_from(args, JamSettings())
    song = _song(args, settings)
    _check_metre(song, chart)
    predictor = _predictor(load)
    with progress_bar("harmonising") as progress:
        take, melody, chords = find_chords(song, predictor, settings, args.seed, progress, chart)
    if output.suffix.lower() == ".musicxml":
        key = key_of([Row(m, c) for m, c in zip(melody, chords, strict=True)]) or (0, False)
        if song.signature is not None:
            key = key_of_signature(*song.signature)
        written = written_melody(take.parts["player"], take.tempo_map)
        heading = _heading(args.melody, song, chart, take)
        write_musicxml(output, heading, written, chords, take.tempo_map, key)
    else:
        write_take(output, take, settings, rate_hz=args.rate)
    print(f"Written: {output}")
    return 0


def _heading(melody: str, file: MidiSong, chart: Song | None, take: Take) -> Heading:
    """Title and composer of the song, its sections and symbols; of no song, the file's name."""
    if chart is None:
        return Heading(title_of_file(melody), signature=file.signature)
    symbols, sections = written_in_song(chart, take.tempo_map, 0, 0, len(take.chords))
    title = chart.title or title_of_file(melody)
    return Heading(title, chart.composer, file.signature, symbols, sections)


def _check_metre(melody: MidiSong, chart: Song | None) -> None:
    """Raises BadInput where the bars of a song would not be those of the melody."""
    meter = melody.tempo_map.meter_at(0)
    if chart is not None and chart.meter != meter:
        raise BadInput(f"{melody.name}: in {meter}, but the song is in {chart.meter}")


def _song(args: argparse.Namespace, settings: JamSettings) -> MidiSong:
    """The melody's file, or a recording of it; what was read otherwise than it stands is told."""
    if is_sound(args.melody):
        bpm = None if args.bpm is None else settings.bpm
        voice, transposed = settings.voice_range, settings.voice_transpose
        with progress_bar("listening"):
            wish = VoiceWish(voice, bpm, settings.meter, transposed)
            song = read_voice(args.melody, wish).song
    elif any(given is not None for given in (args.bpm, args.metre, args.voice)):
        raise BadInput(f"{args.melody}: --bpm, --metre and --voice are for recordings")
    else:
        song = read_tune(args.melody)
    say_read_otherwise(args.melody, song.warnings, args.verbose)
    return song


def _output(args: argparse.Namespace, *suffixes: str) -> Path:
    output = check_output(args.output, suffixes)
    if output.exists() and Path(args.melody).exists() and output.samefile(args.melody):
        raise BadInput(f"{output}: that is the melody itself; choose another name")
    return output


def _predictor(load: LoadPredictor) -> Predictor:
    predictor, complaint = load()
    if complaint:
        print(f"jam: {complaint}", file=sys.stderr)
    return predictor


_VERDICTS = {
    "ok": "Everything works.",
    "note": "jam is ready. Arrows mark optional items and how to get them.",
    "bad": "Something is wrong: the arrows say how to fix it.",
}


def styles() -> int:
    """`jam styles`. Status 2 when a style of the user's own can't be read."""
    found, faults = all_styles()
    width = max(len(style.name) for style in found)
    for style in found:
        print(f"{style.name:<{width}}  {style.title}: {style.about}")
    print(f"Add your own as NAME.toml in {styles_dir()}")
    for fault in faults:
        print(f"jam: {fault}", file=sys.stderr)
    return 2 if faults else 0


def songs(args: argparse.Namespace, song: Song | None) -> int:
    """`jam songs`: those that come along, or one of any origin, shown or written."""
    if song is None:
        for name in songs_that_come_along():
            print(f"{name:<18}{read_song(name).song.title}")
        return 0
    if args.transpose:
        song = transpose(song, args.transpose)
    if args.output is None:
        print(write_text(song), end="")
        return 0
    for lost in write_chart(Path(args.output), song):
        print(f"jam: {lost}", file=sys.stderr)
    print(f"Written: {args.output}")
    return 0


def devices(args: argparse.Namespace) -> int:
    """`jam devices`."""
    if args.midi_api != "auto":
        open_api(args.midi_api)
    found = [*midi_findings(args.midi_api), *audio_findings(), *microphone_findings()]
    print_findings(found, print)
    return 0


def doctor(args: argparse.Namespace, load: LoadPredictor) -> int:
    """`jam doctor`. Status 1 when something is not well."""
    settings_from(args, JamSettings())  # what was given is right
    worst = print_findings(examine(load, args.midi_api), print)
    print(_VERDICTS[worst])
    return 1 if worst == "bad" else 0
