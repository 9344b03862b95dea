"""Large files in pieces that fit where only small ones do, and back again.

    python -m tools.split_file split runs/rl/checkpoint.safetensors runs/pieces
    python -m tools.split_file join runs/pieces runs/rl/checkpoint.safetensors

A GPU that is lent for half an hour at a time can so hand a run on to the next.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from jam.errors import BadInput
from models.network import weights

PIECE_BYTES = 16 * 2**20 - 4096


def split(file: Path, folder: Path, piece_bytes: int = PIECE_BYTES) -> list[Path]:
    """Write `file` as folder/piece-000, … and folder/pieces.json. Raises BadInput."""
    if not file.is_file():
        raise BadInput(f"{file}: no such file")
    folder.mkdir(parents=True, exist_ok=True)
    whole = hashlib.sha256()
    pieces: list[Path] = []
    with file.open("rb") as source:
        while block := source.read(piece_bytes):
            whole.update(block)
            pieces.append(folder / f"piece-{len(pieces):03d}")
            pieces[-1].write_bytes(block)
    weights.write_json(
        folder / "pieces.json",
        {"name": file.name, "pieces": len(pieces), "sha256": whole.hexdigest()},
    )
    return pieces


def join(folder: Path, file: Path) -> None:
    """The reverse: whole or not at all. Raises BadInput where a piece is missing or broken."""
    listed = weights.read_json(folder / "pieces.json")
    whole = hashlib.sha256()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as target:
            for i in range(int(listed["pieces"])):
                block = (folder / f"piece-{i:03d}").read_bytes()
                whole.update(block)
                target.write(block)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{folder}: {error}") from None
    if whole.hexdigest() != listed.get("sha256"):
        raise BadInput(f"{folder}: the pieces are not those of {listed.get('name')}")
    partial.replace(file)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("what", choices=("split", "join"))
    p.add_argument("source", type=Path)
    p.add_argument("target", type=Path)
    args = p.parse_args()
    try:
        if args.what == "split":
            for piece in split(args.source, args.target):
                print(piece)
        else:
            join(args.source, args.target)
            print(args.target)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
