import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Tensor } from '../src/core/tensor.ts';
import { readNpy } from '../src/formats/npy.ts';
import { sharedData, sharedFile } from './shared.ts';

/** Stored inputs of a TFLite file and what another runtime made of them. */
export interface TfliteReference {
  /** Path below tflite-models/. */
  readonly model: string;
  readonly bytes: Uint8Array;
  /** Seeded numbers, or data of the kind that the model is for. */
  readonly input: 'random' | 'natural';
  /** Who made the outputs. */
  readonly runtime: string;
  readonly inputs: Tensor[];
  /** In the order of the outputs; null where one was too large to keep. */
  readonly outputs: (Tensor | null)[];
}

interface Index {
  models: {
    model: string;
    cases?: {
      input: 'random' | 'natural';
      refs?: string;
      runtime?: string;
      inputs?: MadeInput[];
      outputs?: unknown[];
    }[];
  }[];
}

interface MadeInput {
  shape: number[];
  dtype: string;
  /** How the numbers were made. */
  made: string;
  seed?: number;
  sha256?: string;
}

const root = 'tflite-models';

/** Numbers in [0, 1), as the references were made with: mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An input that is too large to keep, made again; null where the rule is another or the bytes are not the same. */
function remade({ shape, dtype, made, seed, sha256 }: MadeInput): Tensor | null {
  if (seed === undefined || sha256 === undefined) return null;
  const next = mulberry32(seed);
  const count = shape.reduce((product, size) => product * size, 1);
  const range = /^uniform \[(-?[\d.]+),(-?[\d.]+)\)$/.exec(made);
  const share = /^true where u<([\d.]+)$/.exec(made);
  let tensor: Tensor;
  if (dtype === 'float32' && range !== null) {
    const [low, high] = [Number(range[1]), Number(range[2])];
    const make = (): number => next() * (high - low) + low;
    tensor = new Tensor('float32', Float32Array.from({ length: count }, make), shape);
  } else if (dtype === 'bool' && share !== null) {
    const make = (): number => (next() < Number(share[1]) ? 1 : 0);
    tensor = new Tensor('bool', Uint8Array.from({ length: count }, make), shape);
  } else return null;
  const data = tensor.data as Float32Array | Uint8Array;
  const hash = createHash('sha256');
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex') === sha256 ? tensor : null;
}

/** All cases of ../shared/data whose inputs are stored or can be made again, or none (said loudly) where it is missing. */
export function tfliteReferences(): TfliteReference[] {
  const folder = sharedData();
  if (folder === null) return [];
  const index = JSON.parse(
    new TextDecoder().decode(sharedFile(`${root}/refs/index.json`)!),
  ) as Index;
  const tensor = (path: string): Tensor | null =>
    existsSync(`${folder}${path}`) ? readNpy(sharedFile(path)!, path) : null;
  return index.models.flatMap(({ model, cases = [] }) =>
    cases.flatMap(({ input, refs, runtime, inputs, outputs }) => {
      if (refs === undefined || runtime === undefined) return [];
      const read = (kind: string, all: unknown[] = []): (Tensor | null)[] =>
        all.map((_, i) => tensor(`${root}/${refs}/${kind}_${i}.npy`));
      const fed = read('input', inputs)
        .map((item, i) => item ?? remade(inputs![i]!))
        .filter((item) => item !== null);
      if (fed.length < (inputs?.length ?? 0)) return [];
      const bytes = sharedFile(`${root}/${model}`)!;
      return [{ model, bytes, input, runtime, inputs: fed, outputs: read('output', outputs) }];
    }),
  );
}
