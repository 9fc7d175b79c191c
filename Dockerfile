# The service in a small image: no root, no network needed once it runs.
#   docker build -t earwitness .
#   docker run --rm -p 127.0.0.1:8765:8765 -v earwitness:/data earwitness
# It prints the address with its token; give your own with -e EARWITNESS_TOKEN=…

FROM node:22-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts
COPY web ./
RUN npm run build

FROM python:3.12-slim AS wheel
WORKDIR /src
RUN pip install --no-cache-dir build
COPY . .
COPY --from=page /src/src/earwitness/web/static src/earwitness/web/static
RUN python -m build --wheel --outdir /wheels

FROM python:3.12-slim
ARG EXTRAS=web,atlas
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[${EXTRAS}]" && rm -r /wheels \
  && useradd --system --uid 10001 --home-dir /data ear && install -d -o ear -m 700 /data
USER ear
ENV HOME=/data XDG_CACHE_HOME=/data/cache OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["earwitness", "serve", "--no-open", "--host", "0.0.0.0", "--data", "/data/jobs"]
