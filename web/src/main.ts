// The page: what was asked, how far it is, what is heard, and every edit of it.

import { ask, follow, post, send, Refused, type About, type Job, type MapView, type Part, type Scene, type SceneView, type Source } from "./api";
import { energies, Mixer, reference, type Heard } from "./audio";
import { $, draw, make, mark } from "./dom";
import { radians, wrap, type Listener } from "./geometry";
import { Plan } from "./plan";
import { SourceList } from "./sources";
import type { World } from "./world";

const STAGES = ["seen", "named", "placed", "voiced", "rendered"] as const;
const WALK_M = 1;

const about = await ask<About>("/api/about");

let job: string | null = null;
let view: SceneView | null = null;
let referenceDb = 60;
let buffers = new Map<string, AudioBuffer>();
let addresses: Record<string, string> = {};
let listener: Listener = { x: 0, y: 0, yaw: 0 };
let past: Scene[] = [];
let future: Scene[] = [];
let context: AudioContext | null = null;
let mixer: Mixer | null = null;
let running: string | null = null;
let editing: Promise<void> = Promise.resolve();

// ---- What is told ----

function say(words: string): void {
  $("#status").textContent = words;
}

function fail(error: unknown): void {
  const box = $("#error");
  box.textContent = error instanceof Refused ? error.message : `this page has a defect: ${String(error)}`;
  box.hidden = false;
  $("#progress").hidden = true;
}

function clearError(): void {
  $("#error").hidden = true;
  $("#error").textContent = "";
}

function stages(done: number): void {
  $("#stages").replaceChildren(
    ...STAGES.map((name, i) =>
      make("li", { "data-state": i < done ? "done" : i === done ? "now" : "later", "aria-current": i === done ? "step" : undefined }, name),
    ),
  );
}

function stageOf(now: Job): number {
  if (now.state === "done") return 4;
  return now.seen ? 3 : 0;
}

// ---- Sound ----

function heard(): Heard | null {
  if (!view) return null;
  return { scene: view.scene, buffers, silent: list.silent(view.scene), listener };
}

async function decode(url: string): Promise<AudioBuffer> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Refused(`a sound could not be fetched (${answer.status})`);
  const offline = new OfflineAudioContext(1, 1, 48000);
  return offline.decodeAudioData(await answer.arrayBuffer());
}

/** Fetch the stems that are new; only those. */
async function fetchStems(next: SceneView): Promise<void> {
  const wanted = Object.entries(next.stems).filter(([id, url]) => addresses[id] !== url || !buffers.has(id));
  const made = await Promise.all(wanted.map(async ([id, url]) => [id, await decode(url)] as const));
  buffers = new Map([...buffers].filter(([id]) => id in next.stems));
  for (const [id, buffer] of made) buffers.set(id, buffer);
  addresses = { ...next.stems };
  if (made.length && mixer) restart();
}

function restart(): void {
  const offset = mixer?.offset ?? 0;
  mixer?.stop();
  mixer = null;
  const now = heard();
  if (!context || !now) return;
  mixer = new Mixer(context, now, referenceDb);
  mixer.start(offset);
}

function stop(): void {
  mixer?.stop();
  mixer = null;
  $("#play").textContent = "Play";
}

$("#play").addEventListener("click", () => {
  if (mixer) {
    stop();
    return;
  }
  context ??= new AudioContext({ latencyHint: "interactive", sampleRate: 48000 });
  void context.resume();
  restart();
  $("#play").textContent = "Stop";
});

// ---- The scene ----

const plan = new Plan($<SVGSVGElement>("#plan"), {
  moving(source) {
    const now = heard();
    if (now && mixer) mixer.apply({ ...now, scene: withPart(now.scene, source) });
  },
  moved: (source) => edit((scene) => withPart(scene, source), `${source.name} moved.`),
  turned: (by) => turn(listener.yaw + by),
  chosen,
});

const list = new SourceList($<HTMLUListElement>("#sources"), {
  edited: (part) => edit((scene) => withPart(scene, part), `${part.name} changed.`),
  silenced() {
    const now = heard();
    if (now) mixer?.apply(now);
    if (view) plan.show(view.scene, listener, list.silent(view.scene));
  },
  removed: (id) =>
    edit(
      (scene) => ({ ...scene, sources: scene.sources.filter((s) => s.id !== id), bed: scene.bed.filter((b) => b.id !== id) }),
      "Removed.",
    ),
  chosen,
});

