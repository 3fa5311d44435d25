import type { Random } from '../../core/random.ts';
import type { Node } from '../../ir/graph.ts';
import type { AttributeReader } from '../../ops/op.ts';
import type { Data } from '../data.ts';

/** What an evaluator may ask about its node. */
export interface EvaluateContext {
  readonly node: Node;
  readonly attributes: AttributeReader;
  /** undefined where an optional input is absent. Quantized tensors come as real numbers. Not to be changed. */
  readonly inputs: readonly (Data | undefined)[];
  /** Seeded by the session; for operators that draw numbers without a seed of their own. */
  readonly random: Random;
  /** Runs the graph of an attribute. */
  runBody(attribute: string, inputs: readonly Data[]): readonly Data[];
}

/** An operator on tensors in plain TypeScript, for every element type that it has: what runs where no kernel does,
 *  where sizes depend on data, and what kernels are tested against. */
export interface Evaluator {
  readonly op: string;
  /** '' (default) is ai.onnx. */
  readonly domain?: string;
  /** As many results as the node has outputs; undefined for optional ones that nobody wants.
   *  @throws {ShapeError} operands that don't fit each other
   *  @throws {UnsupportedError} an element type or a variant that isn't there */
  evaluate(c: EvaluateContext): readonly (Data | undefined)[];
}
