// The scene's frame: x front, y left, z up, metres; azimuth anticlockwise from the front.

import type { Row4, Source } from "./api";

export const radians = (deg: number): number => (deg * Math.PI) / 180;
export const degrees = (rad: number): number => (rad * 180) / Math.PI;
export const wrap = (deg: number): number => ((((deg + 180) % 360) + 360) % 360) - 180;

export interface Listener {
  x: number;
  y: number;
  yaw: number;
}

export const azimuth = (row: Row4): number => degrees(Math.atan2(row[2], row[1]));
export const distance = (row: Row4): number => Math.hypot(row[1], row[2], row[3]);
export const first = (source: Source): Row4 => source.positions[0] ?? [0, 1, 0, 0];

/** Return the source with its first position moved, and its whole path with it. */
export function moved(source: Source, x: number, y: number): Source {
  const [, x0, y0] = first(source);
  const round = (v: number): number => Math.round(v * 1000) / 1000;
  return {
    ...source,
    positions: source.positions.map(([t, px, py, pz]) => [
      t,
      round(px - x0 + x),
      round(py - y0 + y),
      pz,
    ]),
  };
}

/** Return the source at another azimuth and distance along the ground. */
export function placed(source: Source, azimuthDeg: number, distanceM: number): Source {
  const z = first(source)[3];
  const flat = Math.sqrt(Math.max(distanceM ** 2 - z ** 2, 0.01));
  return moved(
    source,
    flat * Math.cos(radians(azimuthDeg)),
    flat * Math.sin(radians(azimuthDeg)),
  );
}

/** Return where a source is at a time: straight lines between its rows, held before and after. */
export function positionAt(source: Source, seconds: number): Row4 {
  const rows = source.positions;
  const next = rows.findIndex((row) => row[0] > seconds);
  if (next === 0) return first(source);
  const b = rows[next];
  const a = rows[next - 1];
  if (!a || !b) return rows.at(-1) ?? first(source);
  const part = (seconds - a[0]) / (b[0] - a[0]);
  return [seconds, a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2]), a[3] + part * (b[3] - a[3])];
}