function chosen(id: string): void {
  plan.mark(id);
  list.mark(id);
  for (const shape of document.querySelectorAll<SVGElement>("#regions polygon")) {
    shape.classList.toggle("on", shape.dataset["id"] === id);
  }
}

function withPart(scene: Scene, part: Part | Source): Scene {
  const swap = <T extends Part>(all: T[]): T[] => all.map((one) => (one.id === part.id ? (part as T) : one));
  return { ...scene, sources: swap(scene.sources), bed: swap(scene.bed) };
}

function show(next: SceneView): void {
  view = next;
  $("#scene").hidden = false;
  $("#scene-words").textContent = next.words;
  const framed = next.picture !== null && next.picture_url !== null;
  $("#picture-view").hidden = !framed;
  $(".views").classList.toggle("alone", !framed);
  if (framed && next.picture && next.picture_url) {
    const image = $<HTMLImageElement>("#picture");
    if (!image.src.endsWith(next.picture_url)) image.src = next.picture_url;
    image.alt = next.words;
    // A tall picture must not push all else out of sight.
    const ratio = next.picture.width_px / next.picture.height_px;
    $(".frame").style.maxWidth = `${Math.round(Math.max(280, 560 * ratio))}px`;
    const place = next.scene.origin["kind"] === "place";
    $("#picture-caption").textContent = place
      ? `The ground from above, north up. ${String(next.scene.origin["attribution"] ?? "")}`
      : "The picture, with what sounds in it.";
    regions(next);
  }
  plan.show(next.scene, listener, list.silent(next.scene));
  list.show(next.scene, next.phrases);
  $<HTMLButtonElement>("#play").disabled = !next.voiced;
  $<HTMLButtonElement>("#download").disabled = !next.voiced;
  undoButtons();
}

function regions(next: SceneView): void {
  const svg = $<SVGSVGElement>("#regions");
  svg.replaceChildren();
  if (!next.picture) return;
  svg.setAttribute("viewBox", `0 0 ${next.picture.width_px} ${next.picture.height_px}`);
  svg.setAttribute("preserveAspectRatio", "none");
  next.scene.sources.forEach((source, i) => {
    if (!source.region) return;
    const [x0, y0, x1, y1] = source.region.box_px;
    const points = source.region.polygon_px.length ? source.region.polygon_px : [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    const shape = draw("polygon", { points: points.map((p) => p.join(",")).join(" "), fill: mark(i), stroke: mark(i), "data-id": source.id }, draw("title", {}, source.name));
    shape.addEventListener("click", () => {
      chosen(source.id);
      document.getElementById(`solo-${source.id}`)?.focus();
    });
    svg.append(shape);
  });
}

function undoButtons(): void {
  $<HTMLButtonElement>("#undo").disabled = past.length === 0;
  $<HTMLButtonElement>("#redo").disabled = future.length === 0;
}

/** Every edit is the scene's scene.json; what was before is kept for undo. */
function edit(change: (scene: Scene) => Scene, told: string): void {
  enqueue(async () => {
    if (!view) return;
    const before = view.scene;
    await put(change(before), told);
    past.push(before);
    future = [];
    undoButtons();
  });
}

function enqueue(task: () => Promise<void>): void {
  editing = editing.then(task).catch((error: unknown) => {
    fail(error);
    if (view) show(view); // as it was: a refused edit changes nothing
  });
}

async function put(scene: Scene, told: string): Promise<void> {
  if (!job) return;
  const here = job;
  clearError();
  const answer = await ask<{ view: SceneView; voicing: Job | null }>(`/api/jobs/${here}/scene`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(scene),
  });
  show(answer.view);
  const now = heard();
  if (now) mixer?.apply(now);
  if (answer.voicing) {
    say(`Voicing ${answer.voicing.name} …`);
    const over = await follow(answer.voicing.id, (now) => say(`${now.stage} …`));
    if (over.state !== "done") throw new Refused(over.message || "the new sound could not be made");
  }
  if (job !== here) return;
  if (answer.voicing) show(await ask<SceneView>(`/api/jobs/${here}/scene`));
  if (view) await fetchStems(view);
  say(told);
}

