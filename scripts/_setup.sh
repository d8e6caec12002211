# Sourced by app.sh and test.sh: a Python environment in .venv that holds what the project needs, made once.
# Settings: PYTHON (the interpreter to make it with), TORCH_INDEX_URL (where PyTorch's CPU build is looked for).

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
VENV_PYTHON="$VENV/bin/python"
TORCH_INDEX_URL="${TORCH_INDEX_URL:-$(sed -n 's/^# Index: //p' "$ROOT/requirements-torch.lock")}"

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

suitable() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    suitable "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.10, 3.11 or 3.12. Name one of those, or leave PYTHON unset."
    printf '%s' "$PYTHON"
    return
  fi
  local candidate
  for candidate in python3.12 python3.11 python3.10 python3 python; do
    if command -v "$candidate" >/dev/null 2>&1 && suitable "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
  die "This needs Python 3.10, 3.11 or 3.12; found $(python3 --version 2>/dev/null || echo 'no python3 at all')." \
    "Install one of them (Debian, Ubuntu: apt-get install python3 python3-venv; elsewhere: https://www.python.org/downloads)" \
    "or name it: PYTHON=/path/to/python3.11 bash $0"
}

make_venv() {
  if [ -x "$VENV_PYTHON" ] && suitable "$VENV_PYTHON" && "$VENV_PYTHON" -c 'import pip' 2>/dev/null; then
    return
  fi
  local python
  python="$(find_python)" || exit 1
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$("$python" --version) cannot make environments: its venv module is missing. On Debian or Ubuntu install it with:" \
      "apt-get install python3-venv"
  say "Making a Python environment in .venv with $("$python" --version) ..."
  rm -rf "$VENV"
  "$python" -m venv "$VENV" || die ".venv could not be made. Check that $ROOT is writable and its disk is not full."
}

# What the environment was made from: it is made again when the requirements or the place of the project change.
wanted_stamp() {
  cat "$ROOT/requirements.txt" "$ROOT/pyproject.toml" - <<<"$ROOT" |
    "$VENV_PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

requirement() { grep -E "^$1[<>=]" "$ROOT/requirements.txt"; }

pip_install() {
  "$VENV_PYTHON" -m pip install --disable-pip-version-check --retries 1 --timeout 15 "$@" >"$VENV/pip.log" 2>&1 && return
  grep -v -e '^WARNING' -e '^Collecting' -e 'Downloading' "$VENV/pip.log" | tail -n 15 >&2
  die "Installing failed: the end of pip's report stands above, all of it in .venv/pip.log. Check the network and the disk" \
    "space, then start this again: it goes on from what is there."
}

# Alone and without its needs, which come with the rest: an index that cannot be reached costs one attempt.
install_torch() {
  say "Installing PyTorch for the CPU (about 200 MB; this takes a few minutes the first time) ..."
  pip_install --no-deps "$(requirement torch)" --extra-index-url "$TORCH_INDEX_URL"
  case "$(uname -s) $("$VENV_PYTHON" -c 'from importlib.metadata import version; print(version("torch"))')" in
    "Linux "*+cpu | Darwin*) ;;
    *) say "The CPU build was not to be had from $TORCH_INDEX_URL. The general one is used: it works, but is large." ;;
  esac
}

# setup [extra]: environment and packages, those of the page and all file formats included; extra: a further set of pyproject.toml.
setup() {
  local extra="${1:-}" stamp wanted
  make_venv
  wanted="$(wanted_stamp)"
  stamp="$VENV/.made-for${extra:+-$extra}"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  install_torch
  say "Installing the other packages ..."
  pip_install --editable "$ROOT[app,formats${extra:+,$extra}]"
  printf '%s\n' "$wanted" | tee "$VENV/.made-for" >"$stamp"
  say "Installed."
}

# Measured: large malloc thresholds spare page faults; passive waiting halves the harm of a busy second core.
set_threads() {
  export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$("$VENV_PYTHON" -c 'from physiosynth.runtime import available_cores; print(available_cores())')}"
  export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}" GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-0}"
  export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-1073741824}" MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-1073741824}"
}
