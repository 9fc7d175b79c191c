// The picture, the clip or the ground from above, with what sounds in it.

import type { SceneView, Source } from "./api";
import { $, draw, mark } from "./dom";
import { azimuth, degrees, distance, positionAt, radians } from "./geometry";

let view: SceneView | null = null;
let address = "";
let moving = false;

/** Keep the clip that was dropped in, to be seen while its sound plays; it is shown from here, never sent back. */
export function holdFilm(file: File | null): void {
  if (address) URL.revokeObjectURL(address);
  address = file ? URL.createObjectURL(file) : "";
  moving = false;
  const film = $<HTMLVideoElement>("#film");
  film.hidden = true;
  if (address) film.src = address;
  else film.removeAttribute("src");
}

export function showPicture(next: SceneView, chosen: (id: string) => void): void {
  view = next;
  const framed = next.picture !== null && next.picture_url !== null;
  $("#picture-view").hidden = !framed;
  if (!framed || !next.picture || !next.picture_url) return;
  const image = $<HTMLImageElement>("#picture");
  if (!moving && !image.src.endsWith(next.picture_url)) image.src = next.picture_url;
  image.alt = next.words;
  const { width_px, height_px } = next.picture;
  image.width = Math.round(width_px); // known before it is loaded, so that nothing jumps
  image.height = Math.round(height_px);
  // A tall picture must not push all else out of sight.
  $("#picture-view").style.setProperty("--wide", `${Math.round(Math.max(240, 600 * (width_px / height_px)))}px`);
  const kind = next.scene.origin["kind"];
  $("#picture-caption").textContent =
    kind === "place"
      ? `The ground from above, north up. ${String(next.scene.origin["attribution"] ?? "")}`
      : kind === "clip"
        ? "The clip, with what sounds in it."
        : "The picture, with what sounds in it. Click a region to choose its source.";
  regions(chosen);
}

/** Let the clip, and the marks in it, be at a time of the scene; null stops it at the beginning. */
export function playFilm(seconds: number | null): void {
  const film = $<HTMLVideoElement>("#film");
  if (view?.scene.origin["kind"] !== "clip") return;
  if (film.error) {
    playAnimation(seconds);
    return;
  }
  if (film.readyState < 2) return;
  film.hidden = seconds === null;
  if (seconds === null) {
    film.pause();
    place(0);
    return;
  }
  if (film.paused) void film.play().catch(() => undefined);
  if (Math.abs(film.currentTime - seconds) > 0.15) film.currentTime = Math.min(seconds, film.duration || seconds);
  place(seconds);
}

/** An animated image plays where pictures are shown: from its beginning, once its source is set anew. */
function playAnimation(seconds: number | null): void {
  if (!address || !view?.picture_url) return;
  if (seconds === null) {
    if (moving) $<HTMLImageElement>("#picture").src = view.picture_url;
  } else if (!moving) {
    $<HTMLImageElement>("#picture").src = address;
  }
  moving = seconds !== null;
  place(seconds ?? 0);
}

export function markRegion(id: string): void {
  for (const shape of document.querySelectorAll<SVGElement>("#regions [data-id]")) {
    shape.classList.toggle("on", shape.dataset["id"] === id);
  }
}

/** Where in the picture a source is at a time, by the camera that the scene was seen with. */
function seenAt(source: Source, seconds: number): [number, number] | null {
  if (!view?.picture) return null;
  const { width_px, height_px } = view.picture;
  const row = positionAt(source, seconds);
  if (view.scene.origin["projection"] === "equirect") {
    const elevation = degrees(Math.asin(row[3] / Math.max(distance(row), 1e-6)));
    return [width_px * (0.5 - azimuth(row) / 360), height_px * (0.5 - elevation / 180)];
  }
  const fov = view.scene.origin["fov_deg"];
  if (typeof fov !== "number" || row[1] <= 0) return null;
  const focal = width_px / 2 / Math.tan(radians(fov / 2));
  return [width_px / 2 - (focal * row[2]) / row[1], height_px / 2 - (focal * row[3]) / row[1]];
}

function place(seconds: number): void {
  for (const source of view?.scene.sources ?? []) {
    const group = document.querySelector<SVGElement>(`#regions [data-id="${CSS.escape(source.id)}"]`);
    const at = seenAt(source, seconds);
    group?.setAttribute("visibility", at ? "visible" : "hidden");
    if (at) group?.setAttribute("transform", `translate(${at[0]} ${at[1]})`);
  }
}

function regions(chosen: (id: string) => void): void {
  const svg = $<SVGSVGElement>("#regions");
  svg.replaceChildren();
  if (!view?.picture) return;
  const { width_px, height_px } = view.picture;
  svg.setAttribute("viewBox", `0 0 ${width_px} ${height_px}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const r = 0.021 * Math.sqrt(width_px * height_px);
  const within = (v: number, most: number): number => Math.min(Math.max(v, 1.2 * r), most - 1.2 * r);
  const moving = view.scene.origin["kind"] === "clip"; // each region is of another moment then
  view.scene.sources.forEach((source, i) => {
    if (!source.region) return;
    const box = source.region.box_px;
    const outline: [number, number][] = source.region.polygon_px.length
      ? source.region.polygon_px
      : [[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]];
    const [x, y] = moving ? [0, 0] : [within(box[0] + r, width_px), within(box[1] + r, height_px)];
    const group = draw("g", { "data-id": source.id }, draw("title", {}, source.name));
    if (!moving) group.append(draw("polygon", { points: outline.map((p) => p.join(",")).join(" "), fill: mark(i), stroke: mark(i) }));
    group.append(
      draw("circle", { cx: x, cy: y, r: moving ? 1.3 * r : r, fill: mark(i) }),
      draw("text", { x, y: y + 0.38 * r, "font-size": 1.15 * r, "text-anchor": "middle" }, String(i + 1)),
    );
    group.addEventListener("click", () => {
      chosen(source.id);
      document.getElementById(`solo-${source.id}`)?.focus();
    });
    svg.append(group);
  });
  if (moving) place(0);
}
