// The scene as a graph of Web Audio: each stem through HRTF panners, the bed from all around.

import type { Part, Row4, Scene, Source } from "./api";
import { distance, first, radians, type Listener } from "./geometry";

const STEM_LUFS = -30; // what every stem is made at, see docs/voice.md
const LOUDEST_LUFS = -20;
const SMOOTH_S = 0.03;

export interface Heard {
  scene: Scene;
  buffers: Map<string, AudioBuffer>;
  silent: Set<string>;
  listener: Listener;
}

const amplitude = (db: number): number => 10 ** (db / 20);

/** Level of the loudest part where the scene's own listener is: full scale follows from it. */
export function reference(scene: Scene): number {
  const levels = [
    ...scene.sources.map((s) => s.level_db - 20 * Math.log10(Math.max(distance(first(s)), 1))),
    ...scene.bed.map((b) => b.level_db),
  ];
  return levels.length ? Math.max(...levels) : 60;
}

function spreadAngles(source: Source): number[] {
  if (source.kind !== "area" || source.spread_deg < 8) return [0];
  const count = source.spread_deg < 60 ? 3 : source.spread_deg < 200 ? 5 : 8;
  const full = source.spread_deg >= 300;
  return Array.from({ length: count }, (_, i) =>
    full ? (360 * i) / count : source.spread_deg * ((i + 0.5) / count - 0.5),
  );
}

function turned([t, x, y, z]: Row4, deg: number): Row4 {
  const [c, s] = [Math.cos(radians(deg)), Math.sin(radians(deg))];
  return [t, x * c - y * s, x * s + y * c, z];
}

interface Voice {
  gain: GainNode;
  panners: { node: PannerNode; deg: number }[];
  sources: AudioBufferSourceNode[];
  moves: boolean;
}

export class Mixer {
  private readonly out: GainNode;
  private readonly voices = new Map<string, Voice>();
  private started = 0;

  constructor(
    private readonly context: BaseAudioContext,
    private heard: Heard,
    private readonly referenceDb: number,
  ) {
    this.out = context.createGain();
    const limiter = context.createDynamicsCompressor();
    limiter.threshold.value = -3;
    limiter.knee.value = 0;
    limiter.ratio.value = 20;
    limiter.attack.value = 0.002;
    this.out.connect(limiter).connect(context.destination);
    for (const source of heard.scene.sources) this.addSource(source);
    for (const bed of heard.scene.bed) this.addBed(bed);
    this.place(heard.listener);
    this.apply(heard, true);
  }

  private player(buffer: AudioBuffer): AudioBufferSourceNode {
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.loop = true;
    return node;
  }

  private addSource(source: Source): void {
    const buffer = this.heard.buffers.get(source.id);
    if (!buffer) return;
    const gain = this.context.createGain();
    gain.gain.value = 0;
    const angles = spreadAngles(source);
    const voice: Voice = { gain, panners: [], sources: [], moves: source.positions.length > 1 };
    for (const deg of angles) {
      const panner = this.context.createPanner();
      panner.panningModel = "HRTF";
      panner.distanceModel = "inverse";
      panner.refDistance = 1;
      panner.rolloffFactor = 1;
      const part = this.context.createGain();
      part.gain.value = 1 / Math.sqrt(angles.length);
      const player = this.player(buffer);
      player.connect(part).connect(panner).connect(gain);
      voice.panners.push({ node: panner, deg });
      voice.sources.push(player);
    }
    gain.connect(this.out);
    this.voices.set(source.id, voice);
  }

  private addBed(bed: Part): void {
    const buffer = this.heard.buffers.get(bed.id);
    if (!buffer) return;
    const gain = this.context.createGain();
    gain.gain.value = 0;
    // The same sound at two times is two sounds: the ears get one each, and it is all around.
    const merger = this.context.createChannelMerger(2);
    const voice: Voice = { gain, panners: [], sources: [], moves: false };
    for (const ear of [0, 1]) {
      const player = this.player(buffer);
      player.connect(merger, 0, ear);
      voice.sources.push(player);
    }
    merger.connect(gain).connect(this.out);
    this.voices.set(bed.id, voice);
  }

