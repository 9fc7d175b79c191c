// The plan from above: the head in the middle, the front up, sources that can be dragged.

import type { Scene, Source } from "./api";
import { draw, mark } from "./dom";
import { azimuth, degrees, distance, first, moved, placed, radians, wrap, type Listener } from "./geometry";

const REACH = 96;

export interface PlanEvents {
  moving(source: Source): void;
  moved(source: Source): void;
  turned(yaw: number): void;
  chosen(id: string): void;
}

export class Plan {
  private far = 10;
  private sources = new Map<string, SVGGElement>();
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
    this.far = Math.max(5, ...scene.sources.map((s) => distance(first(s)))) * 1.1;
    this.svg.replaceChildren();
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000];
    let last = 0;
    for (const m of steps.filter((m) => m <= this.far)) {
      const r = this.reach(m);
      if (r - last < 16) continue;
      last = r;
      this.svg.append(
        draw("circle", { class: "ring", cx: 0, cy: 0, r }),
        draw("text", { class: "far", x: 1, y: -r - 1 }, m < 1000 ? `${m} m` : `${m / 1000} km`),
      );
    }
    this.sources.clear();
    this.head = draw("g");
    this.svg.append(this.head);
    scene.sources.forEach((source, i) => {
      const group = this.draw(source, i, silent.has(source.id));
      this.svg.append(group);
      this.sources.set(source.id, group);
    });
    this.turn(listener);
    if (focused) this.sources.get(focused)?.focus();
  }

  turn(listener: Listener): void {
    const [x, y] = this.point(listener.x, listener.y);
    this.head.setAttribute("transform", `translate(${x} ${y}) rotate(${-listener.yaw})`);
    this.head.replaceChildren(
      draw("path", { class: "head", d: "M0 -9 L3.2 -3.6 A5 5 0 1 1 -3.2 -3.6 Z" }),
    );
  }

  mark(id: string): void {
    for (const [key, group] of this.sources) group.classList.toggle("on", key === id);
  }

  private draw(source: Source, index: number, silent: boolean): SVGGElement {
    const row = first(source);
    const [x, y] = this.point(row[1], row[2]);
    const group = draw("g", {
      class: `source${silent ? " silent" : ""}`,
      tabindex: 0,
      role: "button",
      "data-id": source.id,
      "aria-label":
        `${source.name}: ${Math.round(azimuth(row))} degrees, ` +
        `${distance(row).toPrecision(2)} metres. Arrow keys move it.`,
    });
    if (source.kind === "area") {
      const r = Math.hypot(x, y);
      const half = Math.min(source.spread_deg, 359) / 2;
      const [a0, a1] = [azimuth(row) - half, azimuth(row) + half].map(radians) as [number, number];
      const [x0, y0, x1, y1] = [-Math.sin(a0) * r, -Math.cos(a0) * r, -Math.sin(a1) * r, -Math.cos(a1) * r];
      group.append(
        draw("path", {
          class: "reach",
          stroke: mark(index),
          d: `M${x0} ${y0} A${r} ${r} 0 ${half > 90 ? 1 : 0} 0 ${x1} ${y1}`,
        }),
      );
    }
    group.append(
      draw("circle", { cx: x, cy: y, r: 10, opacity: 0 }),
      draw("circle", { cx: x, cy: y, r: 4.5, fill: mark(index) }),
      draw("text", { x, y: index % 2 ? y + 11 : y - 7, "text-anchor": Math.abs(x) > 60 ? (x > 0 ? "end" : "start") : "middle" }, source.name),
    );
    group.addEventListener("pointerdown", (event) => this.drag(event, group, source, index, silent));
    group.addEventListener("focus", () => this.on.chosen(source.id));
    group.addEventListener("keydown", (event) => this.key(event, source));
    return group;
  }

  private drag(event: PointerEvent, group: SVGGElement, source: Source, index: number, silent: boolean): void {
    event.stopPropagation();
    event.preventDefault();
    this.on.chosen(source.id);
    let now: Source | null = null;
    const move = (e: PointerEvent): void => {
      now = moved(source, ...this.at(e));
      group.replaceChildren(...this.draw(now, index, silent).childNodes);
      this.on.moving(now);
    };
    const up = (): void => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", up);
      this.svg.removeEventListener("pointercancel", up);
      if (now) this.on.moved(now);
      else group.focus();
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
    const from = angle(event);
    let last = from;
    const move = (e: PointerEvent): void => {
      const now = angle(e);
      this.on.turned(wrap(now - last));
      last = now;
    };
    const up = (): void => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", up);
    };
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", up);
  }
}
