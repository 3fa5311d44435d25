import type { DType } from '../core/dtype.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { Node } from '../ir/graph.ts';
import type { ValueType } from '../ir/types.ts';

/** A node's attributes as its operator's schema reads them. Integers beyond 2^53 are rounded. */
export interface AttributeReader {
  has(name: string): boolean;
  /** The value, the schema's default, or `fallback`. */
  int(name: string, fallback?: number): number;
  float(name: string, fallback?: number): number;
  string(name: string, fallback?: string): string;
  /** null when absent without a default. */
  ints(name: string): readonly number[] | null;
}

/** What a shape rule may ask about its node. Everything may be unknown. */
export interface InferContext {
  readonly node: Node;
  readonly attributes: AttributeReader;
  type(input: number): ValueType | null;
  dtype(input: number): DType | null;
  /** null when even the rank is unknown. */
  shape(input: number): Shape;
  /** Elements of an integer (or small float) input as far as they are known, symbolic ones included:
   *  from constants and from shape arithmetic (Shape → Gather → Concat). */
  values(input: number): readonly Dim[] | null;
  /** Whether the work for this model has grown beyond a multiple of its size: bodies are then to be
   *  inferred once, with the weakest types, instead of until they agree. */
  readonly frugal: boolean;
  /** Types of the body's outputs after inferring it with these input types (If, Loop, Scan). */
  inferBody(
    attribute: string,
    inputs: readonly (ValueType | null)[],
  ): readonly (ValueType | null)[];
}

export interface OutputInfo {
  type: ValueType | null;
  /** Elements of a small integer output, for shape arithmetic. */
  values?: readonly Dim[] | null;
}

/** What a cost rule may ask besides: what was inferred for the outputs. */
export interface CostContext extends InferContext {
  outputShape(output: number): Shape;
}

export interface Cost {
  /** Multiply-accumulates of one run; null where a dimension is symbolic. */
  macs: number | null;
}

export type AttributeKind =
  | 'int'
  | 'float'
  | 'string'
  | 'ints'
  | 'floats'
  | 'strings'
  | 'tensor'
  | 'graph'
  /** A kind that the IR does not model (types, sparse tensors). */
  | 'opaque';

/** One attribute of an operator: its kind, its default and the range of valid values. */
export interface AttributeSchema {
  kind: AttributeKind;
  required?: boolean;
  default?: number | string | readonly number[];
  /** Inclusive; for `ints` each element. */
  min?: number;
  max?: number;
  oneOf?: readonly string[];
}

/** One operator: everything about its meaning that running and compressing need, in one literal.
 *  Semantics are ONNX's at the pinned operator set; formats map to it. Gradients and naive references are
 *  tables elsewhere, so that an inference bundle does not carry them. */
export interface Op {
  name: string;
  /** '' (default) is ai.onnx. */
  domain?: string;
  /** Fewest and most inputs and outputs; Infinity for variadic. */
  inputs: readonly [number, number];
  outputs: readonly [number, number];
  attributes: Readonly<Record<string, AttributeSchema>>;
  /** Types of the outputs; unknown parts null. Throws a ShapeError on operands that can't be right. */
  infer(context: InferContext): readonly OutputInfo[];
  /** Default: no multiply-accumulates. */
  cost?(context: CostContext): Cost;
  traits?: OpTraits;
}

export interface OpTraits {
  /** The output is the input's elements in order (Reshape, Identity) or permuted (Transpose): a weight is
   *  found behind it. */
  moves?: 'same-order' | 'permuted';
  elementwise?: boolean;
  commutative?: boolean;
  /** Not a function of its inputs: random, stateful. */
  nondeterministic?: boolean;
}

/** The version of ai.onnx whose semantics the IR has. */
export const pinnedOpset = 27;
