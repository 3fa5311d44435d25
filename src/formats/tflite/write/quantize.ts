import { integerRange } from '../../../core/dtype.ts';
import { Node, type Value } from '../../../ir/graph.ts';
import type { Quantization } from '../../../ir/types.ts';
import {
  quantizationOf,
  saidQuantization,
  sameQuantization,
} from '../../../passes/quantization-of.ts';
import { binary, cast, reduce, same, unary } from './blocks.ts';
import { type Emitter, knownRank, type Row } from './emitter.ts';
import { makeOperand, type Operand } from './operand.ts';

/** Where integers become real numbers, real numbers integers, and integers others. */

/** From one quantization to another, or to none. */
const identity: Row = (e, node) => {
  const x = e.in(0);
  const y = node.outputs[0]!;
  const { quantization } = y;
  if (x.quantization === null && quantization === null) same(e, x);
  else between(e, x, y, quantization);
};

function between(e: Emitter, x: Operand, y: Value, levels: Quantization | null): void {
  if (levels === null) {
    const isOutput = [...y.uses].some(({ user }) => !(user instanceof Node));
    if (isOutput) e.raw('DEQUANTIZE', [x], [e.out()]);
    else e.define(y, e.real(x));
    return;
  }
  if (sameQuantization(x.quantization, levels)) {
    e.define(y, x);
    return;
  }
  const shape = y.type?.kind === 'tensor' ? y.type.shape : null;
  const stored = makeOperand(y.name, 'float32', shape, null, levels);
  e.define(y, stored);
  e.raw('QUANTIZE', [x], [stored]);
}

/** A graph's integer output is the tensor of the value that is quantized. */
const quantize: Row = (e, node) => {
  const x = e.in(0);
  const y = node.outputs[0]!;
  const levels = saidQuantization(node);
  const isEnd = [...y.uses].every(({ user }) => !(user instanceof Node));
  if (levels === null || levels.axis !== null || !isEnd) {
    quantizeInParts(e, node, e.real(x));
    return;
  }
  between(e, x, y, levels);
  // Runtimes know the tensor by the output's name.
  const operand = e.operandOf(y);
  if (operand.index < 0) operand.name = y.name;
};

const dequantize: Row = (e, node) => {
  const x = e.in(0);
  const y = node.outputs[0]!;
  if (x.quantization !== null) between(e, x, y, y.quantization);
  else dequantizeInParts(e, node, x);
};

/** Scales and zero points over the axis of a value. */
function along(e: Emitter, x: Operand, quantization: Quantization): [Operand, Operand] {
  const { scale, zeroPoint, axis } = quantization;
  const zeros = Array.from(scale, (_, i) => zeroPoint?.[i] ?? 0);
  if (axis === null) return [e.scalar(scale[0]!), e.scalar(zeros[0]!)];
  if (quantization.blockSize !== null || x.shape === null)
    throw e.fail('QUANTIZED', 'scales of blocks for a value that is computed');
  const shape = x.shape.map((_, at) => (at === axis ? scale.length : 1));
  return [e.floats(scale, shape), e.floats(zeros, shape)];
}

/** clamp(round(x / scale) + zero point), in float32, which is exact for so few integers. */
function quantizeInParts(e: Emitter, node: Node, x: Operand): void {
  const levels = saidQuantization(node);
  if (levels === null) throw e.fail('QUANTIZED', 'its scale is computed');
  const { storage } = levels;
  const [scale, zero] = along(e, x, levels);
  const { min, max } = integerRange(storage);
  const steps = unary(e, 'ROUND', binary(e, 'DIV', x, scale));
  const low = binary(e, 'MAXIMUM', binary(e, 'ADD', steps, zero), e.scalar(min));
  cast(e, binary(e, 'MINIMUM', low, e.scalar(max)), storage, e.out());
}

/** (x − zero point) · scale */
function dequantizeInParts(e: Emitter, node: Node, x: Operand): void {
  const levels = quantizationOf(node, x.dtype);
  if (levels === null) throw e.fail('QUANTIZED', 'its scale is computed');
  const [scale, zero] = along(e, x, levels);
  const real = cast(e, x, 'float32');
  const isCentered = levels.zeroPoint === null;
  binary(e, 'MUL', isCentered ? real : binary(e, 'SUB', real, zero), scale, e.out());
}

/** Levels of uint8 over the range of a tensor and 0; of a tensor of zeros the scale is 1/255, as ONNX's reference has it. */
const dynamic: Row = (e) => {
  const x = e.in(0);
  const axes = Array.from({ length: knownRank(e, x) }, (_, axis) => axis);
  const [zero, steps] = [e.scalar(0), e.scalar(255)];
  const most = binary(e, 'MAXIMUM', reduce(e, 'REDUCE_MAX', x, axes, false), zero);
  const least = binary(e, 'MINIMUM', reduce(e, 'REDUCE_MIN', x, axes, false), zero);
  const range = binary(e, 'SUB', most, least);
  const isFlat = binary(e, 'EQUAL', range, zero, undefined, undefined, 'bool');
  const wide = e.temp('float32', []);
  e.op('SELECT_V2', [isFlat, e.scalar(1), range], [wide]);
  const scale = binary(e, 'DIV', wide, steps, e.isWanted(1) ? e.out(1) : undefined);
  const ratio = binary(e, 'DIV', unary(e, 'NEG', least), scale);
  const point = unary(e, 'ROUND', binary(e, 'MINIMUM', ratio, steps));
  if (e.isWanted(2)) cast(e, point, 'uint8', e.out(2));
  const levels = binary(e, 'ADD', unary(e, 'ROUND', binary(e, 'DIV', x, scale)), point);
  const clamped = binary(e, 'MINIMUM', binary(e, 'MAXIMUM', levels, zero), steps);
  cast(e, clamped, 'uint8', e.out());
};

export const quantizeRows: Readonly<Record<string, Row>> = {
  Identity: identity,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamic,
};
