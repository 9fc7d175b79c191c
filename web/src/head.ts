// The head: turned by slider, plan or phone; walked by buttons and keys. Sources stay where they are.

import { $ } from "./dom";
import { degrees, radians, wrap, type Listener } from "./geometry";

const START: Listener = { x: 0, y: 0, yaw: 0 };

export interface HeadEvents {
  placed(listener: Listener): void;
  told(words: string): void;
  /** Metres of one step. */
  stride(): number;
}

interface Askable {
  requestPermission?: () => Promise<string>;
}

/** Azimuth to which a phone points, from the angles of its sensor and of its screen.
 *
 * Flat in the hand its top points, upright before the eyes its back does; between the two the mean of
 * both axes does. Each is turned by Z-X-Y (W3C DeviceOrientation, section 4) and laid on the ground.
 */
export function pointing(alpha: number, beta: number, gamma: number, screenDeg: number): number {
  const [ca, sa] = [Math.cos(radians(alpha)), Math.sin(radians(alpha))];
  const [cb, sb] = [Math.cos(radians(beta)), Math.sin(radians(beta))];
  const [cg, sg] = [Math.cos(radians(gamma)), Math.sin(radians(gamma))];
  // Columns of the rotation: where the phone's axes lie, east and north.
  const right = [ca * cg - sa * sb * sg, sa * cg + ca * sb * sg];
  const top = [-sa * cb, ca * cb];
  const front = [ca * sg + sa * sb * cg, sa * sg - ca * sb * cg];
  const [cs, ss] = [Math.cos(radians(screenDeg)), Math.sin(radians(screenDeg))];
  const up = [0, 1].map((i) => (top[i] ?? 0) * cs + (right[i] ?? 0) * ss); // the screen's own top
  const [east, north] = [0, 1].map((i) => (up[i] ?? 0) - (front[i] ?? 0)) as [number, number];
  return degrees(Math.atan2(-east, north));
}

export class Head {
  at: Listener = { ...START };
  private zero: number | null = null;
  private following = false;

  constructor(private readonly on: HeadEvents) {
    const yaw = $<HTMLInputElement>("#yaw");
    yaw.addEventListener("input", () => this.turn(Number(yaw.value)));
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-walk]")) {
      button.addEventListener("click", () => {
        const [forward, left] = (button.dataset["walk"] ?? "0,0").split(",").map(Number);
        this.walk(forward ?? 0, left ?? 0);
      });
    }
    $("#walk").addEventListener("keydown", (event) => {
      const ways: Record<string, [number, number]> = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, 1], ArrowRight: [0, -1] };
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      this.walk(...way);
    });
    $("#home").addEventListener("click", () => this.home());
    if ("DeviceOrientationEvent" in window && matchMedia("(pointer: coarse)").matches) {
      $("#phone").hidden = false;
      $("#phone").addEventListener("click", () => void this.follow());
    }
  }

  home(): void {
    this.zero = null;
    this.place({ ...START });
  }

  turn(yaw: number): void {
    this.place({ ...this.at, yaw: wrap(yaw) });
  }

  private place(next: Listener): void {
    this.at = next;
    const yaw = Math.round(next.yaw);
    const slider = $<HTMLInputElement>("#yaw");
    slider.value = String(yaw);
    const words = yaw === 0 ? "ahead" : `${Math.abs(yaw)}° to the ${yaw > 0 ? "left" : "right"}`;
    slider.setAttribute("aria-valuetext", words);
    $("#yaw-shown").textContent = words;
    const part = (metres: number, one: string, other: string): string =>
      Math.abs(metres) < 0.05 ? "" : `${Math.abs(metres).toFixed(1)} m ${metres > 0 ? one : other}`;
    const away = [part(next.x, "ahead", "back"), part(next.y, "to the left", "to the right")].filter(Boolean);
    $("#stand").textContent = away.length ? `You stand ${away.join(", ")} from the start.` : "";
    this.on.placed(next);
  }

  private walk(forward: number, left: number): void {
    const [c, s] = [Math.cos(radians(this.at.yaw)), Math.sin(radians(this.at.yaw))];
    const stride = this.on.stride();
    this.place({
      ...this.at,
      x: this.at.x + stride * (forward * c - left * s),
      y: this.at.y + stride * (forward * s + left * c),
    });
  }

  private readonly sensed = (event: DeviceOrientationEvent): void => {
    if (event.alpha === null || event.beta === null || event.gamma === null) return;
    const to = pointing(event.alpha, event.beta, event.gamma, screen.orientation?.angle ?? 0);
    this.zero ??= to - this.at.yaw; // however it is held now is ahead
    this.turn(to - this.zero);
  };

  /** Let the phone turn the head, after asking where that must be asked for (iOS); or stop that. */
  private async follow(): Promise<void> {
    if (!this.following) {
      try {
        const kind = DeviceOrientationEvent as unknown as Askable;
        const allowed = (await kind.requestPermission?.()) ?? "granted";
        if (allowed !== "granted") throw new Error(allowed);
      } catch {
        this.on.told("The phone does not let this page read its orientation. Allow motion access for it, or use the slider.");
        return;
      }
      this.zero = null;
      window.addEventListener("deviceorientation", this.sensed);
      window.setTimeout(() => {
        if (this.following && this.zero === null) this.on.told("This device does not tell how it is turned (phones do so over https only). Use the slider.");
      }, 1500);
    } else window.removeEventListener("deviceorientation", this.sensed);
    this.following = !this.following;
    $("#phone").setAttribute("aria-pressed", String(this.following));
    this.on.told(this.following ? "The phone turns your head. What is ahead of it now stays ahead." : "The phone no longer turns your head.");
  }
}
