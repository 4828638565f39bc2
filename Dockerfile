# One image for all roles: `docker run aryk ingest run --config ...`. The compose file names the role of each service.
ARG PYTHON=3.11.13-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md ./
RUN python -m venv /opt/aryk
COPY settings settings
COPY wire wire
COPY mqtt mqtt
COPY hydrology hydrology
COPY health health
COPY doctor doctor
COPY store store
COPY gateway gateway
COPY ingest ingest
COPY simulator simulator
COPY dashboards dashboards
COPY aryk aryk
COPY registry registry
RUN /opt/aryk/bin/pip install --no-cache-dir --disable-pip-version-check \
    --constraint constraints.txt '.[gateway,ingest,live,simulator]'

FROM python:${PYTHON}
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin aryk \
    # A named volume takes its owner from here.
    && install --directory --owner aryk --group aryk --mode 0750 /var/lib/aryk
COPY --from=build /opt/aryk /opt/aryk
ENV PATH=/opt/aryk/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ARYK_STATE=/var/lib/aryk
USER 10001:10001
WORKDIR /var/lib/aryk
ENTRYPOINT ["aryk"]
CMD ["--help"]