function step(from: Scene[], to: Scene[], told: string): void {
  enqueue(async () => {
    const next = from.pop();
    if (!next || !view) return;
    const before = view.scene;
    await put(next, told);
    to.push(before);
    undoButtons();
  });
}
$("#undo").addEventListener("click", () => step(past, future, "Undone."));
$("#redo").addEventListener("click", () => step(future, past, "Done again."));
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  if (event.target instanceof HTMLInputElement && event.target.type === "text") return;
  event.preventDefault();
  if (event.shiftKey) $("#redo").click();
  else $("#undo").click();
});

// ---- The head ----

function place(next: Listener): void {
  listener = next;
  mixer?.place(listener);
  plan.turn(listener);
  $<HTMLInputElement>("#yaw").value = String(Math.round(listener.yaw));
  $("#yaw-shown").textContent = `${Math.round(listener.yaw)}°`;
  const away = Math.hypot(listener.x, listener.y);
  $("#stand").textContent = away ? `${listener.x.toFixed(1)} m ahead, ${listener.y.toFixed(1)} m left of the start` : "";
}

const turn = (yaw: number): void => place({ ...listener, yaw: wrap(yaw) });

function walk(forward: number, left: number): void {
  const [c, s] = [Math.cos(radians(listener.yaw)), Math.sin(radians(listener.yaw))];
  const stride = view?.scene.origin["kind"] === "place" ? 5 * WALK_M : WALK_M;
  place({
    ...listener,
    x: listener.x + stride * (forward * c - left * s),
    y: listener.y + stride * (forward * s + left * c),
  });
}

$<HTMLInputElement>("#yaw").addEventListener("input", (event) => turn(Number((event.target as HTMLInputElement).value)));
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-walk]")) {
  button.addEventListener("click", () => {
    const [forward, left] = (button.dataset["walk"] ?? "0,0").split(",").map(Number);
    walk(forward ?? 0, left ?? 0);
  });
}
$("#walk").addEventListener("keydown", (event) => {
  const ways: Record<string, [number, number]> = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, 1], ArrowRight: [0, -1] };
  const way = ways[event.key];
  if (!way) return;
  event.preventDefault();
  walk(...way);
});
$("#home").addEventListener("click", () => place({ x: 0, y: 0, yaw: 0 }));

interface Askable {
  requestPermission?: () => Promise<string>;
}
if ("DeviceOrientationEvent" in window && matchMedia("(pointer: coarse)").matches) {
  $("#phone").hidden = false;
  $("#phone").addEventListener("click", async () => {
    const kind = DeviceOrientationEvent as unknown as Askable;
    if (kind.requestPermission && (await kind.requestPermission()) !== "granted") {
      say("The phone did not allow its orientation to be read.");
      return;
    }
    let zero: number | null = null;
    window.addEventListener("deviceorientation", (event) => {
      if (event.alpha === null) return;
      zero ??= event.alpha;
      turn(event.alpha - zero);
    });
    say("Turn with the phone in your hands.");
  });
}

// ---- Jobs ----

async function work(start: () => Promise<Job>): Promise<void> {
  clearError();
  stop();
  const bar = $<HTMLProgressElement>("#bar-done");
  $("#progress").hidden = false;
  $("#cancel").hidden = false;
  $("#scene").hidden = true;
  stages(0);
  bar.value = 0;
  try {
    say("Sending …");
    const begun = await start();
    [running, job, view] = [begun.id, begun.id, null];
    [past, future, buffers, addresses] = [[], [], new Map(), {}];
    list.muted.clear();
    list.soloed.clear();
    place({ x: 0, y: 0, yaw: 0 });
    $("#result").focus({ preventScroll: true });
    $("#result").scrollIntoView({ block: "start" });
    let seen = false;
    const over = await follow(begun.id, (now) => {
      stages(stageOf(now));
      bar.value = now.done;
      if (now.position !== null) say(now.position === 0 ? "Waiting; you are next." : `Waiting; ${now.position} before you.`);
      else if (now.state === "running") say(`${now.stage} …`);
      if (now.seen && !seen && now.state === "running") {
        seen = true; // what is seen is shown before it sounds
        void ask<SceneView>(`/api/jobs/${begun.id}/scene`).then((early) => {
          if (running === begun.id && !view?.voiced) show(early);
        }, () => undefined);
      }
    });
    running = null;
    if (over.state === "cancelled") {
      $("#progress").hidden = true;
      say("Cancelled.");
      return;
    }
    if (over.state === "failed") throw new Refused(over.message);
    await openScene(begun.id);
  } catch (error) {
    running = null;
    say("");
    fail(error);
  }
}

