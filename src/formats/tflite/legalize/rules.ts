import { bytesOf, typedArrayOf } from '../../../core/tensor.ts';
import { constantOf, constantOfValue, int64Constant, realsNow } from '../../../ir/constant.ts';
import type { Node, Value } from '../../../ir/graph.ts';
import type { Quantization } from '../../../ir/types.ts';
import { activationOf, attributesOfActivation, noActivation } from '../../../ops/activation.ts';
import { sameQuantization } from '../../../passes/quantization-of.ts';
import { isMover } from '../../../passes/quantized-moves.ts';
import { isSaturation } from '../../../passes/saturation.ts';
import { fusesActivation, isClamp } from './activation.ts';
import { type Legalizer, levelsOf } from './legalizer.ts';

/** Makes a node run on integers. Returns why it can't: it then computes with real numbers. */
export type QuantizedRule = (l: Legalizer, node: Node) => string | null;

const mixed = 'some of its values are real';

function isReal(value: Value | null): value is Value {
  return value?.type?.kind === 'tensor' && value.type.dtype === 'float32';
}

/** Indices of inputs that are real numbers. */
function realInputs({ inputs }: Node): number[] {
  return inputs.flatMap((value, index) => (isReal(value) ? [index] : []));
}

/** The result has the levels of input 0. */
const keeping: QuantizedRule = (l, node) => {
  const levels = levelsOf(node.inputs[0]);
  if (levels === null || constantOfValue(node.inputs[0]!) !== null) return mixed;
  const outputs = node.outputs.filter(isReal);
  if (outputs.some((value) => levelsOf(value)?.storage !== levels.storage)) return mixed;
  if (realInputs(node).length > 1) return mixed;
  node.outputs.forEach((value, index) => {
    // What is only moved is on the levels already: it is quantized once.
    const isMoved = isMover(node) || node.op === 'Pad';
    const error = isMoved ? 0 : levels.scale[0]! / 2;
    if (isReal(value) && !sameQuantization(value.quantization, levels))
      l.requantizeOutput(node, index, levels, error);
  });
  return null;
};

/** An average over whole images may have levels of its own: it is a mean. */
const averaging: QuantizedRule = (l, node) => {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const shape = x.type?.kind === 'tensor' ? x.type.shape : null;
  const ints = (name: string): number[] | null => {
    const attribute = node.attributes.get(name);
    return attribute?.type === 'ints' ? attribute.value.map(Number) : null;
  };
  const kernel = ints('kernel_shape');
  const isWhole =
    shape?.slice(1, -1).every((size, axis) => size === kernel?.[axis]) === true &&
    (ints('pads') ?? []).every((size) => size === 0);
  if (sameQuantization(x.quantization, y.quantization) || !isWhole) return keeping(l, node);
  const why = free(l, node);
  if (why !== null) return why;
  const axes = l.plain(node, `${y.name}_axes`, int64Constant(kernel!.map((_, axis) => axis + 1)));
  const mean = l.add(node, { op: 'ReduceMean', inputs: [x, axes] }, y.name, y.type);
  mean.quantization = y.quantization;
  l.integer.add(mean.producer!);
  l.edit.replaceUses(y, mean);
  l.edit.removeNode(node);
  return null;
};

/** Padding of 0 is the zero point; others must be levels. */
const padding: QuantizedRule = (l, node) => {
  const levels = levelsOf(node.inputs[0]);
  const value = node.inputs[2];
  const mode = node.attributes.get('mode');
  const isConstant = mode === undefined || (mode.type === 'string' && mode.value === 'constant');
  if (levels === null) return mixed;
  if (value == null || !isConstant) return keeping(l, node);
  const numbers = realsNow(value);
  if (numbers === null) return 'what it pads with is computed';
  if (numbers.every((number) => number === 0)) {
    l.edit.setInput(node, 2, null);
    return keeping(l, node);
  }
  return 'it pads with another number than 0';
};

