import { volume } from '../../core/shape.ts';
import { constantOfValue, smallValues } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import { activationOf } from '../../ops/activation.ts';

/** What a file is to run on: only operators with integer kernels there get integers. */
export type TargetRuntime = 'onnxruntime' | 'onnxruntime-web' | 'tflite' | 'modelpress';

/** What an operator does to levels.
 *  - `linear`: a value times constant weights;
 *  - `pairwise`: values, or constants, of levels of their own; a clamp behind it can be part of it;
 *  - `free`: levels of its own for what comes and goes;
 *  - `keep`: results have the levels of input 0;
 *  - `join`: all inputs have the levels of the result;
 *  - `clamp`: Relu and Clip;
 *  - a range: results are always within it. */
export type Role =
  | 'linear'
  | 'pairwise'
  | 'free'
  | 'keep'
  | 'join'
  | 'clamp'
  | { readonly min: number; readonly max: number };

/** 256 steps from 0 up, and from −1 up: what TFLite's kernels are made for. */
const unit: Role = { min: 0, max: 255 / 256 };
const signed: Role = { min: -1, max: 127 / 128 };
/** Logarithms of shares. */
const logarithms: Role = { min: -255 / 16, max: 0 };

const rows = (role: Role, ...names: string[]): [string, Role][] =>
  names.map((name) => [name, role]);

/** What a ramp can reach is 1 itself. */
const ramp: Role = { min: 0, max: 1 };

