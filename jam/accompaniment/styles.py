"""The styles there are: those that come with the program, and the user's own."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from jam.accompaniment.table import Style, read_style
from jam.errors import BadInput
from jam.paths import config_dir

DEFAULT_STYLE = "piano"
_SHIPPED = Path(__file__).resolve().parent / "library"


def styles_dir() -> Path:
    """The folder of the user's own styles; it need not exist."""
    return config_dir() / "styles"


def style_files() -> dict[str, Path]:
    """Name -> file of every style; a user's own takes the place of one of the same name."""
    found = {}
    for folder in (_SHIPPED, styles_dir()):
        if folder.is_dir():
            found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    order = [DEFAULT_STYLE, *sorted(set(found) - {DEFAULT_STYLE, "none"}), "none"]
    return {name: found[name] for name in order if name in found}


def style_named(name: str) -> Style:
    """Raises BadInput where there is no such style, or its file is broken."""
    files = style_files()
    if name not in files:
        raise BadInput(f"style {name!r}: must be one of {', '.join(files)}")
    return _read(files[name], files[name].stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int) -> Style:
    return read_style(path)


def playable_style(name: str) -> Style:
    """The style, or the default one where it can't be had: the music goes on."""
    try:
        return style_named(name)
    except BadInput as error:
        logging.getLogger(__name__).warning("%s", error)
        return style_named(DEFAULT_STYLE)


def all_styles() -> tuple[list[Style], list[str]]:
    """Every style that can be read, and a line for every file that can't."""
    styles, faults = [], []
    for name in style_files():
        try:
            styles.append(style_named(name))
        except BadInput as error:
            faults.append(str(error))
    return styles, faults
