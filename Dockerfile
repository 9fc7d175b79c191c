# The service in a small image: no root, no network needed once it runs.
#   docker build -t earwitness .
#   docker run --rm -p 127.0.0.1:8765:8765 -v earwitness:/data earwitness
# It prints the address with its token; give your own with -e EARWITNESS_TOKEN=…

FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.12-slim-bookworm AS wheel
WORKDIR /src
RUN pip install --no-cache-dir build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
COPY --from=page /src/src/earwitness/web/static src/earwitness/web/static
RUN python -m build --wheel --outdir /wheels

FROM python:3.12-slim-bookworm
ARG EXTRAS=web,atlas
COPY constraints.txt /
COPY --from=wheel /wheels /wheels
# rasterio's wheel leaves libexpat to the system, and this image has none.
RUN apt-get update && apt-get install --yes --no-install-recommends libexpat1 \
  && rm -rf /var/lib/apt/lists/* \
  && pip install --no-cache-dir -c /constraints.txt "$(echo /wheels/*.whl)[${EXTRAS}]" \
  && rm -r /wheels /constraints.txt \
  && useradd --system --uid 10001 --home-dir /data ear && install -d -o ear -m 700 /data
USER ear
WORKDIR /data
ENV HOME=/data XDG_CACHE_HOME=/data/cache OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["earwitness", "serve", "--no-open", "--host", "0.0.0.0", "--data", "/data/jobs"]