/** Inputs have the levels of the result. */
const joining: QuantizedRule = (l, node) => {
  const levels = levelsOf(node.outputs[0]);
  if (levels === null) return mixed;
  const inputs = realInputs(node);
  for (const index of inputs) {
    const own = node.inputs[index]!.quantization;
    if (own === null || own.axis !== null || own.storage !== levels.storage) return mixed;
  }
  for (const index of inputs)
    if (!sameQuantization(node.inputs[index]!.quantization, levels))
      l.requantizeInput(node, index, levels);
  return null;
};

/** The result has levels of the operator's own.
 *  @param scale  of 8 and of 16 bits, @param zero  of int8 */
const fixed =
  (scale: readonly [number, number | null], zero: number): QuantizedRule =>
  (l, node) => {
    const [x, y] = [levelsOf(node.inputs[0]), levelsOf(node.outputs[0])];
    if (x === null || y === null || x.storage !== y.storage) return mixed;
    const isWide = x.storage === 'int16';
    const step = scale[isWide ? 1 : 0];
    if (step === null) return 'it has no operator of int16';
    const zeroPoint = isWide ? 0 : x.storage === 'uint8' ? zero + 128 : zero;
    const levels: Quantization = {
      ...y,
      scale: Float32Array.of(step),
      zeroPoint: zeroPoint === 0 ? null : Int32Array.of(zeroPoint),
    };
    if (!sameQuantization(y, levels)) l.requantizeOutput(node, 0, levels, step / 2);
    return null;
  };

/** Values and result have levels of their own; a number that is the same everywhere becomes one level. */
const free: QuantizedRule = (l, node) => {
  const inputs = realInputs(node);
  const levels = inputs.flatMap((index) => levelsOf(node.inputs[index]) ?? []);
  const first = levels[0];
  if (first === undefined || !fusesActivation(node)) return mixed;
  const { storage } = first;
  const isWide = storage === 'int16';
  const result = node.outputs[0]!;
  const own = levelsOf(result);
  if (isReal(result) && own?.storage !== storage) return mixed;
  const all = own === null ? levels : [...levels, own];
  if (all.some((item) => item.storage !== storage)) return mixed;
  if (isWide && all.some(({ zeroPoint }) => zeroPoint?.[0] ?? 0)) return 'int16 has zero points';
  const constants: [number, number][] = [];
  for (const index of inputs) {
    const value = node.inputs[index]!;
    if (levelsOf(value) !== null) continue;
    const numbers = realsNow(value);
    const number = numbers?.[0];
    if (number === undefined || !numbers!.every((item) => item === number) || !isNumber(number))
      return 'an operand is real numbers that are no levels';
    constants.push([index, number]);
  }
  for (const [index, number] of constants) oneLevel(l, node, index, number, storage);
  return null;
};

const isNumber = (x: number): boolean => x - x === 0;

/** A number is one step away from its zero point. */
function oneLevel(
  l: Legalizer,
  node: Node,
  index: number,
  number: number,
  storage: Quantization['storage'],
): void {
  const value = node.inputs[index]!;
  const constant = constantOfValue(value)!;
  const isBelow = number < 0;
  const zero = storage === 'uint8' && isBelow ? 1 : 0;
  const level = number === 0 ? 0 : isBelow ? zero - 1 : 1;
  const width = storage === 'int16' ? 2 : 1;
  const count = constant.shape.reduce((product, size) => product * size, 1);
  const data = typedArrayOf(storage, new Uint8Array(count * width)) as Int8Array;
  data.fill(level);
  const quantization: Quantization = {
    storage,
    view: null,
    scale: Float32Array.of(number === 0 ? 1 : Math.abs(number)),
    zeroPoint: zero === 0 ? null : Int32Array.of(zero),
    axis: null,
    blockSize: null,
  };
  const made = l.constant(
    node,
    value.name,
    constantOf(storage, constant.shape, bytesOf(data)),
    quantization,
  );
  l.edit.setInput(node, index, made);
  l.say(node, 'constant', `${number} is one step of ${Math.abs(number)}: exactly the same`);
}