/** Runs on integers everywhere. */
const common: readonly [string, Role][] = [
  ...rows('linear', 'Conv', 'MatMul', 'Gemm', 'mp.Conv', 'mp.MatMul'),
  ...rows('pairwise', 'Add', 'Mul', 'mp.Add', 'mp.Mul'),
  ...rows('free', 'LeakyRelu', 'GlobalAveragePool', 'mp.GlobalAveragePool'),
  ...rows('keep', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split'),
  ...rows('keep', 'Gather', 'Expand', 'Tile', 'DepthToSpace', 'mp.DepthToSpace', 'Pad'),
  ...rows('keep', 'MaxPool', 'mp.MaxPool', 'Resize', 'mp.Resize'),
  ...rows('join', 'Concat'),
  ...rows('clamp', 'Relu', 'Clip'),
  ...rows(unit, 'Sigmoid'),
];

/** Runs on integers in our sessions and in TFLite, where models of integers alone are asked for. */
const wider: readonly [string, Role][] = [
  ...rows('linear', 'ConvTranspose', 'mp.ConvTranspose'),
  ...rows('pairwise', 'Sub', 'mp.Sub'),
  ...rows('free', 'HardSwish', 'ReduceMean'),
  ...rows(unit, 'Softmax'),
  ...rows(signed, 'Tanh'),
];

/** One function between levels: a table in our sessions; onnxruntime computes it with real numbers between two levels, so
 *  that products around it stay on integers. */
const between: readonly [string, Role][] = [
  ...rows('free', 'HardSwish'),
  ...rows(ramp, 'HardSigmoid'),
  ...rows(unit, 'Softmax'),
];

/** Runs on integers in our sessions, by tables. */
const tables256: readonly [string, Role][] = [
  ...rows(
    'free',
    'Elu',
    'Selu',
    'Celu',
    'Gelu',
    'Swish',
    'Mish',
    'Softplus',
    'Div',
    'Pow',
    'PRelu',
  ),
  ...rows(ramp, 'HardSigmoid'),
];

/** Runs on integers in TFLite, where each of the levels' rules is one of its quantization specification. */
const tflite: readonly [string, Role][] = [
  ...rows('keep', 'AveragePool', 'mp.AveragePool'),
  ...rows('keep', 'GatherND', 'SpaceToDepth', 'mp.SpaceToDepth', 'ReverseSequence'),
  ...rows('keep', 'ReduceMax', 'ReduceMin', 'mp.GlobalMaxPool'),
  ...rows('join', 'Max', 'Min', 'Where'),
  ...rows('pairwise', 'PRelu'),
  ...rows('free', 'Elu', 'Abs', 'ReduceSum'),
  ...rows(signed, 'LpNormalization'),
  ...rows(logarithms, 'LogSoftmax'),
];

/** Averages are of a smaller range than what they are made of: with levels of their own where the runtime has kernels
 *  for that. */
const pools: readonly [string, Role][] = rows('free', 'AveragePool', 'mp.AveragePool');

const tables: Readonly<Record<TargetRuntime, ReadonlyMap<string, Role>>> = {
  onnxruntime: new Map([...common, ...between, ...pools]),
  'onnxruntime-web': new Map([...common, ...between, ...pools]),
  modelpress: new Map([...common, ...wider, ...tables256, ...pools]),
  tflite: new Map([...common, ...wider, ...tflite]),
};

/** What a node does to levels; null where it has no kernel on integers, or an attribute that the kernel has not.
 *  Source: onnxruntime's QDQ selectors, TFLite's quantization specification, this package's integer lowerings. */
export function roleOf(node: Node, target: TargetRuntime): Role | null {
  const role = tables[target].get(node.domain === '' ? node.op : `${node.domain}.${node.op}`);
  if (role === undefined || !isPlain(node)) return null;
  // Levels would be all that is known of the shares that a model answers with: TFLite's files have them.
  if (node.op === 'Softmax' && target !== 'tflite' && isAnswer(node)) return null;
  return role;
}

function isAnswer({ outputs }: Node): boolean {
  return outputs.some(({ uses }) => [...uses].some(({ user }) => !(user instanceof Node)));
}

/** A product of two values that are computed: both have levels of their own. */
export function isPair({ op, inputs }: Node): boolean {
  const [a, b, bias] = inputs;
  if (op !== 'MatMul' || a == null || b == null || bias != null) return false;
  return constantOfValue(a) === null && constantOfValue(b) === null;
}

/** Slopes that a table has room for. */
const mostSlopes = 4096;

function isPlain(node: Node): boolean {
  const { op, outputs, attributes, inputs } = node;
  const { kind, min, max } = activationOf(node);
  const isClamped = kind === 'Clip' && ((min === 0 && max >= 6) || (min === -1 && max === 1));
  if (kind !== 'none' && kind !== 'Relu' && !isClamped) return false;
  switch (op) {
    case 'Gemm':
      return is(node, 'alpha', 1) && is(node, 'beta', 1) && is(node, 'transA', 0);
    case 'MatMul':
      return is(node, 'transA', 0);
    case 'Div':
    case 'Pow':
      return sizeOfKnown(inputs[1]) === 1 && sizeOfKnown(inputs[0]) === null;
    case 'PRelu':
      return (sizeOfKnown(inputs[1]) ?? Infinity) <= mostSlopes;
    case 'Clip':
      return inputs.slice(1).every((bound) => bound === null || numbersOf(bound) !== null);
    case 'MaxPool':
      return outputs.length === 1;
    case 'Resize': {
      // A cubic may overshoot what it reads.
      const mode = attributes.get('mode');
      return mode?.type !== 'string' || mode.value !== 'cubic';
    }
    case 'Pad': {
      const mode = attributes.get('mode');
      const value = inputs[2];
      if (mode?.type === 'string' && mode.value !== 'constant') return true;
      return value == null || numbersOf(value)?.every((number) => Number(number) === 0) === true;
    }
    default:
      return true;
  }
}

function is({ attributes }: Node, name: string, expected: number): boolean {
  const attribute = attributes.get(name);
  if (attribute?.type !== 'int' && attribute?.type !== 'float') return true;
  return Number(attribute.value) === expected;
}

function sizeOfKnown(value: Value | null | undefined): number | null {
  const constant = value == null ? null : constantOfValue(value);
  return constant === null ? null : volume(constant.shape);
}

function numbersOf(value: Value): (number | bigint)[] | null {
  const constant = constantOfValue(value);
  return constant === null ? null : smallValues(constant);
}
