import type { Shape } from '../core/shape.ts';
import { Edit } from '../ir/edit.ts';
import type { Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { ValueType } from '../ir/types.ts';
import { allGraphs, allNodes } from '../ir/walk.ts';
import { type Op, pinnedOpset } from '../ops/index.ts';
import { shareNodes } from './common.ts';
import { type Allowance, type Refusal, rewrite } from './manager.ts';
import type { Rule } from './rule.ts';
import type { Evaluate, Growth } from './rules/constants.ts';
import { simplifyRules } from './rules/index.ts';
import { inferShapes } from './shapes.ts';

export interface SimplifyOptions {
  /** The operators that are known. */
  ops: readonly Op[];
  /** Runs a node on constants; without one, only what shape inference knows is folded. */
  evaluate?: Evaluate;
  /** Sizes of inputs, by name, in place of the declared ones: the result is only right for these. */
  inputs?: Readonly<Record<string, Shape>>;
  /** How many bytes more than what they are made of folded constants may have, each and all together (default 512
   *  and 64 KiB). */
  growth?: Growth;
  /** Whether constants that are listed as inputs stay inputs that callers may set; default false: no caller
   *  overrides a weight. */
  keepInputs?: boolean;
  /** Whether weights that several nodes read may be copied, to fold a scale into one (default true). */
  copyShared?: boolean;
  /** Stops after so many rewrites: to find one that is wrong by bisection. */
  stopAfter?: number;
  /** Called after each round of rewriting, as `verify` in tests. */
  check?: (model: Model) => void;
}

export interface SimplifyResult {
  /** Nodes in all graphs. */
  before: number;
  after: number;
  /** How often each rule was applied. */
  applied: Record<string, number>;
  /** What looked like a rule's pattern at the end and had to stay. */
  refused: Refusal[];
}

/** Rounds of inferring shapes and rewriting; real models need two or three. */
const maxRounds = 8;

/** Rewrites a model to fewer nodes that compute the same, in operators of ONNX that its operator set has: it may be
 *  written. Results agree but for rounding (about 1e-6 of their size), where constants are folded into weights.
 *  Constants that can only be read by waiting are not looked into. Time is about linear in nodes and rewrites. */
export function simplify(model: Model, options: SimplifyOptions): SimplifyResult {
  const rules = simplifyRules({
    evaluate: options.evaluate ?? null,
    growth: options.growth ?? { each: 512, total: 65536 },
    copyShared: options.copyShared ?? true,
    liftAttention: true,
  });
  return runRules(model, 'simplify', rules, {
    ...options,
    opset: model.opsets.get('') ?? pinnedOpset,
  });
}

/** Runs rules, with common subexpressions between, until nothing changes.
 *  @param pass  the name in the edit log */
export function runRules(
  model: Model,
  pass: string,
  rules: readonly Rule[],
  options: SimplifyOptions & { opset: number },
): SimplifyResult {
  const before = [...allNodes(model.graph)].length;
  if (options.keepInputs !== true) fixInputs(model, pass);
  const overridable = new Set(model.graph.inputs.filter(({ constant }) => constant !== null));
  const declared = declaredTypes(model);
  const allowance: Allowance = { left: options.stopAfter ?? Infinity };
  const applied = new Map<string, number>();
  let refused: Refusal[] = [];
  for (let round = 0; round < maxRounds && allowance.left > 0; round++) {
    // What a file declares may be wrong: rewriting goes by what follows from the inputs.
    const { values } = inferShapes(model, options.ops, {
      declared: 'ignore',
      ...(options.inputs === undefined ? {} : { inputs: options.inputs }),
      defaults: overridable.size > 0 ? 'unknown' : 'known',
    });
    const { ops, opset } = options;
    const result = rewrite(model, pass, rules, { ops, values, overridable, opset, allowance });
    options.check?.(model);
    refused = result.refused;
    let count = 0;
    for (const [rule, times] of result.applied) {
      applied.set(rule, (applied.get(rule) ?? 0) + times);
      count += times;
    }
    const shared = allowance.left > 0 ? shareNodes(model, options.ops, overridable) : 0;
    options.check?.(model);
    if (shared > 0) {
      const name = 'common-subexpression';
      applied.set(name, (applied.get(name) ?? 0) + shared);
      allowance.left -= shared;
    }
    if (count + shared === 0) break;
  }
  nameParts(model, pass);
  if (options.inputs === undefined) for (const [value, type] of declared) value.type = type;
  inferShapes(model, options.ops);
  const after = [...allNodes(model.graph)].length;
  return { before, after, applied: Object.fromEntries(applied), refused };
}

function declaredTypes(model: Model): Map<Value, ValueType | null> {
  const types = new Map<Value, ValueType | null>();
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.outputs) types.set(value, value.type);
    for (const node of graph.nodes) for (const value of node.outputs) types.set(value, value.type);
  }
  return types;
}

/** Initializers that are listed as inputs become constants: files before IR version 4 had to list them. */
function fixInputs(model: Model, pass: string): void {
  const listed = model.graph.inputs.filter(({ constant }) => constant !== null);
  if (listed.length === 0) return;
  const reason = 'no caller overrides a weight';
  const edit = new Edit(model, { pass, rule: 'listed-constants', reason });
  for (const value of listed) edit.fixConstant(value);
  edit.commit();
}

/** A node that was read as several ones, some of which are gone, is written as several: each needs its own name. */
function nameParts(model: Model, pass: string): void {
  const reason = 'it is no longer part of the node that it was read from';
  const edit = new Edit(model, { pass, rule: 'part-names', reason });
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    const names = new Set<string>();
    for (const node of graph.nodes) {
      const isPart = node.origin?.nodes.some(({ origin }) => origin === null) ?? true;
      if (isPart && node.name !== '' && names.has(node.name)) {
        edit.renameNode(node, '');
        count++;
      }
      names.add(node.name);
    }
  }
  if (count > 0) edit.commit();
}
