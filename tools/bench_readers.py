"""Our readers of files beside the libraries': python -m tools.bench_readers FOLDER…

Standard MIDI files beside mido; MusicXML, ABC and Humdrum beside music21. Each folder is searched;
of every kind the first --files are read by both, and the milliseconds a file are compared.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import music21

from jam.midi.smf import parse_smf
from models.corpora.abc import parse_tune, split_tunes
from models.corpora.humdrum import read_humdrum
from models.corpora.musicxml import read_score

Read = Callable[[Path], object]


def _abc(path: Path) -> object:
    return [parse_tune(number, lines) for number, lines in split_tunes(path.read_text("utf-8"))]


def _music21(kind: str) -> Read:
    return lambda path: music21.converter.parse(path, format=kind, forceSource=True)


KINDS: dict[str, tuple[tuple[str, ...], Read, str, Read]] = {
    "MIDI": ((".mid",), lambda p: parse_smf(p.read_bytes()), "mido", mido.MidiFile),
    "MusicXML": (
        (".xml", ".musicxml", ".mxl"),
        lambda p: read_score(p.read_bytes()),
        "music21",
        _music21("musicxml"),
    ),
    "ABC": ((".abc",), _abc, "music21", _music21("abc")),
    "Humdrum": (
        (".hum", ".krn"),
        lambda p: read_humdrum(p.read_text("utf-8", errors="replace")),
        "music21",
        _music21("humdrum"),
    ),
}


def _timed(read: Read, files: list[Path]) -> tuple[float, int]:
    """Milliseconds a file, and how many of them were refused."""
    refused, began_s = 0, time.process_time()
    for path in files:
        try:
            read(path)
        except Exception:
            refused += 1
    return 1000 * (time.process_time() - began_s) / len(files), refused


def rows(folders: list[Path], n_files: int) -> Iterator[str]:
    for kind, (suffixes, own, library, other) in KINDS.items():
        found = sorted(p for f in folders for p in f.rglob("*") if p.suffix.lower() in suffixes)
        files = found[:: max(1, len(found) // n_files)][:n_files]
        if not files:
            continue
        (own_ms, own_refused), (other_ms, other_refused) = _timed(own, files), _timed(other, files)
        yield (
            f"{kind}: {len(files)} files; jam {own_ms:.1f} ms a file, {own_refused} refused;"
            f" {library} {other_ms:.1f} ms, {other_refused} refused; {other_ms / own_ms:.0f} times"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--files", type=int, default=10)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for row in rows(args.folders, args.files):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
