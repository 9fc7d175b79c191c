// The plan from above: the head in the middle, the front up, sources that can be dragged.

import type { Scene, Source } from "./api";
import { draw, mark } from "./dom";
import { azimuth, degrees, distance, first, moved, placed, positionAt, radians, wrap, type Listener } from "./geometry";

const REACH = 96;
const EDGE = 108;
const DOT = 6;
const LETTER = 3.3; // width of a letter of the labels, in the plan's units

export interface PlanEvents {
  moving(source: Source): void;
  moved(source: Source): void;
  turned(yaw: number): void;
  chosen(id: string): void;
}

interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

interface Label {
  x: number;
  y: number;
  anchor: "start" | "middle" | "end";
}

const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0)) * Math.max(0, Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0));

const dotBox = (x: number, y: number): Box => ({ x0: x - DOT, y0: y - DOT, x1: x + DOT, y1: y + DOT });

/** Where a label may stand beside its dot: the first place that covers nothing, or none. */
function labelled(x: number, y: number, width: number, taken: Box[]): [Label, Box] | null {
  const ways: Label[] = [
    { x, y: y - DOT - 2, anchor: "middle" },
    { x: x + DOT + 2, y: y + 2, anchor: "start" },
    { x: x - DOT - 2, y: y + 2, anchor: "end" },
    { x, y: y + DOT + 6, anchor: "middle" },
    { x: x + DOT, y: y - DOT, anchor: "start" },
    { x: x - DOT, y: y - DOT, anchor: "end" },
    { x: x + DOT, y: y + DOT + 4, anchor: "start" },
    { x: x - DOT, y: y + DOT + 4, anchor: "end" },
  ];
  for (const way of ways) {
    const x0 = way.x - (way.anchor === "start" ? 0 : way.anchor === "end" ? width : width / 2);
    const box = { x0, y0: way.y - 5, x1: x0 + width, y1: way.y + 1.5 };
    const inside = box.x0 > -EDGE && box.x1 < EDGE && box.y0 > -EDGE && box.y1 < EDGE;
    if (inside && taken.every((other) => overlap(box, other) < 0.5)) return [way, box];
  }
  return null;
}

