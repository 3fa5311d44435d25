import { dtypes } from '../../src/core/dtype.ts';
import { UnsupportedError } from '../../src/core/errors.ts';
import { type Random, random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { describe } from '../../src/ir/edit.ts';
import type { Graph, Model, Node, Quantization, Value } from '../../src/ir/index.ts';
import { findOp, type Op, ops, readAttributes } from '../../src/ops/index.ts';
import type { Data } from '../../src/runtime/data.ts';
import { constantTensor } from '../../src/runtime/generic/constant-tensor.ts';
import { numbersOf, tensorOf } from '../../src/runtime/generic/elements.ts';
import type { Evaluator } from '../../src/runtime/generic/evaluator.ts';
import { evaluators, findEvaluator } from '../../src/runtime/generic/index.ts';

export interface InterpretOptions {
  /** Default 0. */
  seed?: number;
  /** Called with every value as it is computed. */
  onValue?(value: Value, data: Data): void;
  table?: readonly Evaluator[];
  operators?: readonly Op[];
}

/** Runs a model node by node with the evaluators only: no plan, no kernels chosen, no memory reused.
 *  @param feeds  by the names of the graph's inputs
 *  @returns  by the names of the graph's outputs */
export function interpret(
  model: Model,
  feeds: Readonly<Record<string, Data>>,
  options: InterpretOptions = {},
): Record<string, Data> {
  const run: Run = {
    values: new Map(),
    random: random(options.seed ?? 0),
    table: options.table ?? evaluators,
    operators: options.operators ?? ops,
    onValue: options.onValue ?? (() => {}),
  };
  for (const value of model.graph.inputs) {
    const fed = feeds[value.name];
    if (fed !== undefined) run.values.set(value, fed);
  }
  const results = runGraph(run, model.graph);
  return Object.fromEntries(
    model.graph.outputs.map((value, index) => [value.name, results[index]!]),
  );
}

interface Run {
  /** Of all graphs: inner ones capture outer values. */
  readonly values: Map<Value, Data>;
  readonly random: Random;
  readonly table: readonly Evaluator[];
  readonly operators: readonly Op[];
  onValue(value: Value, data: Data): void;
}

function runGraph(run: Run, graph: Graph): Data[] {
  for (const node of graph.nodes) {
    const results = runNode(run, node);
    node.outputs.forEach((value, index) => {
      const data = results[index];
      if (data === undefined) return;
      const stored = value.quantization === null ? data : requantized(data, value.quantization);
      run.values.set(value, stored);
      run.onValue(value, stored);
    });
  }
  return graph.outputs.map((value) => dataOf(run, value));
}

function runNode(run: Run, node: Node): readonly (Data | undefined)[] {
  const op = findOp(run.operators, node.domain, node.op);
  const evaluator = findEvaluator(run.table, node.domain, node.op);
  if (op === null || evaluator === null) {
    throw new UnsupportedError(`${describe(node)} has no evaluator`, { code: 'E_NO_EVALUATOR' });
  }
  return evaluator.evaluate({
    node,
    attributes: readAttributes(op, node),
    inputs: node.inputs.map((value) => (value === null ? undefined : dataOf(run, value))),
    random: run.random,
    runBody(attribute, inputs) {
      const body = node.attributes.get(attribute);
      if (body?.type !== 'graph') throw new TypeError(`${attribute} is no graph`);
      body.value.inputs.forEach((value, index) => {
        const data = inputs[index];
        if (data !== undefined) run.values.set(value, data);
      });
      return runGraph(run, body.value);
    },
  });
}

function dataOf(run: Run, value: Value): Data {
  const known = run.values.get(value);
  if (known !== undefined) return known;
  if (value.constant === null) throw new TypeError(`value ${value.name} has not been computed`);
  const stored = constantTensor(value.constant);
  const data = value.quantization === null ? stored : dequantized(stored, value.quantization);
  run.values.set(value, data);
  return data;
}

/** Which scale each element has. */
function cellOf(dims: readonly number[], { view, axis, blockSize, scale }: Quantization) {
  const sizes = view ?? dims;
  if (axis === null || scale.length === 1) return () => 0;
  const inner = sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = sizes[axis]!;
  const blocks = blockSize === null ? size : Math.ceil(size / blockSize);
  return (element: number): number => {
    const along = Math.floor(element / inner) % size;
    if (blockSize === null) return along;
    const outer = Math.floor(element / (inner * size));
    return (outer * blocks + Math.floor(along / blockSize)) * inner + (element % inner);
  };
}

function dequantized(stored: Tensor, quantization: Quantization): Tensor {
  const cell = cellOf(stored.dims, quantization);
  const { scale, zeroPoint } = quantization;
  const reals = numbersOf(stored).map(
    (level, i) => (level - (zeroPoint?.[cell(i)] ?? 0)) * scale[cell(i)]!,
  );
  return tensorOf('float32', reals, stored.dims);
}

/** Stored as integers and read back. */
function requantized(data: Data, quantization: Quantization): Data {
  if (!(data instanceof Tensor)) return data;
  const { storage, scale, zeroPoint } = quantization;
  const cell = cellOf(data.dims, quantization);
  const { kind, bits } = dtypes[storage];
  const [low, high] =
    kind === 'uint' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const levels = numbersOf(data).map((real, i) => {
    const scaled = Math.fround(Math.fround(real) / scale[cell(i)]!);
    const down = Math.floor(scaled);
    const rest = scaled - down;
    const even = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
    return Math.min(Math.max(even + (zeroPoint?.[cell(i)] ?? 0), low), high);
  });
  return dequantized(tensorOf(storage, levels, data.dims), quantization);
}
