import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { GraphProto } from '../../src/formats/onnx/proto.ts';
import { allNodes, type Model, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { optimizeForRuntime } from '../../src/passes/optimize.ts';
import { operatorOf } from '../../src/passes/rule.ts';
import { type SimplifyOptions, type SimplifyResult, simplify } from '../../src/passes/simplify.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { modelBytes, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';

export interface Simplified {
  model: Model;
  result: SimplifyResult;
  /** Operators that are left, in order. */
  left: string[];
  /** Largest difference of an output, of its largest number. */
  error: number;
}

/** Simplifies a graph of float32 inputs, checks the IR, and has onnxruntime-node say how its outputs changed.
 *  @param sizes  of the symbolic dimensions that the graph is run with */
export async function simplified(
  graph: GraphProto,
  options: {
    opset?: number;
    sizes?: Record<string, number>;
    /** With the rules that are for running only. */
    runs?: boolean;
  } & Partial<SimplifyOptions> = {},
): Promise<Simplified> {
  const { opset = 18, sizes = {}, runs = false, ...rest } = options;
  const bytes = modelBytes(graph, { opset });
  const model = await readModel(bytes);
  const pass = runs ? optimizeForRuntime : simplify;
  const result = pass(model, { ops, evaluate: evaluateNode, check: verify, ...rest });
  const feeds: Feeds = {};
  (graph.input ?? []).forEach(({ name, type }, index) => {
    const listed = (graph.initializer ?? []).some((tensor) => tensor.name === name);
    if (listed) return;
    const dims = (type?.tensorType?.shape?.dim ?? []).map((dim) =>
      Number(dim.dimValue ?? sizes[dim.dimParam!]),
    );
    const count = dims.reduce((a, b) => a * b, 1);
    feeds[name!] = new Tensor('float32', noise(count, 77 + index), dims);
  });
  const error = await differenceOf(bytes, await writeModel(model), feeds);
  return { model, result, left: [...allNodes(model.graph)].map(operatorOf), error };
}

/** @returns the largest difference of outputs, of the largest number of each; shapes must be the same */
export async function differenceOf(
  before: Uint8Array,
  after: Uint8Array,
  feeds: Feeds,
): Promise<number> {
  const [expected, actual] = [await runModel(before, feeds), await runModel(after, feeds)];
  assert.equal(Object.keys(actual), Object.keys(expected));
  let worst = 0;
  for (const [name, tensor] of Object.entries(expected)) {
    const other = actual[name]!;
    assert.equal(other.dims, tensor.dims, name);
    assert.is(other.type, tensor.type, name);
    const [a, b] = [numbersOf(tensor), numbersOf(other)];
    let most = 0;
    for (const x of a) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
    a.forEach((x, i) => {
      if (!Object.is(x, b[i])) worst = Math.max(worst, Math.abs(x - b[i]!) / (most || 1));
    });
  }
  return worst;
}

function numbersOf({ data }: Tensor): number[] {
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

export interface Case {
  name: string;
  graph: GraphProto;
  /** Operators that are left. */
  left: string[];
  /** A rule that must have been applied. */
  rule?: string;
  /** What a rule must say about why it was not. */
  why?: RegExp;
  sizes?: Record<string, number>;
  opset?: number;
  runs?: boolean;
  /** Default 0: the same bits. */
  error?: number;
}

/** A suite of graphs and what is left of them. */
export function runCases(title: string, cases: readonly Case[]): void {
  const x = suite(title);
  for (const { name, graph, left, rule, why, error = 0, ...options } of cases) {
    x(name, async () => {
      const outcome = await simplified(graph, options);
      assert.equal(outcome.left, left);
      assert.ok(outcome.error <= error, `${outcome.error}`);
      if (rule !== undefined) assert.ok((outcome.result.applied[rule] ?? 0) > 0, rule);
      if (why !== undefined)
        assert.match(outcome.result.refused.map((row) => row.why).join('\n'), why);
    });
  }
  x.run();
}
