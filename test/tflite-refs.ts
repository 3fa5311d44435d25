import { existsSync } from 'node:fs';
import type { Tensor } from '../src/core/tensor.ts';
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
      inputs?: unknown[];
      outputs?: unknown[];
    }[];
  }[];
}

const root = 'tflite-models';

/** All cases of ../shared/data whose inputs are stored, or none (said loudly) where it is missing. */
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
      const fed = read('input', inputs).filter((item) => item !== null);
      if (fed.length < (inputs?.length ?? 0)) return [];
      const bytes = sharedFile(`${root}/${model}`)!;
      return [{ model, bytes, input, runtime, inputs: fed, outputs: read('output', outputs) }];
    }),
  );
}
