# Two stages: what builds stays behind. The image holds the locked packages and the program.
# A tag can be moved to another image, a digest cannot (docs/deploying.md):
#   docker build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
COPY requirements-uv.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-uv.txt
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /srv/threadlink
COPY pyproject.toml uv.lock README.md LICENSE ./
# Traces, errors sent elsewhere, NATS: --build-arg EXTRAS='--extra otel --extra sentry --extra nats'
ARG EXTRAS=""
RUN uv sync --locked --no-default-groups --no-install-project $EXTRAS
COPY app app
COPY templates templates
COPY migrations migrations
COPY examples examples
RUN uv sync --locked --no-default-groups --no-editable $EXTRAS

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home /srv/threadlink --shell /usr/sbin/nologin threadlink \
    && install -d -o threadlink -g threadlink -m 0700 /srv/threadlink/instance
COPY --from=build --chown=root:root /srv/threadlink/.venv /srv/threadlink/.venv
ENV PATH=/srv/threadlink/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/threadlink
USER 10001
EXPOSE 8000
# Answers of /healthz say nothing but that the process lives; the balancer asks /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["threadlink", "serve", "--host", "0.0.0.0", "--port", "8000"]
