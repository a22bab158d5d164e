#!/bin/sh
# Makes the project's environment fit: finds a Python that works, then lets tools/setup.py do the rest.
# PYTHON names an interpreter, VENV the environment's folder (default .venv). Prints nothing when all is there.
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}

# 3.11 to 3.13 with the venv module. A pyenv shim for a version that is not active fails here and is passed over.
fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}
has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}
unfit() {
    echo "brokersync: $1" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || unfit "PYTHON=$PYTHON is not a working Python 3.11, 3.12 or 3.13: name another one."
    has_venv "$PYTHON" || unfit "$PYTHON has no venv module: install it (Debian: apt-get install python3-venv)."
    exec "$PYTHON" tools/setup.py "$VENV"
fi
if [ -x "$VENV/bin/python" ] && fits "$VENV/bin/python"; then
    exec "$VENV/bin/python" tools/setup.py "$VENV"
fi

without_venv=
for candidate in python3.13 python3.12 python3.11 python3 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[123].*/bin/python3 \
    "$HOME"/.local/share/uv/python/cpython-3.1[123].*/bin/python3; do
    command -v "$candidate" >/dev/null 2>&1 && fits "$candidate" || continue
    has_venv "$candidate" && exec "$candidate" tools/setup.py "$VENV"
    without_venv=$candidate
done
[ -z "$without_venv" ] ||
    unfit "$without_venv has no venv module: install it (Debian: apt-get install python3-venv), or name another Python by PYTHON=..."
unfit "no Python 3.11, 3.12 or 3.13 found: install one, or name it: make PYTHON=/path/to/python3.13 ..."