async function openScene(id: string): Promise<void> {
  job = id;
  const whole = await ask<SceneView>(`/api/jobs/${id}/scene`);
  referenceDb = reference(whole.scene);
  await fetchStems(whole);
  show(whole);
  stages(STAGES.length);
  $("#cancel").hidden = true;
  $<HTMLProgressElement>("#bar-done").value = 1;
  history.replaceState(null, "", `#${id}`);
  choices();
  say(`Ready: ${whole.scene.sources.length} sources. Press Play.`);
}

$("#cancel").addEventListener("click", () => {
  if (running) void post<Job>(`/api/jobs/${running}/cancel`, {}).catch(fail);
});

function choices(): void {
  const clip = view?.scene.origin["kind"] === "clip";
  const all: [string, string][] = [
    ...about.layouts.map((name): [string, string] => [name, `${name} (WAV)`]),
    ["adm", "Objects (ADM Broadcast Wave)"],
    ["stems", "Stems (zip)"],
    ["scene", "The whole scene (zip)"],
    ...(clip ? [["clip", "The clip with its new sound"] as [string, string]] : []),
  ];
  $("#what").replaceChildren(...all.map(([value, label]) => make("option", { value, selected: value === "binaural" }, label)));
}

$("#download").addEventListener("click", async () => {
  if (!job) return;
  clearError();
  try {
    await editing;
    const begun = await post<Job>(`/api/jobs/${job}/downloads`, { what: $<HTMLSelectElement>("#what").value });
    const over = await follow(begun.id, (now) => say(now.state === "running" ? `${now.stage} …` : "Waiting …"));
    if (over.state !== "done") throw new Refused(over.message);
    const link = make("a", { href: `/api/jobs/${begun.id}/file`, download: over.name });
    document.body.append(link);
    link.click();
    link.remove();
    say(`${over.name} is made.`);
  } catch (error) {
    fail(error);
  }
});

$("#forget").addEventListener("click", async () => {
  if (!job) return;
  try {
    stop();
    await ask<void>(`/api/jobs/${job}`, { method: "DELETE" });
    [job, view] = [null, null];
    $("#scene").hidden = true;
    $("#progress").hidden = true;
    history.replaceState(null, "", location.pathname);
    say("Removed from the service.");
  } catch (error) {
    fail(error);
  }
});

// ---- Asking ----

function hearFile(file: File): void {
  const prompt = $<HTMLInputElement>("#prompt").value.trim();
  void work(() => {
    if (file.size > about.limits.upload_mb * 1e6) {
      throw new Refused(`${file.name} is larger than ${about.limits.upload_mb} MB, the most that is taken here`);
    }
    return send<Job>("/api/listen", { name: file.name, ...(prompt && { prompt }) }, file);
  });
}

const files = $<HTMLInputElement>("#file");
files.addEventListener("change", () => {
  const file = files.files?.[0];
  if (file) hearFile(file);
  files.value = "";
});
const drop = $("#drop");
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const file = event.dataTransfer?.files[0];
  if (file?.name.toLowerCase().endsWith(".zip")) loadZip(file);
  else if (file) hearFile(file);
});

function loadZip(file: File): void {
  void work(() => send<Job>("/api/scenes", { name: file.name }, file));
}
const zips = $<HTMLInputElement>("#zip");
zips.addEventListener("change", () => {
  const file = zips.files?.[0];
  if (file) loadZip(file);
  zips.value = "";
});

$("#words-card").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = $<HTMLTextAreaElement>("#words").value.trim();
  const duration_s = Number($<HTMLInputElement>("#seconds").value) || 10;
  void work(() => post<Job>("/api/words", { words, duration_s }));
});

// ---- Places ----

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
$("#month").replaceChildren(...MONTHS.map((name, i) => make("option", { value: i + 1, selected: i === 4 }, name)));

