import type { Region } from '../../wasm/arena.ts';
import type { Engine } from './engine.ts';

/** Weights in wasm memory, in the panels that an engine takes: [ceil(n/8)][taps][ceil(k/group)][8][group]. */
export interface Panels {
  readonly engine: Engine;
  readonly n: number;
  readonly taps: number;
  readonly k: number;
  /** Address of the panels. */
  readonly address: number;
  /** Address of a panel whose first column is all ones, for sums of activations; 0 when nobody needs them. */
  readonly ones: number;
  /** Sum of each column's weights, as stored (signed). */
  readonly sums: Int32Array;
  /** Zero point of each column as stored; null when all are 0. */
  readonly zeros: Int32Array | null;
}

/** Where a weight is: w[column, tap, k] at column·n + tap·tap + k·k bytes. */
export interface Strides {
  readonly n: number;
  readonly tap: number;
  readonly k: number;
}

export const padded = (n: number): number => Math.ceil(n / 8) * 8;

/** Bytes of panels. */
export const panelBytes = ({ group }: Engine, n: number, taps: number, k: number): number =>
  padded(n) * taps * Math.ceil(k / group) * group;

/** Zero points of weights once unsigned ones are stored as signed. */
export function storedZeros(zeros: Int32Array, n: number, unsigned: boolean): Int32Array | null {
  const shift = unsigned ? 128 : 0;
  if (zeros.every((zero) => zero === shift)) return null;
  return Int32Array.from({ length: n }, (_, j) => zeros[zeros.length === 1 ? 0 : j]! - shift);
}

/** Takes memory for panels: a block of a region, or scratch of the caller's. */
export type Take = (bytes: number) => number;

/** Sizes of weights in panels. */
export interface PanelSizes {
  readonly n: number;
  readonly taps: number;
  readonly k: number;
}

/** Where panels go. */
export type PanelPlace = Pick<Panels, 'address' | 'ones'>;

/** Takes memory for panels. */
export function placePanels(
  engine: Engine,
  take: Take,
  { n, taps, k }: PanelSizes,
  zeros: Int32Array | null,
): PanelPlace {
  const address = take(panelBytes(engine, n, taps, k));
  return { address, ones: zeros === null ? 0 : take(panelBytes(engine, 1, taps, k)) };
}

/** Packs weights that are in wasm memory at `source`. */
export function packPanels(
  engine: Engine,
  place: PanelPlace,
  source: number,
  { n, taps, k }: PanelSizes,
  strides: Strides,
  unsigned: boolean,
  zeros: Int32Array | null,
): Panels {
  const { arena, simd } = engine.backend;
  const { group } = engine;
  const { address, ones } = place;
  const sums = new Int32Array(n);
  arena.withScratch([4 * padded(n), 4], (total, one) => {
    const { n: byN, k: byK, tap: byTap } = strides;
    const flip = unsigned ? 1 : 0;
    simd.q8_pack_panels(source, address, total, n, k, taps, byN, byK, byTap, group, flip);
    sums.set(arena.views().i32.subarray(total >>> 2, (total >>> 2) + n));
    if (ones !== 0) {
      arena.views().u8[one] = 1;
      simd.q8_pack_panels(one, ones, total, 1, k, taps, 0, 0, 0, group, 0);
    }
  });
  return { engine, n, taps, k, address, ones, sums, zeros };
}

/** Takes blocks of a region, and gives all back at once. */
export class Blocks {
  readonly #engine: Engine;
  readonly #region: Region;
  #addresses: number[] = [];
  /** Bytes taken. */
  bytes = 0;

  constructor(engine: Engine, region: Region) {
    this.#engine = engine;
    this.#region = region;
  }

  readonly take: Take = (bytes) => {
    const address = this.#engine.backend.arena.allocate(this.#region, bytes);
    this.#addresses.push(address);
    this.bytes += bytes;
    return address;
  };

  release(): void {
    for (const address of this.#addresses) this.#engine.backend.arena.free(address);
    this.#addresses = [];
  }
}