/** Between the same levels, a clamp is nothing where they end there, or part of the operator before it. */
function isPart(l: Legalizer, node: Node, min: number, max: number): boolean {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  if (!sameQuantization(x.quantization, y.quantization)) return false;
  if (!isSaturation(min, max, x.quantization!)) {
    const producer = isClamp(min, max) ? soleProducer(l, x) : null;
    if (producer === null) return false;
    const kind = max === Infinity ? 'Relu' : 'Clip';
    for (const [name, attribute] of attributesOfActivation({ ...noActivation, kind, min, max }))
      l.edit.setAttribute(producer, name, attribute);
  }
  l.edit.replaceUses(y, x);
  l.edit.removeNode(node);
  return true;
}

/** The operator that makes a value which nothing else reads, perhaps behind moves, if a clamp can be part of it. */
function soleProducer(l: Legalizer, x: Value): Node | null {
  const { producer } = x;
  if (producer === null || x.uses.size !== 1 || !l.integer.has(producer)) return null;
  const source = producer.inputs[0];
  const isMoved =
    isMover(producer) && sameQuantization(source?.quantization ?? null, x.quantization);
  if (isMoved && source != null) return soleProducer(l, source);
  const isFree = producer.domain === 'mp' && activationOf(producer).kind === 'none';
  return isFree && fusing.has(producer.op) ? producer : null;
}

const fusing: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'MatMul',
  'Add',
  'Sub',
  'Mul',
]);

const relu: QuantizedRule = (l, node) => {
  const isWithin = levelsOf(node.inputs[0]) !== null && isPart(l, node, 0, Infinity);
  return isWithin ? null : free(l, node);
};

/** Only the clamps that TFLite has. */
const clip: QuantizedRule = (l, node) => {
  const [, low, high] = node.inputs;
  const min = low == null ? -Infinity : realsNow(low)?.[0];
  const max = high == null ? Infinity : realsNow(high)?.[0];
  if (min === undefined || max === undefined) return 'its bounds are computed';
  if (levelsOf(node.inputs[0]) !== null && isPart(l, node, min, max)) return null;
  if (!isClamp(min, max)) return 'TFLite has no such clamp of integers';
  const [x, y] = [levelsOf(node.inputs[0]), levelsOf(node.outputs[0])];
  if (x === null || x.storage !== y?.storage || x.storage === 'int16') return mixed;
  return null;
};

const table = (rule: QuantizedRule, ...names: string[]): [string, QuantizedRule][] =>
  names.map((name) => [name, rule]);

/** By operator, with its domain. Source: tflite/g3doc/performance/quantization_spec.md, and the kernels' Prepare. */
export const quantizedRules: ReadonlyMap<string, QuantizedRule> = new Map([
  ...table(keeping, 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split'),
  ...table(keeping, 'Gather', 'GatherND', 'Expand', 'Tile', 'ReverseSequence', 'TopK'),
  ...table(keeping, 'DepthToSpace', 'SpaceToDepth', 'mp.DepthToSpace', 'mp.SpaceToDepth'),
  ...table(keeping, 'Resize', 'mp.Resize', 'ReduceMax', 'ReduceMin', 'mp.GlobalMaxPool'),
  ...table(keeping, 'mp.MaxPool'),
  ...table(averaging, 'mp.AveragePool'),
  ...table(padding, 'Pad'),
  ...table(joining, 'Concat', 'Max', 'Min', 'Where'),
  ...table(fixed([1 / 256, 1 / 32768], -128), 'Softmax', 'Sigmoid'),
  ...table(fixed([1 / 128, 1 / 32768], 0), 'Tanh'),
  ...table(fixed([1 / 128, null], 0), 'LpNormalization'),
  ...table(fixed([16 / 256, null], 127), 'LogSoftmax'),
  ...table(free, 'Add', 'Sub', 'Mul', 'mp.Add', 'mp.Sub', 'mp.Mul', 'Div'),
  ...table(relu, 'Relu'),
  ...table(free, 'LeakyRelu', 'PRelu', 'HardSwish', 'Elu', 'Gelu', 'Abs', 'Exp', 'Log'),
  ...table(free, 'Sqrt', 'ReduceMean', 'ReduceSum', 'mp.GlobalAveragePool'),
  ...table(free, 'Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'ArgMax', 'ArgMin'),
  ...table(clip, 'Clip'),
  ...table(() => null, 'Shape', 'Size'),
]);
