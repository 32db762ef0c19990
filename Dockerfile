# syntax=docker/dockerfile:1
# Two stages: the first builds a virtual environment, the second is that environment and nothing else.

FROM python:3.11-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The locks come before the sources: a change of code alone leaves these layers as they were.
COPY requirements.lock .ci/build.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --no-deps --require-hashes -r build.lock \
    && python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml LICENSE README.md ./
COPY schema schema
COPY gateway gateway
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir wheel . \
    && python -m pip --python /opt/venv/bin/python install --no-deps --no-index wheel/*.whl \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

FROM python:3.11-slim-bookworm
# A user without a name, a home or a right to write into the environment; the file system may be mounted read-only.
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GES_GATEWAY_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["ges-gateway", "health"]
ENTRYPOINT ["ges-gateway"]
CMD ["serve"]
