"use strict";
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { rows, columns, bounds, bands, ramp, kinds } = data;
  const [west, south, east, north] = bounds;
  const at = (id) => document.getElementById(id);
  const MISSING = 65535, STEPS = 65534;

  const unpack = async (text) => {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  };
  const held = new Uint16Array(await unpack(data.values));
  const lines = new Int16Array(await unpack(data.coast));
  const cells = rows * columns;
  const raw = (band, cell) => held[band * cells + cell];
  const value = (band, cell) => {
    const q = raw(band, cell), b = bands[band];
    return q === MISSING ? NaN : b.least + (q / STEPS) * (b.most - b.least);
  };

  // What can be chosen: each query, and the leading one where there are several.
  const queries = [...new Set(bands.map((b) => b.query))];
  const hours = [...new Set(bands.map((b) => b.hour))];
  const chosen = { query: 0, hour: 0, cell: -1 };
  queries.forEach((q, k) => at("query").add(new Option(q, k)));
  if (queries.length > 1) at("query").add(new Option("which leads", queries.length));
  if (data.leading) { at("query").value = queries.length; chosen.query = queries.length; }
  const bandOf = (query, hour) => bands.findIndex((b) => b.query === queries[query] && b.hour === hours[hour]);
  const leads = () => chosen.query === queries.length;
  const leader = (cell) => {
    let best = -1, most = -Infinity;
    queries.forEach((_, k) => {
      const v = value(bandOf(k, chosen.hour), cell);
      if (v > most) { most = v; best = k; }
    });
    return best;
  };

  // The cells as a small picture, drawn large.
  const picture = document.createElement("canvas");
  picture.width = columns; picture.height = rows;
  const paint = () => {
    const image = new ImageData(columns, rows), out = image.data;
    const band = leads() ? -1 : bandOf(chosen.query, chosen.hour), b = bands[band];
    for (let cell = 0; cell < cells; cell++) {
      let colour = null;
      if (leads()) {
        const k = leader(cell);
        if (k >= 0) colour = kinds[k];
      } else {
        const v = value(band, cell);
        if (!Number.isNaN(v)) {
          const share = Math.min(1, Math.max(0, (v - b.low) / (b.high - b.low)));
          colour = ramp[Math.round(share * 255)];
        }
      }
      if (colour) { out.set(colour, 4 * cell); out[4 * cell + 3] = 255; }
    }
    picture.getContext("2d").putImageData(image, 0, 0);
    at("scale").style.visibility = leads() ? "hidden" : "visible";
    if (b) { at("low").textContent = b.low.toFixed(2); at("high").textContent = b.high.toFixed(2); }
  };

  // View: degrees to pixels. One degree of longitude is narrower away from the equator.
  const map = at("map"), pen = map.getContext("2d");
  const squeeze = Math.max(0.2, Math.cos(((south + north) / 2) * Math.PI / 180));
  const view = { scale: 1, x: 0, y: 0 };
  const fit = () => {
    const w = map.width, h = map.height;
    view.scale = Math.min(w / ((east - west) * squeeze), h / (north - south));
    view.x = (w - (east - west) * squeeze * view.scale) / 2;
    view.y = (h - (north - south) * view.scale) / 2;
  };
  const toX = (lon) => view.x + (lon - west) * squeeze * view.scale;
  const toY = (lat) => view.y + (north - lat) * view.scale;
  const draw = () => {
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, map.width, map.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(picture, toX(west), toY(north), toX(east) - toX(west), toY(south) - toY(north));
    pen.beginPath();
    for (let i = 0; i < lines.length;) {
      const n = lines[i++];
      for (let k = 0; k < n; k++, i += 2) {
        const x = toX(west + (lines[i] / 32000) * (east - west));
        const y = toY(south + (lines[i + 1] / 32000) * (north - south));
        if (k) pen.lineTo(x, y); else pen.moveTo(x, y);
      }
    }
    pen.lineJoin = "round";
    pen.lineWidth = 2.5 * devicePixelRatio; pen.strokeStyle = "rgba(8,10,14,.75)"; pen.stroke();
    pen.lineWidth = devicePixelRatio; pen.strokeStyle = "#eceff4"; pen.stroke();
    if (chosen.cell >= 0) {
      const r = Math.floor(chosen.cell / columns), c = chosen.cell % columns;
      const x = toX(west + (c / columns) * (east - west)), y = toY(north - (r / rows) * (north - south));
      const w = ((east - west) / columns) * squeeze * view.scale, h = ((north - south) / rows) * view.scale;
      pen.lineWidth = 2 * devicePixelRatio; pen.strokeStyle = "#f0b428";
      pen.strokeRect(x - 2, y - 2, w + 4, h + 4);
    }
  };

  const degrees = (v, pos, neg) => `${Math.abs(v).toFixed(data.digits)}° ${v >= 0 ? pos : neg}`;
  const read = () => {
    const cell = chosen.cell;
    list(cell);
    if (cell < 0) return;
    const lat = north - ((Math.floor(cell / columns) + 0.5) / rows) * (north - south);
    let lon = west + ((cell % columns + 0.5) / columns) * (east - west);
    if (lon > 180) lon -= 360;
    at("place").textContent = `${degrees(lat, "N", "S")}, ${degrees(lon, "E", "W")}`;
    const k = leads() ? leader(cell) : chosen.query;
    const band = k < 0 ? -1 : bandOf(k, chosen.hour), v = band < 0 ? NaN : value(band, cell);
    at("value").textContent = Number.isNaN(v) ? "no imagery here" : (leads() ? `${queries[k]} ` : "") + v.toFixed(3);
    if (Number.isNaN(v)) at("share").textContent = "";
    else {
      let below = 0, there = 0, q = raw(band, cell);
      for (let c = 0; c < cells; c++) { const o = raw(band, c); if (o !== MISSING) { there++; if (o < q) below++; } }
      at("share").textContent = `${data.unit}; higher than in ${Math.floor((100 * below) / there)} % of the map`;
    }
  };
  const list = (cell) => {
    if (queries.length < 2) return;
    at("all").replaceChildren(...queries.map((query, j) => {
      const b = bandOf(j, chosen.hour), u = cell < 0 ? NaN : value(b, cell), li = document.createElement("li");
      const number = document.createElement("span"), bar = document.createElement("i");
      number.textContent = Number.isNaN(u) ? "" : u.toFixed(3);
      const share = Number.isNaN(u) ? 0.06 : (u - bands[b].low) / (bands[b].high - bands[b].low);
      bar.style.width = `${100 * Math.min(1, Math.max(0.06, share))}%`;
      if (leads()) bar.style.background = `rgb(${kinds[j].join()})`;
      li.append(number, query, bar);
      return li;
    }));
  };
  const show = () => {
    if (hours.length > 1) at("clock").textContent = data.hours[chosen.hour];
    paint(); draw(); read();
  };

  const cellAt = (event) => {
    const box = map.getBoundingClientRect(), ratio = map.width / box.width;
    const x = (event.clientX - box.left) * ratio, y = (event.clientY - box.top) * ratio;
    const c = Math.floor(((x - view.x) / (squeeze * view.scale)) * columns / (east - west));
    const r = Math.floor(((y - view.y) / view.scale) * rows / (north - south));
    return c >= 0 && c < columns && r >= 0 && r < rows ? r * columns + c : -1;
  };
  const pick = (cell) => { if (cell >= 0) { chosen.cell = cell; draw(); read(); } };
  const zoom = (by, x, y) => {
    view.x = x - (x - view.x) * by; view.y = y - (y - view.y) * by; view.scale *= by; draw();
  };
  let drag = null;
  map.addEventListener("pointerdown", (e) => { drag = { x: e.clientX, y: e.clientY, far: false }; map.setPointerCapture(e.pointerId); });
  map.addEventListener("pointermove", (e) => {
    if (!drag) return;
    const ratio = map.width / map.getBoundingClientRect().width;
    const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
    if (!drag.far && Math.hypot(dx, dy) < 5) return;
    drag = { x: e.clientX, y: e.clientY, far: true };
    view.x += dx * ratio; view.y += dy * ratio; draw();
  });
  map.addEventListener("pointerup", (e) => { if (drag && !drag.far) pick(cellAt(e)); drag = null; });
  map.addEventListener("pointercancel", () => { drag = null; });
  map.addEventListener("wheel", (e) => {
    e.preventDefault();
    const box = map.getBoundingClientRect(), ratio = map.width / box.width;
    zoom(Math.exp(-e.deltaY / 400), (e.clientX - box.left) * ratio, (e.clientY - box.top) * ratio);
  }, { passive: false });
  map.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
    if (step) {
      e.preventDefault();
      const cell = chosen.cell < 0 ? Math.floor(rows / 2) * columns + Math.floor(columns / 2) : chosen.cell;
      const r = Math.floor(cell / columns) + step[0], c = (cell % columns) + step[1];
      if (r >= 0 && r < rows && c >= 0 && c < columns) pick(r * columns + c);
    } else if (e.key === "+" || e.key === "=") zoom(1.4, map.width / 2, map.height / 2);
    else if (e.key === "-") zoom(1 / 1.4, map.width / 2, map.height / 2);
  });
  at("query").addEventListener("change", (e) => { chosen.query = Number(e.target.value); show(); });
  at("whole").addEventListener("click", () => { fit(); draw(); });
  if (hours.length > 1) {
    at("hours").hidden = false; at("hour").max = hours.length - 1; at("hour").value = 0;
    at("hour").addEventListener("input", (e) => { chosen.hour = Number(e.target.value); show(); });
    let timer = 0;
    at("play").addEventListener("click", () => {
      if (timer) { clearInterval(timer); timer = 0; } else timer = setInterval(() => {
        chosen.hour = (chosen.hour + 1) % hours.length; at("hour").value = chosen.hour; show();
      }, 400);
      at("play").setAttribute("aria-pressed", String(Boolean(timer)));
      at("play").textContent = timer ? "stop" : "play";
    });
  }
  for (const note of data.notes) { const p = document.createElement("p"); p.textContent = note; at("notes").append(p); }
  const bar = at("bar").getContext("2d"), strip = new ImageData(256, 1);
  ramp.forEach((c, k) => { strip.data.set(c, 4 * k); strip.data[4 * k + 3] = 255; });
  bar.putImageData(strip, 0, 0);
  const size = () => {
    const box = map.getBoundingClientRect();
    map.width = Math.max(1, Math.round(box.width * devicePixelRatio));
    map.height = Math.max(1, Math.round(box.height * devicePixelRatio));
    fit(); draw();
  };
  addEventListener("resize", size);
  size(); show();
  document.documentElement.dataset.ready = "yes";
})();