  /** Put the head somewhere and turn it. */
  place(listener: Listener): void {
    this.heard.listener = listener;
    const ears = this.context.listener;
    const yaw = radians(listener.yaw);
    const set = (param: AudioParam, value: number): void => {
      if (this.context instanceof OfflineAudioContext) param.value = value;
      else param.setTargetAtTime(value, this.context.currentTime, SMOOTH_S);
    };
    if (ears.positionX) {
      set(ears.positionX, -listener.y);
      set(ears.positionY, 0);
      set(ears.positionZ, -listener.x);
      set(ears.forwardX, -Math.sin(yaw));
      set(ears.forwardY, 0);
      set(ears.forwardZ, -Math.cos(yaw));
      set(ears.upX, 0);
      set(ears.upY, 1);
      set(ears.upZ, 0);
    } else {
      ears.setPosition(-listener.y, 0, -listener.x);
      ears.setOrientation(-Math.sin(yaw), 0, -Math.cos(yaw), 0, 1, 0);
    }
  }

  /** Take over positions, levels and who is silent; stems stay. */
  apply(heard: Heard, atOnce = false): void {
    this.heard = heard;
    const now = this.context.currentTime;
    const parts: (Part | Source)[] = [...heard.scene.sources, ...heard.scene.bed];
    for (const part of parts) {
      const voice = this.voices.get(part.id);
      if (!voice) continue;
      const level = heard.silent.has(part.id)
        ? 0
        : amplitude(part.level_db - this.referenceDb + LOUDEST_LUFS - STEM_LUFS);
      if (part.gain.length && level > 0) {
        this.automate(voice.gain.gain, part.gain.map(([t, v]) => [t, v * level]));
      } else if (atOnce) voice.gain.gain.value = level;
      else {
        voice.gain.gain.cancelScheduledValues(now);
        voice.gain.gain.setTargetAtTime(level, now, SMOOTH_S);
      }
      if (!("positions" in part)) continue;
      for (const { node, deg } of voice.panners) {
        const rows = part.positions.map((row) => turned(row, deg));
        const axes: [AudioParam, (row: Row4) => number][] = [
          [node.positionX, (row) => -row[2]],
          [node.positionY, (row) => row[3]],
          [node.positionZ, (row) => -row[1]],
        ];
        for (const [param, pick] of axes) {
          const one = rows[0];
          if (rows.length > 1) this.automate(param, rows.map((row) => [row[0], pick(row)]));
          else if (one && atOnce) param.value = pick(one);
          else if (one) {
            param.cancelScheduledValues(now);
            param.setTargetAtTime(pick(one), now, SMOOTH_S);
          }
        }
      }
    }
  }

  /** Let a parameter follow rows of time and value, in this and the next rounds of the scene. */
  private automate(param: AudioParam, rows: [number, number][]): void {
    const now = this.context.currentTime;
    const length = this.heard.scene.duration_s;
    param.cancelScheduledValues(now);
    const round = Math.max(0, Math.floor((now - this.started) / length));
    for (let k = round; k < round + 40; k++) {
      const start = this.started + k * length;
      rows.forEach(([t, value], i) => {
        const at = start + t;
        if (at < now) return;
        if (i === 0) param.setValueAtTime(value, at);
        else param.linearRampToValueAtTime(value, at);
      });
    }
    const into = now - this.started - round * length;
    const before = rows.filter(([t]) => t <= into).at(-1) ?? rows[0];
    if (before) param.setValueAtTime(before[1], now);
  }

  start(offset = 0): void {
    const now = this.context.currentTime;
    this.started = now - offset;
    for (const voice of this.voices.values()) {
      voice.sources.forEach((player, i) => {
        const length = player.buffer?.duration ?? 1;
        const share = (i * length) / voice.sources.length;
        player.start(now, (offset + share) % length);
      });
    }
    this.apply(this.heard, true);
  }

  /** Seconds into the scene. */
  get offset(): number {
    return (this.context.currentTime - this.started) % this.heard.scene.duration_s;
  }

  stop(): void {
    for (const voice of this.voices.values()) {
      for (const player of voice.sources) player.stop();
    }
    this.out.disconnect();
  }
}

/** Render the same graph offline and return the energy at each ear. */
export async function energies(
  heard: Heard,
  referenceDb: number,
  seconds = 2,
): Promise<{ left: number; right: number }> {
  const rate = 48000;
  const context = new OfflineAudioContext(2, Math.round(seconds * rate), rate);
  new Mixer(context, { ...heard, listener: { ...heard.listener } }, referenceDb).start();
  const made = await context.startRendering();
  const energy = (channel: number): number => {
    let total = 0;
    for (const v of made.getChannelData(channel)) total += v * v;
    return total;
  };
  return { left: energy(0), right: energy(1) };
}

