import { integerRange } from '../core/dtype.ts';
import { volume } from '../core/shape.ts';
import { constantOfValue, readConstant, smallValues } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import { type Graph, Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Quantization, tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { findOp, ops } from '../ops/index.ts';
import { quantizationOf, saidQuantization, sameQuantization } from './quantization-of.ts';
import { isMover, moveOnReals } from './quantized-moves.ts';

export interface ImportOptions {
  /** `run` (default): what integer kernels take; a node stays where elements are only moved, as passes may take these
   *  moves away. `store`: for a format whose tensors are quantized: no node stays but at integer inputs and outputs of
   *  the main graph; what is quantized where it can't be attached becomes an Identity. */
  purpose?: 'run' | 'store';
}

/** Turns quantization that is written as nodes into quantization attached to values:
 *  - DequantizeLinear of a constant becomes a constant with its integers and a quantization;
 *  - a value that is only quantized, and the results of dequantizing it again, become one value that is stored as
 *    integers;
 *  - a DequantizeLinear that stays (of a graph's input) has a result that is stored as it comes.
 *  A QuantizeLinear stays where a graph gives integers, or something else reads them. Returns one sentence, or none. */
export function importQuantization(model: Model, options: ImportOptions = {}): string[] {
  const toStore = options.purpose === 'store';
  if (toStore) moveOnReals(model);
  const edit = new Edit(model, {
    pass: 'import-quantization',
    rule: 'attach',
    reason: 'integer kernels take values with a quantization, not nodes',
  });
  const names = toStore ? namesAround(model.graph) : new Set<string>();
  let constants = 0;
  let values = 0;
  let removed = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const isStandard = node.domain === '' || node.domain === 'com.microsoft';
      if (isStandard && node.op === 'DequantizeLinear') {
        if (attachConstant(edit, graph, node, toStore)) constants++;
        else if (attachDequantized(edit, node, toStore)) values++;
      } else if (isStandard && node.op === 'QuantizeLinear') {
        if (attachQuantized(edit, node, toStore ? names : null)) values++;
      } else if (toStore) passOn(node);
    }
  }
  for (const graph of allGraphs(model.graph))
    for (const node of graph.nodes) if (attachReshaped(edit, node)) constants++;
  for (const graph of allGraphs(model.graph)) {
    for (const node of [...graph.nodes].reverse()) {
      const isUnused = node.outputs.every(({ uses }) => uses.size === 0);
      const isLeft = attached.test(node.op) || (node.op === 'Reshape' && isStored(node.inputs[0]));
      if (!isUnused || !isLeft) continue;
      edit.removeNode(node);
      removed++;
    }
  }
  if (constants + values + removed === 0) return [];
  edit.commit();
  return [`${constants} constants and ${values} values have their quantization attached`];
}

/** Elements of a quantized value that are only moved are as quantized. */
function passOn(node: Node): void {
  const { quantization = null, constant } = node.inputs[0] ?? { constant: null };
  if (quantization === null || quantization.axis !== null || constant != null) return;
  if (!isMover(node) || node.op === 'Identity') return;
  for (const output of node.outputs) {
    if (output.quantization !== null || isModelOutput(output) || !isFloat(output)) return;
    output.quantization = quantization;
  }
}

function attachConstant(edit: Edit, graph: Graph, node: Node, toStore: boolean): boolean {
  const input = node.inputs[0]!;
  const constant = constantOfValue(input);
  const output = node.outputs[0]!;
  if (constant === null || input.quantization !== null || isGraphOutput(output)) return false;
  const quantization = quantizationOf(node, constant.dtype);
  if (quantization === null) return false;
  // Sessions read it at once.
  if (!toStore && readConstant(constant) instanceof Promise) return false;
  const value = edit.addConstant(graph, output.name, constant);
  value.type = tensorType('float32', constant.shape);
  value.quantization = quantization;
  edit.replaceUses(output, value);
  return true;
}

/** Operators that this leaves without readers. */
const attached = /^(De)?[Qq]uantizeLinear$/;

const isStored = (value: Value | null | undefined): boolean =>
  value != null && value.constant !== null && value.quantization !== null;

/** Quantized constants in another shape, as blocks of a convolution's weights are written: the same integers, whose
 *  scales go by the shape that they were quantized in. */
function attachReshaped(edit: Edit, node: Node): boolean {
  const [value, sizes] = node.inputs;
  const output = node.outputs[0]!;
  if (node.op !== 'Reshape' || node.domain !== '' || value == null || sizes == null) return false;
  const { constant, quantization } = value;
  const known = constantOfValue(sizes);
  if (constant === null || quantization === null || known === null || isGraphOutput(output))
    return false;
  const wished = smallValues(known)?.map(Number) ?? [];
  const allowsZero = node.attributes.get('allowzero');
  if (allowsZero?.type === 'int' && Number(allowsZero.value) !== 0) return false;
  const copied = wished.map((size, axis) => (size === 0 ? (constant.shape[axis] ?? 0) : size));
  const rest = copied.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const shape = copied.map((size) => (size < 0 ? volume(constant.shape) / rest : size));
  if (volume(shape) !== volume(constant.shape) || value.graph !== node.graph) return false;
  const { origin: _record, permuted: _order, ...stored } = constant;
  const made = edit.addConstant(node.graph, output.name, { ...stored, shape });
  made.type = tensorType('float32', shape);
  const view = quantization.axis === null ? null : (quantization.view ?? constant.shape);
  made.quantization = { ...quantization, view };
  edit.replaceUses(output, made);
  return true;
}