export class Plan {
  private far = 10;
  private sources = new Map<string, SVGGElement>();
  private paths: Source[] = [];
  private head = draw("g");

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly on: PlanEvents,
  ) {
    svg.addEventListener("pointerdown", (event) => this.turnFrom(event));
  }

  /** Distances are drawn evenly in their logarithm, so near and far both have room. */
  private reach(m: number): number {
    return (REACH * Math.log1p(m / 2)) / Math.log1p(this.far / 2);
  }

  private metres(units: number): number {
    return 2 * Math.expm1((units / REACH) * Math.log1p(this.far / 2));
  }

  private point(x: number, y: number): [number, number] {
    const d = Math.hypot(x, y);
    if (d === 0) return [0, 0];
    const r = this.reach(d) / d;
    return [-y * r, -x * r];
  }

  private at(event: PointerEvent): [number, number] {
    const matrix = this.svg.getScreenCTM();
    if (!matrix) return [1, 0];
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const units = Math.hypot(p.x, p.y) || 1e-6;
    const d = Math.min(this.metres(units), this.far * 1.2);
    return [(-p.y / units) * d, (-p.x / units) * d];
  }

  show(scene: Scene, listener: Listener, silent: Set<string>): void {
    const focused = (document.activeElement as SVGElement | null)?.dataset?.["id"];
    const marked = [...this.sources].find(([, group]) => group.classList.contains("on"))?.[0];
    const flat = (s: Source): number => Math.max(...s.positions.map((row) => Math.hypot(row[1], row[2])));
    this.far = Math.max(5, ...scene.sources.map(flat)) * 1.1;
    this.svg.replaceChildren();
    this.view(scene);
    const taken: Box[] = [{ x0: -9, y0: -11, x1: 9, y1: 8 }]; // the head
    this.rings(taken);
    this.head = draw("g");
    this.svg.append(this.head);
    this.sources.clear();
    this.paths = scene.sources.filter((source) => source.positions.length > 1);
    const spots = scene.sources.map((source) => this.point(first(source)[1], first(source)[2]));
    taken.push(...spots.map(([x, y]) => dotBox(x, y)));
    scene.sources.forEach((source, i) => {
      const [x, y] = spots[i] ?? [0, 0];
      const words = shortened(source.name);
      const found = labelled(x, y, words.length * LETTER, taken);
      if (found) taken.push(found[1]);
      const group = this.draw(source, i, silent.has(source.id), found?.[0] ?? null);
      this.svg.append(group);
      this.sources.set(source.id, group);
    });
    this.turn(listener);
    if (marked) this.mark(marked);
    if (focused) this.sources.get(focused)?.focus();
  }

  /** What of the surroundings the picture shows, as a wedge. */
  private view(scene: Scene): void {
    const fov = scene.origin["fov_deg"];
    if (typeof fov !== "number" || fov <= 0 || fov >= 180) return;
    const [x, y] = [Math.sin(radians(fov / 2)) * REACH, -Math.cos(radians(fov / 2)) * REACH];
    this.svg.append(draw("path", { class: "view", d: `M0 0 L${-x} ${y} A${REACH} ${REACH} 0 0 1 ${x} ${y} Z` }));
  }

  private rings(taken: Box[]): void {
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000];
    let last = 0;
    for (const m of steps.filter((m) => m <= this.far)) {
      const r = this.reach(m);
      if (r - last < 16) continue;
      last = r;
      const far = m < 1000 ? `${m} m` : `${m / 1000} km`;
      // At the right below, where sources are fewest.
      const [x, y] = [r * Math.SQRT1_2, r * Math.SQRT1_2];
      taken.push({ x0: x - 6, y0: y - 4, x1: x + 6, y1: y + 3 });
      this.svg.append(
        draw("circle", { class: "ring", cx: 0, cy: 0, r }),
        draw("text", { class: "far", x, y: y + 1.6, "text-anchor": "middle" }, far),
      );
    }
  }

  turn(listener: Listener): void {
    const [x, y] = this.point(listener.x, listener.y);
    this.head.setAttribute("transform", `translate(${x} ${y}) rotate(${-listener.yaw})`);
    this.head.replaceChildren(
      draw("path", { class: "head", d: "M-2.8 -4.4 L0 -9.6 L2.8 -4.4 Z" }),
      draw("ellipse", { class: "head", cx: -5.9, cy: 0, rx: 1.7, ry: 2.6 }),
      draw("ellipse", { class: "head", cx: 5.9, cy: 0, rx: 1.7, ry: 2.6 }),
      draw("circle", { class: "head", cx: 0, cy: 0, r: 5.2 }),
    );
  }

  /** Let moving sources be where they are at a time of the scene. */
  play(seconds: number): void {
    for (const source of this.paths) {
      const dot = this.sources.get(source.id)?.querySelector(".dot");
      const [x0, y0] = this.point(first(source)[1], first(source)[2]);
      const now = positionAt(source, seconds);
      const [x, y] = this.point(now[1], now[2]);
      dot?.setAttribute("transform", `translate(${x - x0} ${y - y0})`);
    }
  }

  mark(id: string): void {
    for (const [key, group] of this.sources) group.classList.toggle("on", key === id);
  }

  private draw(source: Source, index: number, silent: boolean, label: Label | null): SVGGElement {
    const row = first(source);
    const [x, y] = this.point(row[1], row[2]);
    const group = draw("g", {
      class: `source${silent ? " silent" : ""}`,
      tabindex: 0,
      role: "button",
      "data-id": source.id,
      // It begins with what is seen, so that it can be spoken to by that.
      "aria-label":
        `${index + 1} ${shortened(source.name)}: ${Math.round(azimuth(row))} degrees, ` +
        `${distance(row).toPrecision(2)} metres. Arrow keys move it.`,
    });
    if (source.positions.length > 1) {
      const points = source.positions.map(([, px, py]) => this.point(px, py).map((v) => v.toFixed(1)).join(" "));
      group.append(draw("polyline", { class: "path", stroke: mark(index), points: points.join(" ") }));
    }
    if (source.kind === "area") group.append(this.breadth(source, index));
    group.append(
      draw("circle", { cx: x, cy: y, r: 11, opacity: 0 }),
      draw(
        "g",
        { class: "dot" },
        draw("circle", { cx: x, cy: y, r: DOT, fill: mark(index) }),
        draw("text", { class: "number", x, y: y + 2.3, "text-anchor": "middle" }, String(index + 1)),
      ),
    );
    if (label) group.append(" ", draw("text", { x: label.x, y: label.y, "text-anchor": label.anchor }, shortened(source.name)));
    group.addEventListener("pointerdown", (event) => this.drag(event, group, source, index, silent));
    group.addEventListener("focus", () => this.on.chosen(source.id));
    group.addEventListener("keydown", (event) => this.key(event, source));
    return group;
  }

  /** The arc from all along which an area sounds. */
  private breadth(source: Source, index: number): SVGElement {
    const row = first(source);
    const r = Math.hypot(...this.point(row[1], row[2]));
    if (source.spread_deg >= 359) return draw("circle", { class: "reach", stroke: mark(index), cx: 0, cy: 0, r });
    const half = source.spread_deg / 2;
    const [a0, a1] = [azimuth(row) - half, azimuth(row) + half].map(radians) as [number, number];
    const [x0, y0, x1, y1] = [-Math.sin(a0) * r, -Math.cos(a0) * r, -Math.sin(a1) * r, -Math.cos(a1) * r];
    return draw("path", {
      class: "reach",
      stroke: mark(index),
      d: `M${x0} ${y0} A${r} ${r} 0 ${half > 90 ? 1 : 0} 0 ${x1} ${y1}`,
    });
  }

  private drag(event: PointerEvent, group: SVGGElement, source: Source, index: number, silent: boolean): void {
    event.stopPropagation();
    event.preventDefault();
    this.on.chosen(source.id);
    let now: Source | null = null;
    const move = (e: PointerEvent): void => {
      now = moved(source, ...this.at(e));
      const [x, y] = this.point(first(now)[1], first(now)[2]);
      const label: Label = { x, y: y - DOT - 2, anchor: "middle" };
      group.replaceChildren(...this.draw(now, index, silent, label).childNodes);
      this.on.moving(now);
    };
    const up = (): void => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", up);
      this.svg.removeEventListener("pointercancel", up);
      if (now) this.on.moved(now);
      group.focus({ preventScroll: true });
    };
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", up);
    this.svg.addEventListener("pointercancel", up);
  }

  private key(event: KeyboardEvent, source: Source): void {
    const row = first(source);
    const [a, d] = [azimuth(row), distance(row)];
    const step = event.shiftKey ? 15 : 5;
    const to: Record<string, Source> = {
      ArrowLeft: placed(source, a + step, d),
      ArrowRight: placed(source, a - step, d),
      ArrowUp: placed(source, a, d * 1.15),
      ArrowDown: placed(source, a, Math.max(d / 1.15, Math.abs(row[3]) + 0.2)),
    };
    const next = to[event.key];
    if (!next) return;
    event.preventDefault();
    this.on.moved(next);
  }

  private turnFrom(event: PointerEvent): void {
    const angle = (e: PointerEvent): number => {
      const [x, y] = this.at(e);
      return degrees(Math.atan2(y, x));
    };
    let last = angle(event);
    const move = (e: PointerEvent): void => {
      const now = angle(e);
      this.on.turned(wrap(now - last));
      last = now;
    };
    const up = (): void => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", up);
      this.svg.removeEventListener("pointercancel", up);
    };
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", up);
    this.svg.addEventListener("pointercancel", up);
  }
}

function shortened(name: string): string {
  return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}
