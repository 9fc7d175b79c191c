// The page: what was asked, how far it is, what is heard, and every edit of it.

import { ask, follow, post, send, Refused, type About, type Job, type Part, type Scene, type SceneView, type Source } from "./api";
import { Atlas } from "./atlas";
import { energies, Mixer, reference, type Heard } from "./audio";
import { $, make } from "./dom";
import type { Listener } from "./geometry";
import { Head } from "./head";
import { holdFilm, markRegion, playFilm, showPicture } from "./picture";
import { Plan } from "./plan";
import { SourceList } from "./sources";

const STAGES = ["seen", "named", "placed", "voiced", "rendered"] as const;
const WALK_M = 1;

const about = await ask<About>("/api/about");

let job: string | null = null;
let view: SceneView | null = null;
let referenceDb = 60;
let buffers = new Map<string, AudioBuffer>();
let addresses: Record<string, string> = {};
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
  box.scrollIntoView({ block: "nearest" });
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
  return { scene: view.scene, buffers, silent: list.silent(view.scene), listener: head.at };
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
  $("#clock").textContent = "";
  plan.play(0);
  playFilm(null);
}

/** While it plays: what moves is where it is, and the clock says when. */
function tick(): void {
  if (!mixer || !view) return;
  plan.play(mixer.offset);
  playFilm(mixer.offset);
  const shown = `${Math.floor(mixer.offset)} of ${Math.round(view.scene.duration_s)} s`;
  if ($("#clock").textContent !== shown) $("#clock").textContent = shown;
  requestAnimationFrame(tick);
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
  requestAnimationFrame(tick);
});

// ---- The scene ----

const plan = new Plan($<SVGSVGElement>("#plan"), {
  moving(source) {
    const now = heard();
    if (now && mixer) mixer.apply({ ...now, scene: withPart(now.scene, source) });
  },
  moved: (source) => edit((scene) => withPart(scene, source), `${source.name} moved.`),
  turned: (by) => head.turn(head.at.yaw + by),
  chosen,
});

const list = new SourceList($<HTMLUListElement>("#sources"), {
  edited: (part) => edit((scene) => withPart(scene, part), `${part.name} changed.`),
  louder(part) {
    const now = heard();
    if (now) mixer?.apply({ ...now, scene: withPart(now.scene, part) });
  },
  silenced() {
    const now = heard();
    if (now) mixer?.apply(now);
    if (view) plan.show(view.scene, head.at, list.silent(view.scene));
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
  markRegion(id);
}

function withPart(scene: Scene, part: Part | Source): Scene {
  const swap = <T extends Part>(all: T[]): T[] => all.map((one) => (one.id === part.id ? (part as T) : one));
  return { ...scene, sources: swap(scene.sources), bed: swap(scene.bed) };
}

function show(next: SceneView): void {
  view = next;
  $("#scene").hidden = false;
  $("#scene-words").textContent = next.words;
  showPicture(next, chosen);
  $(".views").classList.toggle("alone", $("#picture-view").hidden);
  plan.show(next.scene, head.at, list.silent(next.scene));
  list.show(next.scene, next.phrases);
  $<HTMLButtonElement>("#play").disabled = !next.voiced;
  $<HTMLButtonElement>("#download").disabled = !next.voiced;
  undoButtons();
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

interface Edited {
  view: SceneView;
  voicing: Job | null;
}

const put = (scene: Scene, told: string): Promise<void> =>
  take(told, (here) =>
    ask<Edited>(`/api/jobs/${here}/scene`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(scene),
    }),
  );

/** What the audio graph is built from: when it changes, a new graph is needed. */
function wiring(): string {
  const parts = [...(view?.scene.sources ?? []), ...(view?.scene.bed ?? [])];
  return JSON.stringify(parts.map((part) => [part.id, "spread_deg" in part ? part.spread_deg : null]));
}

/** Send an edit, show what it comes to, wait for what is voiced anew, and fetch that alone. */
async function take(told: string, ask_: (job: string) => Promise<Edited>): Promise<void> {
  if (!job) return;
  const here = job;
  clearError();
  const graph = wiring();
  const answer = await ask_(here);
  show(answer.view);
  const now = heard();
  if (mixer && graph !== wiring()) restart();
  else if (now) mixer?.apply(now);
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

$("#add-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $<HTMLInputElement>("#add");
  const words = field.value.trim();
  if (!words) return;
  enqueue(async () => {
    if (!view) return;
    const before = view.scene;
    await take(`${words} added. Drag it where it belongs.`, (here) => post<Edited>(`/api/jobs/${here}/sounds`, { words }));
    field.value = "";
    past.push(before);
    future = [];
    undoButtons();
  });
});

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
  const target = event.target;
  if (target instanceof HTMLTextAreaElement) return;
  if (target instanceof HTMLInputElement && (target.type === "text" || target.type === "number")) return;
  event.preventDefault();
  if (event.shiftKey) $("#redo").click();
  else $("#undo").click();
});

