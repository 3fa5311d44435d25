import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { freshName, namesAround } from '../../ir/walk.ts';

const saturating: ReadonlySet<string> = new Set(['Softmax', 'Sigmoid', 'LogSoftmax']);
const between: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** A copy that gives what a last Softmax or Sigmoid reads in place of its result, under the same names: where shares come
 *  near 0 and 1, they hide or exaggerate what quantizing did. */
export function withHeads(model: Model): Model {
  const copy = clone(model);
  const { graph } = copy;
  const names = namesAround(graph);
  const edit = new Edit(copy, { pass: 'recover', rule: 'heads', reason: 'saturation hides noise' });
  const outputs = new Set(graph.outputs);
  for (const value of outputs) {
    const head = headOf(value);
    if (head === null || outputs.has(head)) continue;
    const { name } = value;
    edit.replaceUses(value, head, ({ user }) => user === graph);
    edit.rename(value, freshName(names, `${name}_share`));
    edit.rename(head, name);
  }
  edit.commit();
  return copy;
}

function headOf(output: Value): Value | null {
  let { producer } = output;
  while (producer !== null && producer.domain === '' && between.has(producer.op))
    producer = producer.inputs[0]?.producer ?? null;
  if (producer === null || producer.domain !== '' || !saturating.has(producer.op)) return null;
  const head = producer.inputs[0];
  return head?.producer == null ? null : head;
}
