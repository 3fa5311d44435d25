import type { Constant } from '../../../ir/constant.ts';
import { constantOfValue } from '../../../ir/constant.ts';
import { describe, type Edit } from '../../../ir/edit.ts';
import type { Node, NodeSpec, Value } from '../../../ir/graph.ts';
import { type Quantization, tensorType, type ValueType } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import { sameQuantization } from '../../../passes/quantization-of.ts';
import type { ChangeKind, QuantizationChange } from '../../quantization-change.ts';
import { requantized } from './weights.ts';

/** What rules change a graph with. All changes are reported. */
export class Legalizer {
  readonly edit: Edit;
  readonly changes: QuantizationChange[] = [];
  /** Nodes that run on integers. */
  readonly integer: Set<Node> = new Set();
  /** Whether FULLY_CONNECTED may have a scale for each output. */
  readonly byRow: boolean;
  readonly #names: Set<string>;
  /** A value with another quantization, made once. */
  readonly #anew: Map<Value, { quantization: Quantization; value: Value }[]> = new Map();

  constructor(edit: Edit, names: Set<string>, byRow: boolean) {
    this.edit = edit;
    this.byRow = byRow;
    this.#names = names;
  }

  say(node: Node, kind: ChangeKind, what: string, error = 0): void {
    this.changes.push({ where: describe(node), kind, what, error });
  }

  /** A constant with a quantization, for a node. */
  constant(node: Node, near: string, constant: Constant, quantization: Quantization): Value {
    const value = this.edit.addConstant(node.graph, freshName(this.#names, near), constant);
    value.type = tensorType('float32', constant.shape);
    value.quantization = quantization;
    return value;
  }

  plain(node: Node, near: string, constant: Constant): Value {
    return this.edit.addConstant(node.graph, freshName(this.#names, near), constant);
  }

  add(before: Node, spec: NodeSpec, near: string, type: ValueType | null): Value {
    const outputs = [{ name: freshName(this.#names, near), type }];
    return this.edit.addNode({ before }, spec, outputs).outputs[0]!;
  }

  /** Gives a node an input in another quantization. */
  requantizeInput(node: Node, index: number, quantization: Quantization): void {
    const value = node.inputs[index]!;
    const constant = constantOfValue(value);
    if (constant !== null && value.quantization !== null) {
      const anew = requantized(constant, value.quantization, quantization);
      this.edit.setInput(node, index, this.constant(node, value.name, anew.constant, quantization));
      const what = `"${value.name}" is in the steps that the operator must have`;
      if (anew.error > 0) this.say(node, 'requantized', what, anew.error);
      return;
    }
    const known = this.#anew.get(value) ?? [];
    let made = known.find((item) => sameQuantization(item.quantization, quantization))?.value;
    if (made === undefined) {
      const spec = { op: 'Identity', inputs: [value] };
      made = this.add(node, spec, `${value.name}_requantized`, value.type);
      made.quantization = quantization;
      this.#anew.set(value, [...known, { quantization, value: made }]);
    }
    this.edit.setInput(node, index, made);
    this.say(
      node,
      'requantized',
      `"${value.name}" has other steps than the operator must have: quantized twice`,
      quantization.scale[0]! / 2,
    );
  }

  /** Gives a node's output the quantization that it must have, and its readers the one that they had. */
  requantizeOutput(node: Node, index: number, quantization: Quantization): void {
    const value = node.outputs[index]!;
    const wished = value.quantization!;
    const readers = new Set(value.uses);
    value.quantization = quantization;
    const spec = { op: 'Identity', inputs: [value] };
    const outputs = [
      { name: freshName(this.#names, `${value.name}_requantized`), type: value.type },
    ];
    const made = this.edit.addNode({ after: node }, spec, outputs).outputs[0]!;
    made.quantization = wished;
    this.edit.replaceUses(value, made, (use) => readers.has(use));
    this.say(
      node,
      'requantized',
      `the steps of "${value.name}" are other than the operator's own: quantized twice`,
      quantization.scale[0]! / 2,
    );
  }
}

/** The quantization of a value that is computed, or a constant's with one scale; null for others. */
export function levelsOf(value: Value | null | undefined): Quantization | null {
  const quantization = value?.quantization ?? null;
  if (quantization === null || quantization.axis !== null) return null;
  const { storage } = quantization;
  return storage === 'int8' || storage === 'uint8' || storage === 'int16' ? quantization : null;
}

/** Whether the value is known before anything runs. */
export function isConstant(value: Value): boolean {
  return constantOfValue(value) !== null;
}
