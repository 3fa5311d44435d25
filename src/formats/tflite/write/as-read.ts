import { isStatic } from '../../../core/shape.ts';
import { readConstant } from '../../../ir/constant.ts';
import type { Node, Origin, Value } from '../../../ir/graph.ts';
import type { Quantization } from '../../../ir/types.ts';
import { sameQuantization } from '../../../passes/quantization-of.ts';
import { isSynthetic, type ModelOrigin, operatorRecord, valueOrigin } from '../origin.ts';
import { isQuantized } from '../read/quantization.ts';
import type {
  OperatorCodeRecord,
  OperatorRecord,
  SubGraphRecord,
  TensorRecord,
} from '../records.ts';
import { builtinOperators } from '../schema-table.ts';
import { dtypeOf } from '../tensor-types.ts';
import type { Emitter, Row } from './emitter.ts';
import { makeOperand, type Operand } from './operand.ts';

/** What a file that was read says still, of a model that was changed since: tensors and operators that nobody
 *  touched are written as their records. */
export class AsRead {
  readonly #origin: ModelOrigin;

  constructor(origin: ModelOrigin) {
    this.#origin = origin;
  }

  /** The tensor that a value was read from, if it is as it was. */
  tensorOf(value: Value, levels: Quantization | null = value.quantization): TensorRecord | null {
    const origin = valueOrigin(value);
    if (origin === null || !sameLevels(levels, origin.record)) return null;
    if (value.constant === null) return hasSizes(value, origin.record) ? origin.record : null;
    const base = value.constant.permuted?.base ?? value.constant;
    if (base.data === this.#origin.buffers[origin.record.buffer ?? 0]) return origin.record;
    const held = this.dataOf(origin.record);
    const bytes = readConstant(base);
    if (held === null || !(bytes instanceof Uint8Array)) return null;
    const isSame = bytes.buffer === held.buffer && bytes.byteOffset === held.byteOffset;
    return isSame ? origin.record : null;
  }

  /** Whether a tensor holds something, here or in another file. */
  hasData({ buffer = 0, externalBuffer = 0 }: TensorRecord): boolean {
    if (externalBuffer > 0) return true;
    const { record, buffers } = this.#origin;
    return record.buffers?.[buffer]?.data !== undefined || (buffers[buffer]?.size ?? 0) > 0;
  }

  /** What it holds; null for nothing, or what can't be had without waiting. */
  dataOf({ buffer = 0 }: TensorRecord): Uint8Array | null {
    const { record, buffers } = this.#origin;
    const data = record.buffers?.[buffer]?.data;
    const source = buffers[buffer];
    if (data !== undefined || source === undefined || source.size === 0) return data ?? null;
    const bytes = source.read(0, source.size);
    return bytes instanceof Uint8Array ? bytes : null;
  }

  /** A tensor of the file, as an operand. */
  operandOf(tensor: TensorRecord): Operand {
    const dtype = dtypeOf(tensor.type) ?? 'float32';
    const data = this.dataOf(tensor);
    const shape = tensor.hasRank === false ? null : [...(tensor.shape ?? [])];
    return { ...makeOperand(tensor.name ?? '', dtype, shape), record: tensor, data };
  }

  codeOf(operator: OperatorRecord): OperatorCodeRecord {
    return this.#origin.record.operatorCodes![operator.opcodeIndex ?? 0]!;
  }

  subgraph(index: number): SubGraphRecord | null {
    return this.#origin.record.subgraphs?.[index] ?? null;
  }
}

/** Options that name subgraphs, which have other numbers now. */
const namesSubgraphs = /^(If|While|Call|CallOnce)Options$/;

/** Emits the operator that some nodes were read from as its record, with its last node, if all of them are as they
 *  were; says whether that holds. */
export function emitAsRead(e: Emitter, node: Node): boolean {
  const { origin } = node;
  const { asRead, states } = e.context;
  // A state's real side, which the reader puts in front of its first use.
  if (node.op === 'DequantizeLinear' && states.has(node.inputs[0]!)) return false;
  if (asRead === null || origin === null || !isWhole(origin, e)) return false;
  const record = operatorRecord(origin);
  const subgraph = subgraphOf(origin, asRead);
  if (subgraph === null || namesSubgraphs.test(record.builtinOptions?.type ?? '')) return false;
  if (record.builtinOptions2 !== undefined) return false;
  const inputs = inputsOf(e, asRead, origin, subgraph);
  const outputs = inputs === null ? null : outputsOf(e, asRead, origin);
  if (inputs === null || outputs === null) return emitMoved(e, node, asRead, origin, subgraph);
  if (node !== origin.nodes.at(-1)) return true;
  origin.outputs.forEach((place, index) => {
    if (place !== null) e.define(place.node.outputs[place.index]!, outputs[index]!);
  });
  const intermediates = Array.from(record.intermediates ?? [], (index) =>
    e.asReadTensor(index, subgraph),
  );
  e.record(record, asRead.codeOf(record), inputs, outputs, intermediates);
  return true;
}

/** Operators that only move elements, and whose nodes have no operators of their own for all that they do. */
const movers: ReadonlySet<string> = new Set(['SPACE_TO_BATCH_ND', 'BATCH_TO_SPACE_ND']);

/** Emits an operator that moves elements as it was, between operands that are integers now. */
function emitMoved(
  e: Emitter,
  node: Node,
  asRead: AsRead,
  origin: Origin,
  subgraph: SubGraphRecord,
): boolean {
  const record = operatorRecord(origin);
  const { builtinCode = 0, deprecatedBuiltinCode = 0 } = asRead.codeOf(record);
  const name = builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
  const [use, place] = [origin.inputs[0], origin.outputs[0]];
  if (!movers.has(name) || use == null || place == null) return false;
  const x = (use.user as Node).inputs[use.index];
  const y = place.node.outputs[place.index]!;
  const known = valueOrigin(y);
  if (x == null || known === null || !hasSizes(y, known.record) || !e.isKnown(x)) return false;
  const operand = e.operandOf(x);
  if (!sameQuantization(operand.quantization, y.quantization)) return false;
  const rest = [...record.inputs!].slice(1).map((index) => {
    const tensor = subgraph.tensors?.[index];
    return tensor !== undefined && asRead.dataOf(tensor) !== null ? index : null;
  });
  if (rest.includes(null)) return false;
  if (node !== origin.nodes.at(-1)) return true;
  const others = rest.map((index) => e.asReadTensor(index!, subgraph));
  const { shape } = known.record;
  const result = makeOperand(y.name, 'float32', [...(shape ?? [])], null, y.quantization);
  e.define(y, result);
  e.raw(name, [operand, ...others], [result], record.builtinOptions);
  return true;
}

/** Whether all nodes of a record are there, and have what they had. */
function isWhole(origin: Origin, e: Emitter): boolean {
  const nodes = new Set(origin.nodes);
  const placed = new Map<Node, Set<number>>();
  for (const use of origin.inputs) {
    if (use === null) continue;
    const user = use.user as Node;
    placed.set(user, (placed.get(user) ?? new Set()).add(use.index));
  }
  const given = new Set(origin.outputs.map((place) => place?.node.outputs[place.index]));
  for (const node of nodes) {
    if (node.origin !== origin || node.graph !== e.graph) return false;
    const isOwn = node.inputs.every((value, index) => {
      if (value === null || placed.get(node)?.has(index) === true) return true;
      if (value.producer !== null && nodes.has(value.producer)) return true;
      if (e.context.states.has(value)) return true;
      return isSynthetic(value) || (value.constant !== null && value.origin !== null);
    });
    const isClosed = node.outputs.every(
      (value) =>
        given.has(value) ||
        e.context.states.has(value) ||
        [...value.uses].every(({ user }) => nodes.has(user as Node)),
    );
    if (!isOwn || !isClosed) return false;
  }
  return true;
}

function subgraphOf(origin: Origin, asRead: AsRead): SubGraphRecord | null {
  for (const node of origin.nodes) {
    for (const value of node.outputs) {
      const found = value.origin === null ? null : valueOrigin(value);
      if (found !== null) return asRead.subgraph(found.subgraph);
    }
  }
  return null;
}

function inputsOf(
  e: Emitter,
  asRead: AsRead,
  origin: Origin,
  subgraph: SubGraphRecord,
): (Operand | null)[] | null {
  const indices = operatorRecord(origin).inputs ?? new Int32Array(0);
  const operands: (Operand | null)[] = [];
  for (const [at, index] of indices.entries()) {
    const use = origin.inputs[at] ?? null;
    const value = use === null ? origin.unread.get(at) : (use.user as Node).inputs[use.index];
    const tensor = subgraph.tensors?.[index];
    if (tensor !== undefined && asRead.hasData(tensor) && asRead.dataOf(tensor) === null)
      return null;
    if (index < 0) operands.push(null);
    else if (value == null) operands.push(e.asReadTensor(index, subgraph));
    else if (value.constant !== null) {
      if (tensor === undefined || asRead.tensorOf(value) !== tensor) return null;
      operands.push(e.asReadTensor(index, subgraph));
    } else {
      if (!e.isKnown(value)) return null;
      const operand = e.operandOf(value);
      const stored = operand.quantization?.storage ?? operand.dtype;
      if (tensor === undefined || stored !== dtypeOf(tensor.type)) return null;
      // A constant that is computed now has the axes that the node wants, not those of the record.
      if (asRead.hasData(tensor)) return null;
      if (!sameLevels(operand.quantization, tensor)) return null;
      operands.push(operand);
    }
  }
  return operands;
}

function outputsOf(e: Emitter, asRead: AsRead, origin: Origin): Operand[] | null {
  const operands: Operand[] = [];
  for (const place of origin.outputs) {
    const value = place?.node.outputs[place.index];
    if (value === undefined || asRead.tensorOf(value) === null) return null;
    operands.push(e.isKnown(value) ? e.operandOf(value) : e.declare(value));
  }
  return operands;
}

function hasSizes(value: Value, tensor: TensorRecord): boolean {
  const shape = value.type?.kind === 'tensor' ? value.type.shape : null;
  const isOpen = (tensor.shape?.length ?? 0) === 0 && tensor.hasRank !== true;
  if (isOpen || !isStatic(shape) || (tensor.shapeSignature?.length ?? 0) > 0) return true;
  return (
    shape.length === (tensor.shape?.length ?? 0) &&
    shape.every((dim, i) => dim === tensor.shape![i])
  );
}

/** Whether a tensor's record says a value's quantization. */
function sameLevels(levels: Quantization | null, tensor: TensorRecord): boolean {
  if (levels === null) return !isQuantized(tensor);
  const { scale = new Float32Array(0), zeroPoint } = tensor.quantization ?? {};
  if (levels.storage !== dtypeOf(tensor.type) || levels.blockSize !== null) return false;
  if (levels.scale.length !== scale.length) return false;
  return levels.scale.every((x, i) => {
    const zero = zeroPoint?.[zeroPoint.length === 1 ? 0 : i] ?? 0n;
    return x === scale[i] && (levels.zeroPoint?.[i] ?? 0) === Number(zero);
  });
}

/** An operator without an equivalent, between operands that changed: its record with these. */
export const opaqueRow: Row = (e, node) => {
  const attribute = node.attributes.get('record');
  const value = attribute?.type === 'opaque' ? attribute.value : null;
  const { operator, code } = value as { operator: OperatorRecord; code: OperatorCodeRecord };
  if (namesSubgraphs.test(operator.builtinOptions?.type ?? '') || operator.builtinOptions2 != null)
    throw e.fail('OP', 'an operator with subgraphs that was changed');
  const inputs = node.inputs.map((_, index) => e.maybe(index));
  const outs = node.outputs.map((_, index) => e.out(index));
  e.record(operator, code, inputs, outs, []);
};
