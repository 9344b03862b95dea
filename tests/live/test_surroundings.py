"""The program where a user has it: folders with odd names, other languages, narrow terminals,
places that can't be written, output that nobody reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jam.cli.doctor import examine
from jam.cli.main import load_rules, main
from jam.files import demo_tunes
from jam.midi.file import read_midi

JAM = [sys.executable, "-m", "jam"]


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user whose files are all in this folder, without devices or screen."""
    left_out = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "DISPLAY", "WAYLAND_DISPLAY")
    ours = {name: value for name, value in os.environ.items() if name not in left_out}
    root = str(Path(__file__).parents[2])
    return ours | {
        "HOME": str(home),
        "PYTHONPATH": root,
        "JACK_DEFAULT_SERVER": "there is none",
        **more,
    }


def jam(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*JAM, *words],
        env=surroundings(home, **more),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        cwd=home if home.is_dir() else None,
    )


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8", "ja_JP.UTF-8"])
def test_folders_and_titles_of_any_language(language: str, tmp_path: Path) -> None:
    home = tmp_path / "Jürgen Müller"
    home.mkdir()
    tune = home / "春の海 ♯1.mid"
    tune.write_bytes(demo_tunes()[0].read_bytes())
    locale = {"LC_ALL": language, "LANG": language, "COLUMNS": "60"}
    imported = jam(home, "sessions", "import", tune.name, **locale)
    assert imported.returncode == 0 and "春の海 ♯1" in imported.stdout.decode(), imported.stderr
    written = jam(home, "sessions", "export", "last", "-o", "Größe.mid", **locale)
    assert (written.returncode, written.stderr) == (0, b"")
    assert read_midi(home / "Größe.mid").tempo_map == read_midi(tune).tempo_map


def test_a_terminal_that_lacks_a_letter_gets_another(tmp_path: Path) -> None:
    done = jam(tmp_path, "doctor", "--agent", "rules", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and b"? jam: " in done.stdout, done.stderr


def test_folders_that_cannot_be_made(tmp_path: Path) -> None:
    """Settings and sessions have no place: jam plays all the same, and says so in a line."""
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    assert jam(home, "styles").returncode == 0
    done = jam(home, "sessions", "list")
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1
    played = jam(home, "play", "--seconds", "0.5", "--agent", "rules", "--private")
    assert played.returncode == 0 and b"Traceback" not in played.stderr
    doctor = jam(home, "doctor", "--agent", "rules")
    assert doctor.returncode == 1 and "✗ sessions".encode() in doctor.stdout


def test_output_that_nobody_takes(tmp_path: Path) -> None:
    first_line = f"{sys.executable} -m jam styles | head -1"
    done = subprocess.run(
        ["sh", "-c", first_line], env=surroundings(tmp_path), capture_output=True, timeout=60
    )
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")
    with open("/dev/full", "wb") as full:
        failed = subprocess.run(
            [*JAM, "styles"],
            env=surroundings(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert failed.returncode == 1 and failed.stderr == b"jam: No space left on device\n"


def test_nothing_is_left_among_temporary_files_however_it_ends(tmp_path: Path) -> None:
    """And a folder of any length will do for them."""
    folder = tmp_path / ("ü" * 60) / ("ö" * 60)
    folder.mkdir(parents=True)
    playing = subprocess.Popen(
        [*JAM, "play", "--agent", "rules"],
        env=surroundings(tmp_path, TMPDIR=str(folder)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert playing.stdout is not None and playing.stdin is not None
    while not playing.stdout.readline().startswith("Type while it plays"):
        assert playing.poll() is None
    playing.send_signal(signal.SIGKILL)
    playing.wait(10)
    playing.stdin.close()
    playing.stdout.close()
    assert list(folder.iterdir()) == []


def test_the_doctor_has_a_remedy_for_all_that_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "file" / "home"))
    monkeypatch.setenv("JAM_SOUNDFONT", "/no/such.sf2")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there is none")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":there is none")
    findings = list(examine(lambda: (load_rules()[0], "No weights. Bring them back.")))
    unwell = {finding.what: finding for finding in findings if finding.level != "ok"}
    assert {"SoundFont synth", "agent", "window", "settings", "sessions"} <= set(unwell)
    assert all(finding.mend for finding in unwell.values())


@pytest.mark.parametrize("command", ["render", "harmonize"])
def test_a_melody_is_never_written_over(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = tmp_path / "tune.mid"
    tune.write_bytes(demo_tunes()[0].read_bytes())
    (tmp_path / "link.mid").symlink_to(tune)
    assert main([command, str(tune), "-o", str(tmp_path / "link.mid")]) == 2
    assert "the melody itself" in capsys.readouterr().err
    assert tune.read_bytes() == demo_tunes()[0].read_bytes()


def test_words_that_are_left_out_or_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions"]) == 0  # lists them
    assert main(["demo", "--no-window", "--seconds", "-5"]) == 2
    assert "--seconds -5: must be greater than 0" in capsys.readouterr().err