/** x → QuantizeLinear: x itself becomes integers, if nothing else reads it.
 *  @param names  in use, where all is to be attached */
function attachQuantized(edit: Edit, node: Node, names: Set<string> | null): boolean {
  const x = node.inputs[0]!;
  const quantization = wholeOf(saidQuantization(node));
  if (quantization === null || isAs(x, quantization)) return false;
  if (canAttach(x, node, quantization)) {
    // What only moves elements may be taken away by later passes, and its result with it: the node stays, unless the
    // elements are integers already.
    const { domain, op, inputs } = x.producer!;
    const moves = findOp(ops, domain, op)?.traits?.moves !== undefined;
    if (names !== null ? attachMoved(x, quantization) : !moves || isAs(inputs[0], quantization)) {
      x.quantization = quantization;
      return true;
    }
  }
  if (names === null || !isFloat(x)) return false;
  const read = readBack(node);
  const name = read?.name ?? freshName(names, `${node.outputs[0]!.name}_real`);
  const spec = { op: 'Identity', inputs: [x] };
  const anew = edit.addNode({ before: node }, spec, [{ name, type: x.type }]).outputs[0]!;
  anew.quantization = quantization;
  anew.origin = read?.origin ?? null;
  edit.setInput(node, 0, anew);
  return true;
}

/** What the result of a QuantizeLinear is dequantized to, if it is and the value can go. */
function readBack(node: Node): Value | null {
  for (const { user } of node.outputs[0]!.uses) {
    const isRead = user instanceof Node && user.op === 'DequantizeLinear';
    if (isRead && !isModelOutput(user.outputs[0]!)) return user.outputs[0]!;
  }
  return null;
}

/** Attaches what is quantized behind operators that move elements to what they move. */
function attachMoved(x: Value, quantization: Quantization): boolean {
  const node = x.producer!;
  const source = node.inputs[0];
  if (!isMover(node)) return true;
  if (isAs(source, quantization)) return true;
  if (source == null || node.outputs.length !== 1) return false;
  if (!canAttach(source, node, quantization) || !attachMoved(source, quantization)) return false;
  source.quantization = quantization;
  return true;
}

function isAs(value: Value | null | undefined, quantization: Quantization): boolean {
  return sameQuantization(value?.quantization ?? null, quantization);
}

/** Whether a value is computed and nothing reads it but one node, or nodes that quantize it in the same way. */
function canAttach(x: Value, reader: Node, quantization: Quantization): boolean {
  if (x.producer === null || x.graph !== reader.graph || x.quantization !== null) return false;
  if (constantOfValue(x) !== null || !isFloat(x)) return false;
  for (const { user, index } of x.uses) {
    if (user === reader && index === 0) continue;
    if (!(user instanceof Node) || user.op !== 'QuantizeLinear' || index !== 0) return false;
    if (!sameQuantization(saidQuantization(user), quantization)) return false;
  }
  return true;
}

function attachDequantized(edit: Edit, node: Node, toStore: boolean): boolean {
  const q = node.inputs[0]!;
  const output = node.outputs[0]!;
  if (output.quantization !== null) return false;
  const quantization = wholeOf(saidQuantization(node));
  if (quantization === null) return false;
  const source = q.producer;
  const x = source?.op === 'QuantizeLinear' ? source.inputs[0]! : null;
  const isAttached = x !== null && isAs(x, quantization);
  if (isAttached) {
    const isInside = x.graph === output.graph && x.graph.owner !== null;
    edit.replaceUses(output, x, ({ user }) => user instanceof Node || (toStore && isInside));
    if (output.uses.size === 0) return true;
  }
  if (toStore && isAttached) {
    const { name, origin, type } = output;
    const spec = { op: 'Identity', inputs: [x] };
    const real = edit.addNode({ before: node }, spec, [{ name, type }]).outputs[0]!;
    real.origin = origin;
    edit.replaceUses(output, real);
  } else if (toStore && isModelOutput(output)) return false;
  else output.quantization = quantization;
  return true;
}

/** Integers of a whole tensor that kernels and files know. */
function wholeOf(quantization: Quantization | null): Quantization | null {
  if (quantization === null || quantization.axis !== null) return null;
  const { storage } = quantization;
  if (storage !== 'int8' && storage !== 'uint8' && storage !== 'int16' && storage !== 'uint16')
    return null;
  const { min, max } = integerRange(storage);
  const zero = quantization.zeroPoint?.[0] ?? 0;
  return zero >= min && zero <= max ? quantization : null;
}

function isFloat({ type }: Value): boolean {
  return type?.kind === 'tensor' && type.dtype === 'float32';
}

function isModelOutput({ uses }: Value): boolean {
  for (const { user } of uses) if (!(user instanceof Node) && user.owner === null) return true;
  return false;
}

function isGraphOutput({ uses }: Value): boolean {
  for (const { user } of uses) if (!(user instanceof Node)) return true;
  return false;
}
