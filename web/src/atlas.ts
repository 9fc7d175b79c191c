// The panel of the world map: a place to hear, a question to a region, its layer, hours and cells.

import { ask, follow, post, Refused, type About, type Job, type MapView } from "./api";
import { $, make } from "./dom";
import type { World } from "./world";

export interface AtlasEvents {
  /** A place was chosen to be heard. */
  visit(lat: number, lon: number): void;
  /** What imagery is wanted. */
  tiles(): string | undefined;
  date(): string;
}

export class Atlas {
  private world: World | null = null;
  private layer: { job: string; view: MapView } | null = null;
  private running: string | null = null;
  private asked = 0;

  constructor(
    private readonly about: About,
    private readonly on: AtlasEvents,
  ) {
    $("#open-map").addEventListener("click", () => void this.open());
    $("#hear-middle").addEventListener("click", () => {
      const at = this.world?.map.getCenter().wrap();
      if (at) void this.pick(at.lat, at.lng);
    });
    $("#use-view").addEventListener("click", () => {
      const bounds = this.world?.bounds();
      if (!bounds) return;
      ["west", "south", "east", "north"].forEach((id, i) => {
        $<HTMLInputElement>(`#${id}`).value = String(Math.round((bounds[i] ?? 0) * 100) / 100);
      });
    });
    $("#band").addEventListener("change", () => this.draw());
    $("#layer-hour").addEventListener("input", () => this.draw());
    $("#query-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.query();
    });
    $("#cancel-map").addEventListener("click", () => {
      if (this.running) void post<Job>(`/api/jobs/${this.running}/cancel`, {}).catch((error: unknown) => this.fail(error));
    });
  }

  private async open(): Promise<void> {
    const box = $("#world");
    box.hidden = !box.hidden;
    $("#open-map").setAttribute("aria-expanded", String(!box.hidden));
    if (box.hidden || this.world) return;
    try {
      const { openWorld } = await import("./world");
      const world = await openWorld($("#map"), this.about.features, (lat, lon) => void this.pick(lat, lon));
      this.world = world;
      const tell = (): void => {
        const at = world.map.getCenter().wrap();
        $("#middle").textContent = `at ${at.lat.toFixed(2)}, ${at.lng.toFixed(2)}`;
        if (this.layer) void this.cell(at.lat, at.lng);
      };
      world.map.on("moveend", tell);
      tell();
      document.documentElement.dataset["world"] = "ready";
      this.draw();
    } catch {
      $("#map").textContent = "This browser cannot draw the map (it needs WebGL). Type a place instead; the region below works too.";
    }
  }

  private async pick(lat: number, lon: number): Promise<void> {
    this.world?.mark(lat, lon);
    $<HTMLInputElement>("#place").value = `${lat.toFixed(4)}, ${lon.toFixed(4)}`;
    if (this.layer) await this.cell(lat, lon);
    if (this.about.features["visit"]) this.on.visit(Number(lat.toFixed(5)), Number(lon.toFixed(5)));
  }

  /** Say the value of the cell at a place; answers that come late are dropped. */
  private async cell(lat: number, lon: number): Promise<void> {
    if (!this.layer) return;
    const mine = ++this.asked;
    let words = "";
    try {
      const query = new URLSearchParams({ lat_deg: String(lat), lon_deg: String(lon) });
      const cell = await ask<{ lat_deg: number; lon_deg: number; values: (number | null)[] }>(`/api/jobs/${this.layer.job}/map/cell?${query}`);
      const value = cell.values[this.band()];
      words =
        `${this.layer.view.names[this.band()]} at ${cell.lat_deg.toFixed(2)}, ${cell.lon_deg.toFixed(2)}: ` +
        (value === null || value === undefined ? "no imagery" : value.toFixed(3));
    } catch (error) {
      words = error instanceof Refused ? error.message : "";
    }
    if (mine === this.asked) $("#cell").textContent = words;
  }

  private band(): number {
    if (!this.layer) return 0;
    const hour = this.layer.view.hours.length > 1 ? Number($<HTMLInputElement>("#layer-hour").value) : 0;
    return hour * this.layer.view.queries.length + Number($<HTMLSelectElement>("#band").value || 0);
  }

  private draw(): void {
    if (!this.layer) return;
    const at = this.band();
    const [low, high] = this.layer.view.spans[at] ?? [0, 1];
    $("#bar-low").textContent = low.toFixed(3);
    $("#bar-high").textContent = high.toFixed(3);
    const canvas = $<HTMLCanvasElement>("#bar");
    canvas.setAttribute("aria-label", `Colour bar: dark is ${low.toFixed(3)}, bright is ${high.toFixed(3)}`);
    const paint = canvas.getContext("2d");
    if (paint) {
      const ramp = paint.createLinearGradient(0, 0, canvas.width, 0);
      this.layer.view.colours.forEach((colour, i, all) => ramp.addColorStop(i / (all.length - 1), colour));
      paint.fillStyle = ramp;
      paint.fillRect(0, 0, canvas.width, canvas.height);
    }
    const slider = $<HTMLInputElement>("#layer-hour");
    const hour = this.layer.view.hours[Number(slider.value)];
    const shown = hour === null || hour === undefined ? "" : `${hour} h`;
    $("#layer-hour-shown").textContent = shown;
    slider.setAttribute("aria-valuetext", shown);
    this.world?.show(`/api/jobs/${this.layer.job}/map/${at}.png`, this.layer.view);
  }

  private say(words: string): void {
    $("#map-status").textContent = words;
  }

  private fail(error: unknown): void {
    const box = $("#map-error");
    box.textContent = error instanceof Refused ? error.message : `this page has a defect: ${String(error)}`;
    box.hidden = false;
  }

  private async query(): Promise<void> {
    $("#map-error").hidden = true;
    const value = (id: string): number => Number($<HTMLInputElement>(`#${id}`).value);
    const queries = $<HTMLInputElement>("#queries").value.split(";").map((q) => q.trim()).filter(Boolean);
    const submit = $<HTMLButtonElement>("#query-form button[type=submit]");
    submit.disabled = true;
    try {
      this.say("Asking for a map …");
      const begun = await post<Job>("/api/map", {
        west_deg: value("west"),
        south_deg: value("south"),
        east_deg: value("east"),
        north_deg: value("north"),
        queries,
        hours: $<HTMLInputElement>("#all-hours").checked ? [0, 6, 12, 18] : [],
        date: this.on.date(),
        tiles: this.on.tiles(),
      });
      this.running = begun.id;
      $("#cancel-map").hidden = false;
      const over = await follow(begun.id, (now) =>
        this.say(now.position ? `Waiting; ${now.position} before you.` : `${now.stage}, ${Math.round(100 * now.done)} % …`),
      );
      if (over.state === "cancelled") {
        this.say("Cancelled.");
        return;
      }
      if (over.state !== "done") throw new Refused(over.message);
      this.layer = { job: begun.id, view: await ask<MapView>(`/api/jobs/${begun.id}/map`) };
      this.opened();
    } catch (error) {
      this.say("");
      this.fail(error);
    } finally {
      this.running = null;
      submit.disabled = false;
      $("#cancel-map").hidden = true;
    }
  }

  private opened(): void {
    if (!this.layer) return;
    const { queries, hours, notes } = this.layer.view;
    $("#band").replaceChildren(...queries.map((name, i) => make("option", { value: i }, name)));
    $("#hour-box").hidden = hours.length < 2;
    $<HTMLInputElement>("#layer-hour").max = String(hours.length - 1);
    $<HTMLInputElement>("#layer-hour").value = "0";
    $("#layer-notes").replaceChildren(...notes.map((note) => make("li", {}, note)));
    $("#layer").hidden = false;
    this.draw();
    this.say("The map is drawn. Click a cell to hear it.");
    $("#world").scrollIntoView({ block: "start" });
  }
}
