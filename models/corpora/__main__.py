"""`python -m models.corpora PATH... [--jsonl OUT_DIR] [--json FILE]`: read corpora and report.

A PATH is a folder or .tar archive of one of the known corpora, a folder that holds several of
them, or any folder or file of the user's own songs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from jam.errors import BadInput
from jam.files import whole
from models.corpora import Outcome, find_corpora, outcomes
from models.corpora.files import open_files
from models.corpora.report import CorpusReport, report_of
from models.data.leadsheet import LeadSheet, write_jsonl


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.corpora", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--jsonl", type=Path, metavar="OUT_DIR", help="write one file a corpus")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--why", action="store_true", help="name what is dropped or not read")
    options = parser.parse_args(arguments)
    try:
        reports = [
            report
            for path in options.paths
            for report in _reports(path, options.jsonl, options.why)
        ]
        if options.json:
            text = json.dumps([r.as_dict() for r in reports], indent=1)
            options.json.write_text(text + "\n", encoding="utf-8")
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _reports(path: Path, jsonl: Path | None, why: bool) -> Iterator[CorpusReport]:
    for corpus, where in find_corpora(path):
        files = open_files(where)
        pieces = corpus.pieces(files)
        if not pieces:
            raise BadInput(f"{where}: nothing to read (MusicXML, ABC, MIDI, Humdrum or JSONL)")
        sheets: list[LeadSheet] = []

        def told(found: Iterator[Outcome], sheets: list[LeadSheet] = sheets) -> Iterator[Outcome]:
            for outcome in found:
                if outcome.sheet is not None:
                    sheets.append(outcome.sheet)
                elif why:
                    print(f"{outcome.piece}: {outcome.why_not}", file=sys.stderr)
                if why and outcome.unread:
                    symbols = "; ".join(outcome.unread)
                    print(f"{outcome.piece}: chords not read: {symbols}", file=sys.stderr)
                yield outcome

        progress = tqdm(pieces, desc=corpus.name, disable=not sys.stderr.isatty(), leave=False)
        report = report_of(corpus.name, told(outcomes(corpus, files, progress)))
        print("\n".join(report.lines()), flush=True)
        if jsonl is not None:
            jsonl.mkdir(parents=True, exist_ok=True)
            # Readers of the file see the old one or the new one, never half of it.
            with whole(jsonl / f"{corpus.name}.jsonl") as unfinished:
                write_jsonl(unfinished, sheets)
        yield report


if __name__ == "__main__":
    sys.exit(main())