// ---- The head ----

const head = new Head({
  placed(listener) {
    mixer?.place(listener);
    plan.turn(listener);
  },
  told: say,
  stride: () => (view?.scene.origin["kind"] === "place" ? 5 * WALK_M : WALK_M),
});

// ---- Jobs ----

async function work(start: () => Promise<Job>, film: File | null = null): Promise<void> {
  clearError();
  stop();
  const bar = $<HTMLProgressElement>("#bar-done");
  $("#progress").hidden = false;
  $("#cancel").hidden = false;
  stages(0);
  bar.value = 0;
  let mine = "";
  try {
    say("Sending …");
    $("#result").focus({ preventScroll: true });
    $("#result").scrollIntoView({ block: "start" });
    const begun = await start(); // what is refused here leaves the scene that was there
    mine = begun.id;
    if (running) void post<Job>(`/api/jobs/${running}/cancel`, {}).catch(() => undefined);
    $("#scene").hidden = true;
    [running, job, view] = [begun.id, begun.id, null];
    [past, future, buffers, addresses] = [[], [], new Map(), {}];
    list.muted.clear();
    list.soloed.clear();
    holdFilm(film);
    head.home();
    let seen = false;
    const over = await follow(mine, (now) => {
      if (running !== mine) return; // something else was asked for meanwhile
      stages(stageOf(now));
      bar.value = now.done;
      if (now.position !== null) say(now.position === 0 ? "Waiting; you are next." : `Waiting; ${now.position} before you.`);
      else if (now.state === "running") say(`${now.stage} …`);
      if (now.seen && !seen && now.state === "running") {
        seen = true; // what is seen is shown before it sounds
        void ask<SceneView>(`/api/jobs/${mine}/scene`).then((early) => {
          if (running === mine && !view?.voiced) show(early);
        }, () => undefined);
      }
    });
    if (running !== mine) return;
    if (over.state === "cancelled") {
      running = null;
      $("#progress").hidden = true;
      $("#scene").hidden = true;
      say("Cancelled.");
      return;
    }
    if (over.state === "failed") throw new Refused(over.message);
    stages(4);
    await openScene(mine);
    running = null;
  } catch (error) {
    if (mine && running !== mine) return;
    if (mine) {
      running = null;
      $("#scene").hidden = true; // what was seen of it already will never sound
    }
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
  $("#progress").hidden = true;
  history.replaceState(null, "", `#${id}`);
  choices();
  const count = whole.scene.sources.length + whole.scene.bed.length;
  say(`Ready: ${count} ${count === 1 ? "sound" : "sounds"}. Press Play.`);
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
    const seconds = $<HTMLInputElement>("#picture-seconds").value;
    const asked = {
      name: file.name,
      projection: $<HTMLSelectElement>("#projection").value,
      ...(prompt && { prompt }),
      ...(seconds && { duration_s: seconds }),
    };
    return send<Job>("/api/listen", asked, file);
  }, file);
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
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-words]")) {
  button.addEventListener("click", () => {
    $<HTMLTextAreaElement>("#words").value = button.dataset["words"] ?? "";
    $<HTMLFormElement>("#words-card").requestSubmit();
  });
}

// ---- Places ----

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
$("#month").replaceChildren(...MONTHS.map((name, i) => make("option", { value: i + 1, selected: i === 4 }, name)));

function chosenTiles(): string | undefined {
  return $<HTMLSelectElement>("#tiles").value || undefined;
}

function when(): { date: string; hour: number } {
  const month = $<HTMLSelectElement>("#month").value.padStart(2, "0");
  return { date: `${new Date().getFullYear()}-${month}`, hour: Number($<HTMLInputElement>("#hour").value) };
}

function visit(where: { place: string } | { lat_deg: number; lon_deg: number }): void {
  void work(() => post<Job>("/api/visit", { ...where, ...when(), tiles: chosenTiles() }));
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

new Atlas(about, {
  visit: (lat_deg, lon_deg) => visit({ lat_deg, lon_deg }),
  tiles: chosenTiles,
  date: () => when().date,
});

// ---- The start ----

$("#version").textContent = about.version;
$<HTMLInputElement>("#seconds").max = String(about.limits.duration_s);
$<HTMLInputElement>("#picture-seconds").max = String(about.limits.duration_s);
$("#tiles").replaceChildren(...about.tiles.map((name) => make("option", { value: name }, name === "builtin" ? "Blue Marble (built in)" : name)));
$("#tiles-box").hidden = about.tiles.length < 2;
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
  listener: () => ({ ...head.at }),
  scene: () => view?.scene ?? null,
  playing: () => mixer !== null && context?.state === "running",
  settled: () => editing,
};
