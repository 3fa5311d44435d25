import type { DType } from '../../core/dtype.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs } from '../../ir/walk.ts';
import { pinnedOpset } from '../../ops/op.ts';
import { schemaAt } from './adapt/history.ts';
import { breaks } from './adapt/index.ts';
import { opsetOf } from './dequantize.ts';
import { firstOwnOpset, usesOwn } from './own-functions.ts';

/** The source's operator set, or the first later one that has what is new in the model. */
export function neededOpset(model: Model): number {
  let needed = model.opsets.get('') ?? 1;
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants)
      if (value.quantization !== null) needed = Math.max(needed, opsetOf(value.quantization));
    for (const node of graph.nodes)
      if (node.origin === null && node.domain === '') needed = firstFor(node, needed);
  }
  return usesOwn(model.graph) ? Math.max(needed, firstOwnOpset) : needed;
}

/** The first operator set from one on that says a node of the pinned set as it is. */
function firstFor(node: Node, from: number): number {
  let opset = from;
  while (opset < pinnedOpset && breaks(node.op, opset, pinnedOpset)) opset++;
  for (let later = opset; later <= pinnedOpset; later++) if (isSaid(node, later)) return later;
  return opset;
}

function isSaid({ op, inputs, outputs, attributes }: Node, opset: number): boolean {
  const schema = schemaAt(op, opset);
  if (schema === null) return false;
  let count = inputs.length;
  while (count > 0 && inputs[count - 1] === null) count--;
  if (count > schema.maxInputs) return false;
  for (const name of attributes.keys()) if (!schema.attributes.has(name)) return false;
  const fits = (value: Value | null, types: ReadonlySet<DType> | null): boolean => {
    const dtype = value?.type?.kind === 'tensor' ? value.type.dtype : null;
    return dtype === null || types === null || types.has(dtype);
  };
  return (
    inputs.every((value, index) => fits(value, schema.input(index))) &&
    outputs.every((value, index) => fits(value, schema.output(index)))
  );
}
