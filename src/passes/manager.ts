import type { Dim } from '../core/shape.ts';
import { describe, Edit } from '../ir/edit.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, allNodes, namedByRecords } from '../ir/walk.ts';
import { findOp, type Op } from '../ops/index.ts';
import { operatorOf, type Rule } from './rule.ts';
import { RuleContext } from './rule-context.ts';
import { WatchedEdit } from './watched-edit.ts';

/** Something that looked like a rule's pattern and had to stay. */
export interface Refusal {
  rule: string;
  node: string;
  why: string;
}

/** How many rewrites are left before everything stops: to find the one that is wrong. */
export interface Allowance {
  left: number;
}

export interface RewriteOptions {
  ops: readonly Op[];
  /** Elements that shape inference followed. */
  values?: ReadonlyMap<Value, readonly Dim[]>;
  overridable?: ReadonlySet<Value>;
  opset?: number;
  allowance?: Allowance;
}

export interface RewriteResult {
  /** Times that each rule was applied. */
  applied: Map<string, number>;
  refused: Refusal[];
}

/** Visits for each node of the model before rewriting stops: a bound that no sound set of rules comes near. */
const visitsPerNode = 64;

/** Applies rules until none finds anything more, nodes that nobody reads removed as they appear. A node is looked at
 *  again when what it reads or who reads it changes, so the cost is about linear in nodes and rewrites; a bound on
 *  visits ends what would go round in circles.
 *  @param pass  the name in the edit log */
export function rewrite(
  model: Model,
  pass: string,
  rules: readonly Rule[],
  options: RewriteOptions,
): RewriteResult {
  return new Rewriting(model, pass, rules, options).run();
}

class Rewriting {
  readonly #model: Model;
  readonly #pass: string;
  readonly #byRoot: Map<string, Rule[]> = new Map();
  readonly #everywhere: Rule[] = [];
  readonly #ops: readonly Op[];
  readonly #allowance: Allowance;
  readonly #queue: Set<Node> = new Set();
  readonly #refused: Map<Node, Map<string, string>> = new Map();
  readonly #applied: Map<string, number> = new Map();
  /** Values that a format's record of a node names besides its inputs. */
  readonly #named: ReadonlySet<Value>;
  readonly #edit: WatchedEdit;
  readonly #context: RuleContext;

  constructor(model: Model, pass: string, rules: readonly Rule[], options: RewriteOptions) {
    this.#model = model;
    this.#pass = pass;
    this.#ops = options.ops;
    this.#allowance = options.allowance ?? { left: Infinity };
    this.#named = namedByRecords(model.graph);
    for (const rule of rules) {
      for (const root of rule.roots) {
        if (root === '*') this.#everywhere.push(rule);
        else this.#byRoot.set(root, [...(this.#byRoot.get(root) ?? []), rule]);
      }
    }
    const info = { pass, rule: 'dead-code', reason: 'no output depends on it' };
    this.#edit = new WatchedEdit(model, info, (node) => {
      if (node !== null) this.#queue.add(node);
    });
    this.#context = new RuleContext(model, {
      ops: options.ops,
      edit: this.#edit,
      values: options.values ?? new Map(),
      overridable: options.overridable ?? new Set(),
      opset: options.opset ?? Infinity,
    });
  }

  run(): RewriteResult {
    let visits = 1000;
    for (const node of allNodes(this.#model.graph)) {
      this.#queue.add(node);
      visits += visitsPerNode;
    }
    // A Set walks over what is added meanwhile; a node that is seen again goes to the end.
    for (const node of this.#queue) {
      if (visits-- <= 0 || this.#allowance.left <= 0) break;
      this.#queue.delete(node);
      if (!this.#edit.isGone(node)) this.#visit(node);
    }
    this.#edit.commit();
    this.#removeUnusedConstants();
    return { applied: this.#applied, refused: this.#refusals() };
  }

  #visit(node: Node): void {
    if (this.#removeIfDead(node)) return;
    this.#refused.delete(node);
    if (!this.#context.isSound(node) || node.outputs.some((value) => this.#named.has(value)))
      return;
    for (const list of [this.#byRoot.get(operatorOf(node)) ?? [], this.#everywhere]) {
      for (const rule of list) {
        const found = rule.find(node, this.#context);
        if (found === null) continue;
        if (typeof found === 'string') {
          const reasons = this.#refused.get(node) ?? new Map<string, string>();
          this.#refused.set(node, reasons.set(rule.name, found));
          continue;
        }
        this.#edit.turnTo({ pass: this.#pass, rule: rule.name, reason: rule.reason });
        found();
        this.#applied.set(rule.name, (this.#applied.get(rule.name) ?? 0) + 1);
        this.#allowance.left--;
        if (!this.#edit.isGone(node)) this.#queue.add(node);
        return;
      }
    }
  }

  #removeIfDead(node: Node): boolean {
    const isNeeded = (value: Value): boolean => value.uses.size > 0 || this.#named.has(value);
    if (node.outputs.some(isNeeded) || !this.#isPure(node)) return false;
    this.#turnToDeadCode();
    this.#edit.removeNode(node);
    this.#applied.set('dead-code', (this.#applied.get('dead-code') ?? 0) + 1);
    return true;
  }

  /** Operators that nobody knows may do something besides their outputs. */
  #isPure(node: Node): boolean {
    if (findOp(this.#ops, node.domain, node.op) === null) return false;
    for (const body of node.subgraphs())
      for (const inner of allNodes(body))
        if (findOp(this.#ops, inner.domain, inner.op) === null) return false;
    return true;
  }

  #turnToDeadCode(): void {
    this.#edit.turnTo({ pass: this.#pass, rule: 'dead-code', reason: 'no output depends on it' });
  }

  #removeUnusedConstants(): void {
    const reason = 'nobody reads it';
    const edit = new Edit(this.#model, { pass: this.#pass, rule: 'unused-constant', reason });
    let count = 0;
    for (const graph of allGraphs(this.#model.graph)) {
      const inputs = new Set(graph.inputs);
      for (const value of [...graph.constants]) {
        if (value.uses.size > 0 || inputs.has(value) || this.#named.has(value)) continue;
        edit.removeConstant(value);
        count++;
      }
    }
    if (count > 0) edit.commit();
  }

  #refusals(): Refusal[] {
    const rows: Refusal[] = [];
    for (const [node, reasons] of this.#refused) {
      if (this.#edit.isGone(node)) continue;
      for (const [rule, why] of reasons) rows.push({ rule, node: describe(node), why });
    }
    return rows;
  }
}
