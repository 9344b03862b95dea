"""What the documents promise is there: links, commands, options, make targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jam.cli.options import parser
from tools.house.__main__ import modules, said_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "models/weights", "assets/tunes")
    for path in (ROOT / folder).glob("*.md")
)


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https:"):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.is_file(), f"{target} is not there"
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target
    for name in re.findall(r"`((?:jam|models|ui|tools|tests|assets|docs)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), f"{name} is not there"
    for module in re.findall(r"python -m ([\w.]+)", text):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for script in re.findall(r"python (tools/\w+\.py)", text):
        assert (ROOT / script).exists(), script
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)|`make (\w+)", text, re.M):
        assert re.search(rf"^{''.join(target)}:", makefile, re.M), f"make {''.join(target)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_words_of_its_commands_are_understood(document: Path) -> None:
    """Every indented `jam …` of the documents, up to a comment or an ellipsis."""
    text = document.read_text(encoding="utf-8")
    for line in re.findall(r"^    jam (.+)$", text, re.M):
        words = re.split(r"\s+#|…", line)[0].split()
        parser().parse_args(words)


def test_every_file_has_its_line_in_the_map() -> None:
    """`python -m tools.house --map` writes it anew."""
    text = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    for path in modules(ROOT).values():
        said = said_of(path)
        assert said, f"{path}: says nothing of itself"
        assert said in text, f"{path}: its line is out of date (python -m tools.house --map)"
