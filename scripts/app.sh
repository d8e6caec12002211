#!/usr/bin/env bash
# The dashboard on http://localhost:8501, everything it needs made on the first call. Ctrl-C ends it.
# Settings: PORT (8501), HOST (127.0.0.1; 0.0.0.0 lets other machines in), PYTHON, TORCH_INDEX_URL.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_setup.sh"
cd "$ROOT"

PORT="${PORT:-8501}"
HOST="${HOST:-127.0.0.1}"
[[ "$PORT" =~ ^[0-9]+$ ]] && [ "$PORT" -ge 1 ] && [ "$PORT" -le 65535 ] || die "PORT must be a number from 1 to 65535, found '$PORT'."

make_venv
"$VENV_PYTHON" - "$HOST" "$PORT" <<'PY' || die "Port $PORT on $HOST cannot be used: another program listens there (perhaps this page, already up), or it is not allowed. Take another: PORT=$((PORT + 1)) bash scripts/app.sh"
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family) as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((sys.argv[1], int(sys.argv[2])))
    except OSError:
        sys.exit(1)
PY

setup
set_threads
# Other machines may look at the page, but not choose among this one's folders unless that is asked for.
case "$HOST" in 127.* | localhost | ::1) ;; *) export PHYSIOSYNTH_PATHS="${PHYSIOSYNTH_PATHS:-off}" ;; esac
shown="$HOST"
case "$HOST" in 127.0.0.1 | 0.0.0.0) shown=localhost ;; esac
say "Starting the page: http://$shown:$PORT (Ctrl-C ends it)"
exec "$VENV_PYTHON" -m streamlit run src/app.py --server.port "$PORT" --server.address "$HOST" --server.headless true
