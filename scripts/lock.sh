#!/usr/bin/env bash
# Write what the image installs: requirements.lock, each file by its SHA-256, and sbom.cdx.json, the same as a CycloneDX
# bill of materials. Run it after requirements.txt, requirements-torch.lock or the extras of pyproject.toml have changed.
# PyTorch stands apart, in requirements-torch.lock: its CPU build comes from an index of its own.
# Settings: PYTHON (python3; makes a temporary environment for uv and cyclonedx-bom), INDEX_URL (the installer's own index).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXTRAS=(--extra app --extra formats)  # of the image

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --quiet --quiet --disable-pip-version-check "uv>=0.9,<1" "cyclonedx-bom>=7,<8"

grep -oE '^torch==[^ ]+' requirements-torch.lock >"$work/torch.txt"
"$work/tools/bin/uv" pip compile --quiet --no-config --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
  --generate-hashes --no-annotate --no-header ${INDEX_URL:+--default-index "$INDEX_URL"} --no-emit-package torch \
  --constraint "$work/torch.txt" "${EXTRAS[@]}" pyproject.toml --output-file "$work/lock.txt"
# The general build of PyTorch brings libraries for graphics cards along, which the CPU build does without.
"$work/tools/bin/python" - "$work/lock.txt" >"$work/kept.txt" <<'PY'
import re, sys
entries = re.split(r"\n(?=\S)", open(sys.argv[1]).read().strip())
print("# Made by scripts/lock.sh from requirements.txt and the extras app and formats of pyproject.toml; do not edit. PyTorch is in requirements-torch.lock.")
print("\n".join(entry for entry in entries if not re.match(r"nvidia-|cuda-|triton", entry)))
PY
grep -ohE '^[a-z0-9][^ ;]*==[^ ;]+' "$work/kept.txt" requirements-torch.lock >"$work/all.txt"
"$work/tools/bin/cyclonedx-py" requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
  --of JSON -o "$work/sbom.cdx.json" "$work/all.txt" 2>/dev/null
# A package is identified by its purl; where it was found is nobody's business but the installer's.
"$work/tools/bin/python" - "$work/sbom.cdx.json" >"$work/sbom.json" <<'PY'
import json, sys

def without_places(part):
    if isinstance(part, dict):
        part.pop("externalReferences", None)
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        without_places(value)
    return part

print(json.dumps(without_places(json.load(open(sys.argv[1]))), indent=2, sort_keys=True))
PY
cp "$work/kept.txt" requirements.lock
cp "$work/sbom.json" sbom.cdx.json
echo "requirements.lock and sbom.cdx.json: $(grep -cE '^[a-z0-9]' requirements.lock) packages and PyTorch"