function when(): { date: string; hour: number } {
  const month = $<HTMLSelectElement>("#month").value.padStart(2, "0");
  return { date: `${new Date().getFullYear()}-${month}`, hour: Number($<HTMLInputElement>("#hour").value) };
}

function visit(where: { place: string } | { lat_deg: number; lon_deg: number }): void {
  void work(() => post<Job>("/api/visit", { ...where, ...when() }));
}

$("#place-card").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = $<HTMLInputElement>("#place").value.trim();
  const numbers = /^(-?\d+(?:\.\d+)?)[\s,;]+(-?\d+(?:\.\d+)?)$/.exec(words);
  if (numbers) visit({ lat_deg: Number(numbers[1]), lon_deg: Number(numbers[2]) });
  else visit({ place: words });
});

let typing = 0;
$<HTMLInputElement>("#place").addEventListener("input", (event) => {
  const words = (event.target as HTMLInputElement).value.trim();
  clearTimeout(typing);
  if (words.length < 3 || /^[-\d]/.test(words)) return;
  typing = window.setTimeout(async () => {
    const towns = await ask<{ name: string; country: string }[]>(`/api/places?${new URLSearchParams({ q: words })}`).catch(() => []);
    $("#towns").replaceChildren(...towns.map((town) => make("option", { value: `${town.name}, ${town.country}` })));
  }, 250);
});

// ---- The map ----

let world: World | null = null;
let layer: { job: string; view: MapView } | null = null;

async function pick(lat: number, lon: number): Promise<void> {
  world?.mark(lat, lon);
  $<HTMLInputElement>("#place").value = `${lat.toFixed(4)}, ${lon.toFixed(4)}`;
  if (layer) await cellAt(lat, lon);
  if (about.features["visit"]) visit({ lat_deg: Number(lat.toFixed(5)), lon_deg: Number(lon.toFixed(5)) });
}

async function cellAt(lat: number, lon: number): Promise<void> {
  if (!layer) return;
  try {
    const query = new URLSearchParams({ lat_deg: String(lat), lon_deg: String(lon) });
    const cell = await ask<{ lat_deg: number; lon_deg: number; values: (number | null)[] }>(`/api/jobs/${layer.job}/map/cell?${query}`);
    const value = cell.values[band()];
    $("#cell").textContent =
      `${layer.view.names[band()]} at ${cell.lat_deg.toFixed(2)}, ${cell.lon_deg.toFixed(2)}: ` +
      (value === null || value === undefined ? "no imagery" : value.toFixed(3));
  } catch (error) {
    $("#cell").textContent = error instanceof Refused ? error.message : "";
  }
}

$("#open-map").addEventListener("click", async () => {
  const box = $("#world");
  box.hidden = !box.hidden;
  $("#open-map").setAttribute("aria-expanded", String(!box.hidden));
  if (box.hidden || world) return;
  try {
    const { openWorld } = await import("./world");
    world = await openWorld($("#map"), about.features, (lat, lon) => void pick(lat, lon));
    const tell = (): void => {
      const at = world?.map.getCenter().wrap();
      if (at) $("#middle").textContent = `${at.lat.toFixed(2)}, ${at.lng.toFixed(2)}`;
    };
    world.map.on("moveend", tell);
    tell();
    document.documentElement.dataset["world"] = "ready";
    if (layer) drawLayer();
  } catch {
    $("#map").textContent = "This browser cannot draw the map (it needs WebGL). Type a place instead; the region below works too.";
  }
});

$("#hear-middle").addEventListener("click", () => {
  const at = world?.map.getCenter().wrap();
  if (at) void pick(at.lat, at.lng);
});

$("#use-view").addEventListener("click", () => {
  const bounds = world?.bounds();
  if (!bounds) return;
  ["west", "south", "east", "north"].forEach((id, i) => {
    $<HTMLInputElement>(`#${id}`).value = String(Math.round((bounds[i] ?? 0) * 100) / 100);
  });
});

function band(): number {
  if (!layer) return 0;
  const hour = layer.view.hours.length > 1 ? Number($<HTMLInputElement>("#layer-hour").value) : 0;
  return hour * layer.view.queries.length + Number($<HTMLSelectElement>("#band").value || 0);
}

