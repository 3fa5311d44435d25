import type { DType } from '../core/dtype.ts';
import { Edit } from '../ir/edit.ts';
import { Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { dtypeOf, type Quantization, tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { saidQuantization, sameQuantization } from './quantization-of.ts';

/** Operators whose results are elements of input 0, and the same ones for every increasing function of them: they
 *  commute with quantization, exactly. Padding is never chosen by a maximum. */
const movers: ReadonlySet<string> = new Set([
  ...['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split'],
  ...['Gather', 'GatherElements', 'GatherND', 'Expand', 'Tile', 'ReverseSequence'],
  ...['DepthToSpace', 'SpaceToDepth', 'MaxPool', 'GlobalMaxPool', 'ReduceMax', 'ReduceMin'],
]);

/** Whether quantizing before the node is the same as after it. */
export function isMover({ domain, op, attributes, outputs }: Node): boolean {
  if (domain !== '' && domain !== 'mp') return false;
  if (op === 'Resize') {
    const mode = attributes.get('mode');
    return mode === undefined || (mode.type === 'string' && mode.value === 'nearest');
  }
  return movers.has(op) && (op !== 'MaxPool' || outputs.length === 1);
}

/** Moves DequantizeLinear before, and QuantizeLinear behind, operators that only move integers: what stands between
 *  them then has a quantization like everything else. Results are the same. */
export function moveOnReals(model: Model): void {
  const edit = new Edit(model, {
    pass: 'import-quantization',
    rule: 'move-reals',
    reason: 'moving quantized integers is moving what they stand for',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of [...graph.nodes].reverse()) if (pullDequantize(edit, node, names)) count++;
    for (const node of graph.nodes) if (pushQuantize(edit, node, names)) count++;
  }
  if (count > 0) edit.commit();
}

/** q → move → DequantizeLinear, which all readers are. */
function pullDequantize(edit: Edit, node: Node, names: Set<string>): boolean {
  const [q, moved] = [node.inputs[0], node.outputs[0]];
  if (!isMover(node) || q == null || moved === undefined || node.outputs.length !== 1) return false;
  if (moved.uses.size === 0 || q.constant !== null || !isStored(dtypeOf(q.type))) return false;
  if (q.producer?.op === 'QuantizeLinear') return false;
  let first: Node | null = null;
  for (const { user } of moved.uses) {
    if (!(user instanceof Node) || user.op !== 'DequantizeLinear' || user.domain !== '')
      return false;
    const said = wholeOf(user);
    if (said === null || user.graph !== node.graph) return false;
    if (first !== null && !sameQuantization(said, wholeOf(first))) return false;
    first ??= user;
  }
  const real = realOf(edit, q, first!, { node, names });
  const type = tensorType('float32', moved.type?.kind === 'tensor' ? moved.type.shape : null);
  const made = moveOf(edit, node, [real], freshName(names, `${moved.name}_real`), type);
  for (const { user } of [...moved.uses]) {
    const reader = user as Node;
    const output = reader.outputs[0]!;
    const { name } = output;
    edit.rename(output, freshName(names, `${name}_as_was`));
    if (made.name !== name) edit.rename(made, name);
    edit.replaceUses(output, made);
    edit.removeNode(reader);
  }
  edit.removeNode(node);
  return true;
}

/** QuantizeLinear → q → move, or of several such → Concat. */
function pushQuantize(edit: Edit, node: Node, names: Set<string>): boolean {
  const moved = node.outputs[0];
  const isConcat = node.op === 'Concat' && node.domain === '';
  if (moved === undefined || node.outputs.length !== 1 || !(isConcat || isMover(node)))
    return false;
  const sources: Value[] = [];
  let first: Node | null = null;
  for (const value of isConcat ? node.inputs : node.inputs.slice(0, 1)) {
    const source = value?.producer;
    if (value == null || source?.op !== 'QuantizeLinear' || source.domain !== '') return false;
    const said = wholeOf(source);
    if (said === null || (first !== null && !sameQuantization(said, wholeOf(first)))) return false;
    first ??= source;
    sources.push(value);
  }
  if (first === null) return false;
  const reals = sources.map((value) => realOf(edit, value, first, { node, names }));
  const shape = moved.type?.kind === 'tensor' ? moved.type.shape : null;
  const { name } = moved;
  const real = freshName(names, `${name}_real`);
  const made = moveOf(edit, node, reals, real, tensorType('float32', shape));
  const spec = {
    op: 'QuantizeLinear',
    inputs: [made, ...first.inputs.slice(1)],
    attributes: first.attributes,
  };
  const type = tensorType(dtypeOf(first.outputs[0]!.type), shape);
  edit.rename(moved, freshName(names, `${name}_as_was`));
  const stored = edit.addNode({ before: node }, spec, [{ name, type }]).outputs[0]!;
  edit.replaceUses(moved, stored);
  edit.removeNode(node);
  return true;
}

/** What integers stand for, as another node says it.
 *  @param said  a QuantizeLinear or DequantizeLinear */
function realOf(
  edit: Edit,
  q: Value,
  said: Node,
  { node, names }: { node: Node; names: Set<string> },
): Value {
  const attributes = [...said.attributes].filter(([name]) => name === 'axis');
  const spec = { op: 'DequantizeLinear', inputs: [q, ...said.inputs.slice(1)], attributes };
  const type = tensorType('float32', q.type?.kind === 'tensor' ? q.type.shape : null);
  const name = freshName(names, `${q.name}_dequantized`);
  return edit.addNode({ before: node }, spec, [{ name, type }]).outputs[0]!;
}

function moveOf(
  edit: Edit,
  node: Node,
  reals: readonly Value[],
  name: string,
  type: Value['type'],
): Value {
  const { domain, op, attributes } = node;
  const inputs = [...reals, ...node.inputs.slice(reals.length)];
  const spec = { domain, op, name: node.name, attributes, inputs };
  return edit.addNode({ before: node }, spec, [{ name, type }]).outputs[0]!;
}

function wholeOf(node: Node): Quantization | null {
  const said = saidQuantization(node);
  return said?.axis === null ? said : null;
}

function isStored(dtype: DType | null): boolean {
  return dtype === 'int8' || dtype === 'uint8' || dtype === 'int16' || dtype === 'uint16';
}
