# The page with its embedded model, for a machine without a graphics card. scripts/image_test.sh builds and tries it.
ARG PYTHON_IMAGE=python:3.11-slim
# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS build
# Mirrors: each index may be another one that serves the same files; empty is pip's own, and the one that is named in
# requirements-torch.lock. TORCH_HASHES=off takes another build of PyTorch.
ARG PYPI_INDEX_URL=
ARG TORCH_INDEX_URL=
ARG TORCH_HASHES=on
ENV PATH=/opt/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements-torch.lock ./
# Without its needs, which stand in requirements.lock: the index of PyTorch is asked for PyTorch alone.
RUN index="${TORCH_INDEX_URL:-$(sed -n 's/^# Index: //p' requirements-torch.lock)}" \
 && if [ "$TORCH_HASHES" = on ]; \
    then pip install --no-deps --require-hashes --only-binary :all: --index-url "$index" -r requirements-torch.lock; \
    else pip install --no-deps --only-binary :all: --index-url "$index" "$(grep -oE '^torch==[^ ]+' requirements-torch.lock)"; fi
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes --only-binary :all: ${PYPI_INDEX_URL:+--index-url "$PYPI_INDEX_URL"} -r requirements.lock
COPY pyproject.toml requirements.txt README.md LICENSE WEIGHTS_LICENSE.txt ./
COPY src ./src
# Tests, headers, sources and build tools of the libraries, Arrow's clients of Flight and S3 servers and the notebook
# extension of pydeck are 400 MB that nothing here reads.
RUN pip install --no-deps --no-build-isolation . \
 && pip uninstall --yes pip \
 && find /opt/venv -type d \( -name tests -o -name include -o -path '*/torch/test' -o -path '*/pydeck/nbextension/static' \) \
      -prune -exec rm -rf {} + \
 && find /opt/venv -path '*/torch/bin/*' ! -name torch_shm_manager -delete \
 && find /opt/venv -path '*/pyarrow/*' \( -name 'libarrow_flight*' -o -name '_flight*' -o -name 'libarrow_s3*' -o -name '_s3fs*' \) \
      -delete \
 && find /opt/venv -type f \( -name '*.[ach]' -o -name '*.[ch]pp' -o -name '*.cu' -o -name '*.p[xy]x' -o -name '*.pxd' \) \
      -delete

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="physiosynth" \
      org.opencontainers.image.description="Synthetic ECG, EDA and respiration, conditioned on an affective state; not for clinical use" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# tini is process 1: it passes signals on from the first moment, when Python has no handler yet. Its version is not
# fixed, since Debian removes a version when it has a newer one.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* \
 && groupadd --gid 10001 physiosynth \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin physiosynth \
 && install -d -o 10001 -g 10001 /cache
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE WEIGHTS_LICENSE.txt requirements.lock requirements-torch.lock sbom.cdx.json ./
# What the Trust page says of the embedded model.
COPY docs/MODEL_CARD.md docs/DATA_CARD.md docs/EVALUATION.md ./docs/
COPY scripts/entrypoint.py ./scripts/
# What is written at all goes to /tmp and, for bundles from a URL, to /cache: the root may be read-only.
# Measured: large malloc thresholds spare page faults; passive waiting halves the harm of a busy second core.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    XDG_CACHE_HOME=/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=PASSIVE \
    GOMP_SPINCOUNT=0 \
    MALLOC_MMAP_THRESHOLD_=1073741824 \
    MALLOC_TRIM_THRESHOLD_=1073741824 \
    PHYSIOSYNTH_PATHS=off \
    PORT=8501
USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
  CMD ["python", "scripts/entrypoint.py", "--health"]
ENTRYPOINT ["tini", "--", "python", "scripts/entrypoint.py"]
