#!/usr/bin/env bash
# Prepare a machine that has little more than Python and make.
#
#   scripts/setup.sh venv          create .venv
#   scripts/setup.sh system gui    libraries that Qt needs to open a window
#   scripts/setup.sh system test   the same, and a virtual display to test it on
set -euo pipefail
cd "$(dirname "$0")/.."

GUI_PACKAGES=(
    libdbus-1-3 libegl1 libfontconfig1 libgl1 libgl1-mesa-dri libglib2.0-0
    libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0
    libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libxkbcommon-x11-0
)
TEST_PACKAGES=("${GUI_PACKAGES[@]}" xauth xvfb)

fail() {
    echo "setup: $*" >&2
    exit 1
}

# An installation that is only simulated needs no rights and knows renamed packages.
is_missing() {
    local plan
    plan=$(apt-get install --simulate --no-upgrade --no-install-recommends "$@" 2>/dev/null) ||
        return 0
    grep -q '^Inst' <<<"$plan"
}

apt_install() {
    is_missing "$@" || return 0
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null ||
            fail "system libraries are missing, run: sudo apt-get install $*"
        sudo=(sudo -n)
    fi
    echo "setup: installing system libraries"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --no-upgrade --no-install-recommends "$@" >/dev/null
}

install_system() {
    [ "$(uname)" = Linux ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "setup: not Debian or Ubuntu; should no window open, install Qt 6's libraries" >&2
        return 0
    fi
    case "$1" in
    gui) apt_install "${GUI_PACKAGES[@]}" ;;
    test) apt_install "${TEST_PACKAGES[@]}" ;;
    esac
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    fail "no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3"
}

create_venv() {
    .venv/bin/python -c '' 2>/dev/null && return 0
    local python
    python=$(find_python)
    # Debian ships Python without ensurepip, which venv needs.
    if ! "$python" -c 'import ensurepip' 2>/dev/null && command -v apt-get >/dev/null; then
        apt_install "$(basename "$python")-venv"
    fi
    "$python" -m venv --clear .venv || fail "$python -m venv .venv failed"
}

case "${1-} ${2-}" in
"venv ") create_venv ;;
"system gui" | "system test") install_system "$2" ;;
*) fail "usage: scripts/setup.sh venv | system gui | system test" ;;
esac