function drawLayer(): void {
  if (!layer) return;
  const at = band();
  const [low, high] = layer.view.spans[at] ?? [0, 1];
  $("#bar-low").textContent = low.toFixed(3);
  $("#bar-high").textContent = high.toFixed(3);
  const canvas = $<HTMLCanvasElement>("#bar");
  const paint = canvas.getContext("2d");
  if (paint) {
    const ramp = paint.createLinearGradient(0, 0, canvas.width, 0);
    layer.view.colours.forEach((colour, i, all) => ramp.addColorStop(i / (all.length - 1), colour));
    paint.fillStyle = ramp;
    paint.fillRect(0, 0, canvas.width, canvas.height);
  }
  const hour = layer.view.hours[Number($<HTMLInputElement>("#layer-hour").value)];
  $("#layer-hour-shown").textContent = hour === null || hour === undefined ? "" : `${hour} h`;
  world?.show(`/api/jobs/${layer.job}/map/${at}.png`, layer.view);
}
$("#band").addEventListener("change", drawLayer);
$("#layer-hour").addEventListener("input", drawLayer);

$("#query-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  clearError();
  const value = (id: string): number => Number($<HTMLInputElement>(`#${id}`).value);
  const queries = $<HTMLInputElement>("#queries").value.split(";").map((q) => q.trim()).filter(Boolean);
  try {
    say("Asking for a map …");
    const begun = await post<Job>("/api/map", {
      west_deg: value("west"),
      south_deg: value("south"),
      east_deg: value("east"),
      north_deg: value("north"),
      queries,
      hours: $<HTMLInputElement>("#all-hours").checked ? [0, 6, 12, 18] : [],
    });
    const over = await follow(begun.id, (now) => say(now.position ? `Waiting; ${now.position} before you.` : `${now.stage} …`));
    if (over.state !== "done") throw new Refused(over.message);
    layer = { job: begun.id, view: await ask<MapView>(`/api/jobs/${begun.id}/map`) };
    const { queries: asked, hours, notes } = layer.view;
    $("#band").replaceChildren(...asked.map((name, i) => make("option", { value: i }, name)));
    $("#hour-box").hidden = hours.length < 2;
    $<HTMLInputElement>("#layer-hour").max = String(hours.length - 1);
    $<HTMLInputElement>("#layer-hour").value = "0";
    $("#layer-notes").replaceChildren(...notes.map((note) => make("li", {}, note)));
    $("#layer").hidden = false;
    drawLayer();
    say("The map is drawn. Click a cell to hear it.");
  } catch (error) {
    say("");
    fail(error);
  }
});

// ---- The start ----

$("#version").textContent = about.version;
$<HTMLInputElement>("#seconds").max = String(about.limits.duration_s);
if (!about.features["visit"]) {
  const note = $("#place-note");
  note.hidden = false;
  note.textContent = `This service cannot hear places; it needs ${about.why_not["visit"] ?? "more than is installed"}.`;
  $<HTMLButtonElement>("#place-card button[type=submit]").disabled = true;
  $<HTMLButtonElement>("#hear-middle").disabled = true;
}
if (!about.features["map"]) $("#query-form").hidden = true;
if (!about.features["earth"] && !about.features["coast"]) $("#open-map").hidden = true;
$("#credits").textContent = about.features["visit"] ? "Place names: GeoNames, CC BY 4.0." : "";
stages(0);

const known = /^#([A-Za-z0-9_-]{24})$/.exec(location.hash)?.[1];
if (known) {
  $("#progress").hidden = false;
  openScene(known).catch(() => {
    $("#progress").hidden = true;
    history.replaceState(null, "", location.pathname);
    say("The result in this address has expired or is not done.");
  });
}

// For tests and for the curious: the page's own audio graph, rendered offline, as energy per ear.
declare global {
  interface Window {
    earwitness: {
      energies(seconds?: number): Promise<{ left: number; right: number } | null>;
      listener(): Listener;
      scene(): Scene | null;
      playing(): boolean;
      settled(): Promise<void>;
    };
  }
}
window.earwitness = {
  async energies(seconds = 1) {
    const now = heard();
    return now ? energies(now, referenceDb, seconds) : null;
  },
  listener: () => ({ ...listener }),
  scene: () => view?.scene ?? null,
  playing: () => mixer !== null && context?.state === "running",
  settled: () => editing,
};
