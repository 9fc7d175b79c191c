// What the service says and is asked, as in /api/openapi.json.

export interface Job {
  id: string;
  kind: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  name: string;
  stage: string;
  done: number;
  position: number | null;
  seen: boolean;
  message: string;
  parent: string | null;
  files: string[];
}

export type Row4 = [number, number, number, number];

export interface Part {
  id: string;
  name: string;
  concept: string;
  level_db: number;
  stem: string | null;
  gain: [number, number][];
  credits: unknown[];
}

export interface Source extends Part {
  kind: "point" | "area";
  positions: Row4[];
  spread_deg: number;
  region: { box_px: Row4; polygon_px: [number, number][]; score: number } | null;
}

export interface Scene {
  schema: string;
  sources: Source[];
  bed: Part[];
  duration_s: number;
  seed: number;
  listener: { position_m: number[]; yaw_deg: number };
  air: Record<string, number>;
  origin: Record<string, unknown>;
}

export interface SceneView {
  scene: Scene;
  words: string;
  phrases: Record<string, string>;
  stems: Record<string, string>;
  picture: { width_px: number; height_px: number } | null;
  picture_url: string | null;
  voiced: boolean;
}

export interface MapView {
  names: string[];
  queries: string[];
  hours: (number | null)[];
  bounds: number[];
  drawn_bounds: number[];
  spans: [number, number][];
  colours: string[];
  notes: string[];
}

export interface About {
  version: string;
  features: Record<string, boolean>;
  why_not: Record<string, string>;
  layouts: string[];
  tiles: string[];
  limits: { upload_mb: number; duration_s: number; clip_s: number };
}

/** What the service refused, in its own words. */
export class Refused extends Error {}

export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Refused("the service does not answer; is it still running?");
  }
  if (!answer.ok) {
    const told = (await answer.json().catch(() => null)) as { error?: string } | null;
    throw new Refused(told?.error ?? `the service answered ${answer.status}`);
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const post = <T>(path: string, body: unknown): Promise<T> =>
  ask<T>(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

export const send = <T>(path: string, query: Record<string, string>, file: Blob): Promise<T> =>
  ask<T>(`${path}?${new URLSearchParams(query)}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: file,
  });

/** Follow a job until it is over; `tell` hears of each change. */
export function follow(id: string, tell: (job: Job) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    const stream = new EventSource(`/api/jobs/${id}/events`);
    let failures = 0;
    stream.addEventListener("job", (event) => {
      failures = 0;
      const job = JSON.parse((event as MessageEvent<string>).data) as Job;
      tell(job);
      if (job.state === "done" || job.state === "failed" || job.state === "cancelled") {
        stream.close();
        resolve(job);
      }
    });
    stream.addEventListener("error", () => {
      failures += 1;
      if (stream.readyState === EventSource.CLOSED || failures > 5) {
        stream.close();
        ask<Job>(`/api/jobs/${id}`).then(resolve, reject);
      }
    });
  });
}
