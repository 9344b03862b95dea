#!/bin/sh
# Makes this checkout ready: system libraries, .venv, Python packages. Asks for nothing, says in
# one line what it installs, and does nothing where nothing is missing.
#
#   setup.sh run     what the program needs
#   setup.sh test    that, and what the tests, the benchmark and the training need
#
# PYTHON names the interpreter to use; python3 or the first other from 3.11 on is found otherwise.
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}
log=build/setup.log

fail() {
    echo "setup: $*" >&2
    exit 1
}

# --- Python
at_least() { # minor version of Python 3, interpreter
    "$2" -c "import sys; sys.exit(sys.version_info < (3, $1))" 2>/dev/null
}
if [ -n "${PYTHON:-}" ]; then
    at_least 11 "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer"
    python=$PYTHON
else
    python=
    for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
        if at_least 11 "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || fail "Python 3.11 or newer is needed," \
        "here is $(python3 -V 2>/dev/null || echo none); install one (apt-get install python3.11 python3.11-venv, say)," \
        "or name one: make jam PYTHON=/path/to/python3"
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# --- what is missing of Python: the stamp holds what was installed for
extra=
[ "$what" = test ] && extra='[test]'
wanted="$(pwd) $(cksum <pyproject.toml)"
stamped() {
    [ -f ".venv/.installed-$1" ] && [ "$(cat ".venv/.installed-$1")" = "$wanted" ]
}
packages=yes
if .venv/bin/python -c '' 2>/dev/null && { stamped test || stamped "$what"; }; then
    packages=
fi

# --- what is missing of the system: a library or program each, and the package that has it
missing= # without it there is no way
wished=  # without it something is missing, and the rest goes on
PATH=$PATH:/usr/sbin:/sbin
if [ "$(uname)" = Linux ] && command -v ldconfig >/dev/null; then
    libraries=$(ldconfig -p)
    need_library() { # soname, package
        case $libraries in
            *"$1"*) ;;
            *) wished="$wished $2" ;;
        esac
    }
    need_program() { # program, package
        command -v "$1" >/dev/null || missing="$missing $2"
    }
    need_header() { # file, package
        [ -e "$1" ] || missing="$missing $2"
    }
    need_library libfluidsynth.so. libfluidsynth3
    need_library libportaudio.so.2 libportaudio2
    # Qt's window on X11
    need_library libEGL.so.1 libegl1
    need_library libGL.so.1 libgl1
    need_library libfontconfig.so.1 libfontconfig1
    need_library libdbus-1.so.3 libdbus-1-3
    need_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    need_library libxcb-cursor.so.0 libxcb-cursor0
    need_library libxcb-icccm.so.4 libxcb-icccm4
    need_library libxcb-keysyms.so.1 libxcb-keysyms1
    need_library libxcb-shape.so.0 libxcb-shape0
    if [ -n "$packages" ] && at_least 13 "$python"; then
        # From Python 3.13 on, pip has to compile python-rtmidi.
        need_program c++ g++
        need_program pkg-config pkg-config
        need_header /usr/include/alsa/asoundlib.h libasound2-dev
        need_header /usr/include/jack/jack.h libjack-jackd2-dev
        need_header "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
            "python$version-dev"
    fi
    if [ "$what" = test ]; then
        need_program jackd jackd2
        need_program Xvfb xvfb
        need_program xauth xauth
        need_program faketime faketime
    fi
fi
if [ ! -x .venv/bin/pip ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    missing="$missing python$version-venv"
fi

as_root=
if [ -n "$missing$wished" ]; then
    why=
    if ! command -v apt-get >/dev/null; then
        why="these are missing (by their Debian names), please install them:"
    elif [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root="sudo -n"
        else
            why="not root and no sudo without a password; please run, then try again: sudo apt-get install"
        fi
    fi
    if [ -n "$why" ]; then
        [ -z "$missing" ] || fail "$why$missing$wished"
        # FluidSynth and SDL come with the Python packages; the window may do without the rest.
        echo "setup: going on without$wished (not root: sudo apt-get install$wished brings them)"
        wished=
    fi
    missing="$missing$wished"
fi

[ -n "$missing$packages" ] || exit 0

# --- install
summary=
[ -n "$missing" ] && summary="system packages$missing"
[ -n "$packages" ] && summary="${summary:+$summary; }Python packages of pyproject.toml into .venv"
echo "setup: installing $summary; this takes a minute or more (log: $log)"

mkdir -p build && : >"$log" || fail "can't write in $(pwd)"
newest_line() { # over and over on one line of the terminal, so that it is seen to go on
    while sleep 1; do
        printf '\r\033[K  %.70s' "$(tail -n 1 "$log" | tr -d '\r\t' | sed 's/^ *//')"
    done
}
logged() {
    shown=
    if [ -t 1 ]; then
        newest_line &
        shown=$!
    fi
    status=0
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    [ -z "$shown" ] || { kill "$shown"; printf '\r\033[K'; }
    [ "$status" = 0 ] || explain "$*"
}
explain() { # what helps, where the log tells it; else what failed, and the end of the log
    if grep -qE 'No space|Errno 28' "$log"; then # the log may be cut off
        fail "the disk is full; make room (about 1 GB) and try again (log: $log)"
    elif grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Could not resolve|Unable to fetch|from versions: none' "$log"; then
        fail "the network doesn't answer; try again when it does: what was fetched is kept" \
            "(log: $log)"
    fi
    tail -n 20 "$log" >&2
    fail "failed: $1 (all of it: $log)"
}
apt() {
    logged $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@"
}
if [ -n "$missing" ]; then
    apt update
    # shellcheck disable=SC2086  # a list of words
    apt install -y --no-install-recommends $missing
fi
if [ -n "$packages" ]; then
    # A half-made or moved environment is made anew; a whole one is kept.
    grep -qF "$(pwd)/.venv" .venv/bin/pip 2>/dev/null || rm -rf .venv
    [ -d .venv ] || logged "$python" -m venv .venv
    logged .venv/bin/python -m pip install --disable-pip-version-check -e ".$extra"
    echo "$wanted" >".venv/.installed-$what"
fi
