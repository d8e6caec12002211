#!/usr/bin/env bash
# The dashboard on http://localhost:8501, everything it needs made on the first call. Ctrl-C ends it.
# Settings: PORT (8501), HOST (127.0.0.1; 0.0.0.0 lets other machines in), PYTHON, TORCH_INDEX_URL.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_setup.sh"
cd "$ROOT"

setup
exec "$VENV_PYTHON" -m physiosynth app "$@"
