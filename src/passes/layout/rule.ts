import type { Dim, Shape } from '../../core/shape.ts';
import type { Constant } from '../../ir/constant.ts';
import type { Node, NodeSpec, Value } from '../../ir/graph.ts';
import type { ValueType } from '../../ir/types.ts';
import type { AttributeReader } from '../../ops/op.ts';
import type { Layout, Permutation } from './permutation.ts';

/** Which operands of a node go along with its layout; all others stay as they are. */
export interface Following {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** What a rule may ask about its node, whose operands are as they were before the pass. */
export interface NodeView {
  readonly node: Node;
  readonly attributes: AttributeReader;
  /** null when even the rank is unknown, or for an input that is absent. */
  shape(input: number): Shape;
  outputShape(output: number): Shape;
  /** null for what is computed, or what callers can override. */
  constant(input: number): Constant | null;
  /** Elements of a small constant of numbers, or of integers that follow from shapes. */
  numbers(input: number): readonly number[] | null;
}

export interface RewriteContext extends NodeView {
  /** The layout that the operands had, and that they get. */
  readonly from: Layout;
  readonly to: Layout;
  /** Inputs as they are now: those that follow are in the new layout. */
  readonly inputs: readonly (Value | null)[];
  /** From the old layout to the new one. */
  permutation(rank: number): Permutation;
  /** A constant of the graph, named after the node. */
  addConstant(constant: Constant): Value;
  addInts(values: readonly number[], shape?: readonly number[]): Value;
  /** A node of ai.onnx before this one with one output. */
  addNode(spec: NodeSpec, type: ValueType | null): Value;
  setInput(node: Node, index: number, value: Value): void;
}

/** How an operator meets layouts. */
export interface LayoutRule {
  /** What the operator says about the layout its operands have: it is spatial. */
  readonly anchor?: Layout;
  /** Whether the node has to be brought into the other layout. */
  readonly forced?: boolean;
  /** Which operands follow if they have layout `from` now and may get the other; null: the node is to stay. */
  following(view: NodeView, from: Layout): Following | null;
  /** The node in the other layout; its outputs stay in their places. Called only if `following` allowed it. */
  rewrite(c: RewriteContext): NodeSpec;
}

/** Which layout the spatial operators of a target have, and how each operator gets there. */
export interface LayoutTarget {
  readonly layout: Layout;
  /** By `domain:op`; operators that are not in it stay as they are. */
  readonly rules: ReadonlyMap<string, LayoutRule>;
}

/** The node with other inputs. */
export function respec(node: Node, changes: Partial<NodeSpec>): NodeSpec {
  return {
    domain: node.domain,
    op: node.op,
    name: node.name,
    attributes: node.attributes,
    inputs: node.inputs,
    ...changes,
  };
}

/** A size that is known, or null. */
export function numberOf(dim: Dim | undefined): number | null {
  return typeof dim === 'number' ? dim : null;
}
