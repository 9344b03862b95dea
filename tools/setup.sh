#!/bin/sh
# Makes this checkout ready: system libraries, .venv, Python packages. Asks for nothing, says in
# one line what it installs, and does nothing where nothing is missing.
#
#   setup.sh run     what the program needs
#   setup.sh test    that, and what the tests and the benchmark need
#
# PYTHON names the interpreter to use; the newest Python from 3.11 on is found otherwise.
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}
log=build/setup.log

fail() {
    echo "setup: $*" >&2
    exit 1
}

# --- Python
new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}
if [ -n "${PYTHON:-}" ]; then
    new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer"
    python=$PYTHON
else
    python=
    for candidate in python3 python3.11 python3.12 python3.13; do
        if new_enough "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || fail "Python 3.11 or newer is needed; PYTHON=/path/to/python3 names one"
fi

# --- what is missing of the system: a library or program each, and the package that has it
missing=
PATH=$PATH:/usr/sbin:/sbin
if [ "$(uname)" = Linux ] && command -v ldconfig >/dev/null; then
    libraries=$(ldconfig -p)
    need_library() { # soname, package
        case $libraries in
            *"$1"*) ;;
            *) missing="$missing $2" ;;
        esac
    }
    need_program() { # program, package
        command -v "$1" >/dev/null || missing="$missing $2"
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
    if [ "$what" = test ]; then
        need_program jackd jackd2
        need_program Xvfb xvfb
        need_program xauth xauth
    fi
fi
if [ ! -x .venv/bin/pip ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    missing="$missing python$version-venv"
fi

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

[ -n "$missing$packages" ] || exit 0

# --- install
as_root=
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null ||
        fail "these are missing (by their Debian names), please install them:$missing"
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root="sudo -n"
        else
            fail "not root and no sudo without a password; please run: apt-get install$missing"
        fi
    fi
fi
summary=
[ -n "$missing" ] && summary="system packages$missing"
[ -n "$packages" ] && summary="${summary:+$summary; }Python packages of pyproject.toml into .venv"
echo "setup: installing $summary (log: $log)"

mkdir -p build
: >"$log"
logged() {
    "$@" >>"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        fail "failed: $*"
    }
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
