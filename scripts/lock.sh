#!/usr/bin/env bash
# Write what the image installs: requirements.lock, each file by its SHA-256, and sbom.cdx.json, the same as a CycloneDX
# bill of materials. Run it after requirements.txt, requirements-torch.lock or the formats of pyproject.toml have changed.
# PyTorch stands apart, in requirements-torch.lock: its CPU build is not on PyPI and comes from an index of its own.
# Settings: PYTHON (python3; makes a temporary environment for uv and cyclonedx-bom), INDEX_URL (PyPI).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
INDEX_URL="${INDEX_URL:-https://pypi.org/simple}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --quiet --quiet --disable-pip-version-check "uv>=0.9,<1" "cyclonedx-bom>=7,<8"

grep -oE '^torch==[^ ]+' requirements-torch.lock >"$work/torch.txt"
grep '^formats = ' pyproject.toml | grep -oE '"[^"]+"' | tr -d '"' >"$work/formats.txt"
"$work/tools/bin/uv" pip compile --quiet --no-config --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
  --generate-hashes --no-annotate --no-header --default-index "$INDEX_URL" --no-emit-package torch \
  --constraint "$work/torch.txt" requirements.txt "$work/formats.txt" --output-file "$work/lock.txt"
# The general build of PyTorch brings libraries for graphics cards along, which the CPU build does without.
"$work/tools/bin/python" - "$work/lock.txt" >"$work/kept.txt" <<'PY'
import re, sys
entries = re.split(r"\n(?=\S)", open(sys.argv[1]).read().strip())
print("# Made by scripts/lock.sh from requirements.txt and the formats of pyproject.toml; do not edit. PyTorch is in requirements-torch.lock.")
print("\n".join(entry for entry in entries if not re.match(r"nvidia-|cuda-|triton", entry)))
PY
grep -ohE '^[a-z0-9][^ ;]*==[^ ;]+' "$work/kept.txt" requirements-torch.lock >"$work/all.txt"
"$work/tools/bin/cyclonedx-py" requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
  --of JSON -o "$work/sbom.cdx.json" "$work/all.txt" 2>/dev/null
cp "$work/kept.txt" requirements.lock
cp "$work/sbom.cdx.json" sbom.cdx.json
echo "requirements.lock and sbom.cdx.json: $(grep -cE '^[a-z0-9]' requirements.lock) packages and PyTorch"
