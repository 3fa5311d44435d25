import { clone } from '../../ir/clone.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { lossless } from '../lossless.ts';
import { outputsOf, type Parts, partsOf } from '../sensitivity/parts.ts';
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

/** @param reference  BatchNormalization is folded in a copy unless the other model still has its own */
export async function sidesOf(reference: Model, quantized: Model): Promise<Sides> {
  const other = await attachedOf(quantized);
  const copy = clone(reference);
  if (normalizations(copy) > normalizations(other.model)) await lossless(copy);
  const first = await partsOf(copy);
  const pairs = await pairUp(first, other);
  return { reference: first, other, pairs, heads: headsOf(copy, first, other, pairs) };
}

function normalizations({ graph }: Model): number {
  return graph.nodes.filter(({ op }) => op === 'BatchNormalization').length;
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
