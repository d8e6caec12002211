# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
# CPU wheels of torch; another index serves a mirror or another kind of machine.
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
WORKDIR /build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install --no-cache-dir --retries 1 --extra-index-url "$TORCH_INDEX_URL" -r requirements.txt
COPY pyproject.toml README.md LICENSE WEIGHTS_LICENSE.txt ./
COPY src ./src
RUN pip install --no-cache-dir --no-deps . \
 && pip uninstall -y setuptools wheel pip

FROM python:3.11-slim
LABEL org.opencontainers.image.title="physiosynth" \
      org.opencontainers.image.description="Synthetic ECG, EDA and respiration, conditioned on an affective state" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin physiosynth
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY .streamlit ./.streamlit
COPY src/app.py ./src/app.py
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PORT=8501
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/_stcore/health', timeout=4)"]
# The shell hands its place to Streamlit, so that a stop signal reaches it.
CMD ["sh", "-c", "exec streamlit run src/app.py --server.port \"$PORT\" --server.address 0.0.0.0 --server.headless true"]
