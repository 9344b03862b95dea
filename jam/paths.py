"""Where files are: what the program ships, and what it keeps for the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from jam.errors import BadInput

SOUNDFONT_NAME = "FluidR3Mono_GM.sf3"
SOUNDFONT_VARIABLE = "JAM_SOUNDFONT"

# Where distributions put General MIDI SoundFonts; the best ones first.
_SYSTEM_SOUNDFONTS = (
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/default.sf2",
)


def assets_dir() -> Path:
    """The folder of the SoundFont and the demo tunes: of the checkout, or of the installation."""
    checkout = Path(__file__).resolve().parent.parent / "assets"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "jam"


def soundfont_path() -> Path:
    """The SoundFont to play with; where there is none at all, the path at which one should be.

    JAM_SOUNDFONT names one, then comes the one that is shipped, then those of the system.
    Raises BadInput when JAM_SOUNDFONT names no file.
    """
    if chosen := os.environ.get(SOUNDFONT_VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise BadInput(f"{SOUNDFONT_VARIABLE}={chosen}: no such file")
        return path
    shipped = assets_dir() / SOUNDFONT_NAME
    places = (shipped, *map(Path, _SYSTEM_SOUNDFONTS))
    return next((place for place in places if place.is_file()), shipped)


def demo_tunes() -> list[Path]:
    """The bundled tunes, in order of name; the first is the one that the demo plays."""
    return sorted((assets_dir() / "tunes").glob("*.mid"))


def data_dir() -> Path:
    """The user's folder for sessions and recordings, made where it doesn't exist."""
    return platformdirs.user_data_path("jam", appauthor=False, ensure_exists=True)


def config_dir() -> Path:
    """The user's folder for settings; whoever writes there makes it."""
    return platformdirs.user_config_path("jam", appauthor=False)


def recordings_dir() -> Path:
    """The folder of what the demo records, made where it doesn't exist."""
    folder = data_dir() / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def library_path() -> Path:
    """The file of the user's sessions. Its folder is made where it doesn't exist (OSError)."""
    return data_dir() / "sessions.sqlite3"
