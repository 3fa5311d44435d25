import { clone } from '../../ir/clone.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { lossless } from '../lossless.ts';
import { prepareForIntegers } from '../prepare/index.ts';
import { outputsOf, type Parts, partsOf } from '../sensitivity/parts.ts';
import { powerOf } from '../sensitivity/rounding.ts';
import { type Attached, attachedOf } from './attached.ts';
import { type Pairs, pairUp, valuesOf } from './pair.ts';
import type { Head } from './shares.ts';

/** Two models side by side: in real numbers, and quantized. */
export interface Sides {
  readonly reference: Parts;
  readonly other: Attached;
  readonly pairs: Pairs;
  readonly heads: readonly Head[];
}

/** @param reference  is brought into the form that the other model has been made of, as its weights tell: as it is; with
 *                    BatchNormalization folded; prepared for integers */
export async function sidesOf(reference: Model, quantized: Model): Promise<Sides> {
  const other = await attachedOf(quantized);
  let best: { model: Model; parts: Parts; pairs: Pairs } | null = null;
  let most = -Infinity;
  const copy = clone(reference);
  for (const rewrite of rewrites) {
    await rewrite(copy);
    const model = clone(copy);
    const parts = await partsOf(model);
    const pairs = await pairUp(parts, other);
    const score = likeness(parts, pairs);
    // A form further from the reference must be clearly nearer to the other model.
    if (score <= most + 0.001) continue;
    most = score;
    best = { model, parts, pairs };
  }
  const { model, parts, pairs } = best!;
  return { reference: parts, other, pairs, heads: headsOf(model, parts, other, pairs) };
}

const rewrites: readonly ((model: Model) => Promise<unknown>)[] = [
  async () => undefined,
  lossless,
  prepareForIntegers,
];

/** How well weights agree, 0 … 1 on average: exact ones 1, those of another layer 0. */
function likeness({ layers }: Parts, pairs: Pairs): number {
  let sum = 0;
  for (const { before, after } of pairs.layers.values()) {
    const noise = powerOf(after.map((x, i) => x - before[i]!));
    const signal = powerOf(before);
    sum += signal > 0 ? Math.max(0, 1 - noise / signal) : 1;
  }
  return layers.size === 0 ? 0 : sum / layers.size;
}

/** Outputs, or what a last Softmax reads where the other model has it, too. */
function headsOf(model: Model, reference: Parts, other: Attached, { values }: Pairs): Head[] {
  const byName = valuesOf(reference);
  const outputs = outputsOf(model);
  return reference.heads.flatMap((head, index) => {
    const name = outputs[index]!;
    const inside = values.get(byName.get(head)!);
    if (inside !== undefined) return { name: head, other: inside.name };
    const whole: Value | undefined = values.get(byName.get(name)!);
    const at = whole?.name ?? other.heads[index];
    return at === undefined ? [] : { name, other: at };
  });
}
