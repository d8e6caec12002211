#!/usr/bin/env bash
# The tests, everything they need made on the first call. Arguments go to pytest: bash scripts/test.sh -m slow
# They run in as many processes as there are cores, a file of tests in one of them; -n 0 runs them in this one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_setup.sh"
cd "$ROOT"

# The browser test wants a Chromium; where none can be had it is skipped and says so.
find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" 2>/dev/null && return
  done
  return 1
}

ensure_chromium() {
  if [ -n "${PHYSIOSYNTH_CHROMIUM:-}" ] || PHYSIOSYNTH_CHROMIUM="$(find_chromium)"; then
    export PHYSIOSYNTH_CHROMIUM
    return
  fi
  # Ubuntu's package of that name is a snap and does not run in containers.
  if [ "$(id -u)" = 0 ] && grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
    say "Installing Chromium for the browser test (apt-get) ..."
    if apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; then
      PHYSIOSYNTH_CHROMIUM="$(find_chromium)" && export PHYSIOSYNTH_CHROMIUM && return
    fi
  fi
  say "Installing Chromium for the browser test (playwright) ..."
  local options=()
  [ "$(id -u)" = 0 ] && options=(--with-deps)
  "$VENV_PYTHON" -m playwright install ${options[@]+"${options[@]}"} chromium >&2 ||
    say "No Chromium could be installed: the browser test will be skipped."
}

setup test
CORES="$("$VENV_PYTHON" -c 'from physiosynth.runtime import available_cores; print(available_cores())')"
# The networks of the tests are so small that a second thread takes twice the time that it saves (measured).
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
set_threads
ensure_chromium
exec "$VENV_PYTHON" -m pytest -m "not slow" -n "$CORES" --dist loadfile --no-loadscope-reorder "$@"
