// The list of sources: everything that the plan can do, and more, with ordinary controls.

import type { Part, Scene, Source } from "./api";
import { make, mark } from "./dom";
import { azimuth, distance, first, placed } from "./geometry";

export interface ListEvents {
  edited(part: Part): void;
  /** The level slides, and is not let go yet. */
  louder(part: Part): void;
  silenced(): void;
  removed(id: string): void;
  chosen(id: string): void;
}

export class SourceList {
  readonly muted = new Set<string>();
  readonly soloed = new Set<string>();

  constructor(
    private readonly list: HTMLUListElement,
    private readonly on: ListEvents,
  ) {}

  /** Which parts are not to be heard. */
  silent(scene: Scene): Set<string> {
    const all = [...scene.sources, ...scene.bed].map((part) => part.id);
    const solo = all.some((id) => this.soloed.has(id));
    return new Set(all.filter((id) => (solo ? !this.soloed.has(id) : this.muted.has(id))));
  }

  mark(id: string): void {
    for (const item of this.list.children) {
      item.classList.toggle("on", (item as HTMLElement).dataset["id"] === id);
    }
  }

  show(scene: Scene, phrases: Record<string, string>): void {
    const focused = document.activeElement?.id;
    this.list.replaceChildren(
      ...scene.sources.map((source, i) => this.item(source, phrases[source.id] ?? "", mark(i), String(i + 1))),
      ...scene.bed.map((bed) => this.item(bed, phrases[bed.id] ?? "", "", "∞")),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  private item(part: Part | Source, phrase: string, colour: string, number: string): HTMLLIElement {
    const key = part.id;
    const item = make("li", { "data-id": key });
    if (colour) item.style.setProperty("--mark", colour);
    const name = make("input", { id: `name-${key}`, type: "text", value: part.name, maxlength: 200 });
    name.addEventListener("change", () => {
      const words = name.value.trim();
      if (words && words !== part.name) this.on.edited({ ...part, name: words });
      else name.value = part.name;
    });
    const title = make(
      "div",
      { class: "title" },
      make("span", { class: "chip", "aria-hidden": "true" }, number),
      make("div", { class: "grow" }, make("label", { for: name.id }, "Name"), name),
    );
    const nums = make("div", { class: "nums" });
    if ("positions" in part) nums.append(...this.where(part));
    const level = make("input", {
      id: `level-${key}`,
      type: "range",
      min: Math.floor(Math.min(part.level_db, 60) - 30),
      max: Math.ceil(Math.max(part.level_db, 70) + 25),
      step: 1,
      value: Math.round(part.level_db),
    });
    level.setAttribute("aria-valuetext", `${Math.round(part.level_db)} dB`);
    const levelLabel = make("label", { for: level.id }, `Level ${Math.round(part.level_db)} dB`);
    level.addEventListener("input", () => {
      levelLabel.textContent = `Level ${level.value} dB`;
      level.setAttribute("aria-valuetext", `${level.value} dB`);
      this.on.louder({ ...part, level_db: Number(level.value) });
    });
    level.addEventListener("change", () => this.on.edited({ ...part, level_db: Number(level.value) }));
    const solo = this.toggle(key, "Solo", this.soloed, part.name);
    const mute = this.toggle(key, "Mute", this.muted, part.name);
    const remove = make("button", { type: "button", class: "bad", id: `remove-${key}`, "aria-label": `Remove ${part.name}` }, "Remove");
    remove.addEventListener("click", () => this.on.removed(key));
    item.append(
      title,
      make("p", {}, phrase + (part.stem === null ? " (not voiced yet)" : "")),
      ...(nums.childElementCount ? [nums] : []),
      levelLabel,
      level,
      make("div", { class: "row" }, solo, mute, remove),
    );
    item.addEventListener("focusin", () => this.on.chosen(key));
    return item;
  }

  private where(source: Source): HTMLElement[] {
    const row = first(source);
    const number = (kind: string, label: string, value: number, attributes: object): [HTMLElement, HTMLInputElement] => {
      const input = make("input", { id: `${kind}-${source.id}`, type: "number", value, ...attributes });
      return [make("div", {}, make("label", { for: input.id }, label), input), input];
    };
    const [a, azimuthInput] = number("azimuth", "Angle °", Math.round(azimuth(row)), { min: -180, max: 180, step: 1, title: "Degrees from ahead, positive to the left" });
    const [d, distanceInput] = number("distance", "Metres", Number(distance(row).toPrecision(3)), { min: 0.2, max: 100000, step: "any", title: "Metres from where you start" });
    const change = (): void => {
      const [to, far] = [Number(azimuthInput.value), Number(distanceInput.value)];
      if (Number.isFinite(to) && far > 0) this.on.edited(placed(source, to, far));
    };
    azimuthInput.addEventListener("change", change);
    distanceInput.addEventListener("change", change);
    if (source.kind !== "area") return [a, d];
    const [w, width] = number("width", "Width °", Math.round(source.spread_deg), { min: 0, max: 360, step: 5 });
    width.addEventListener("change", () => {
      const wide = Number(width.value);
      if (Number.isFinite(wide)) this.on.edited({ ...source, spread_deg: Math.min(360, Math.max(0, wide)) } as Source);
    });
    return [a, d, w];
  }

  private toggle(id: string, word: string, held: Set<string>, name: string): HTMLButtonElement {
    const button = make(
      "button",
      { type: "button", id: `${word.toLowerCase()}-${id}`, "aria-pressed": String(held.has(id)), "aria-label": `${word} ${name}` },
      word,
    );
    button.addEventListener("click", () => {
      if (!held.delete(id)) held.add(id);
      button.setAttribute("aria-pressed", String(held.has(id)));
      this.on.silenced();
    });
    return button;
  }
}
