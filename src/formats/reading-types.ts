import { ShapeError } from '../core/errors.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { ValueType } from '../ir/types.ts';
import { constantValues } from '../ops/create.ts';
import { findFault, findOp, type InferContext, ops, readAttributes } from '../ops/index.ts';
import { maxValues } from '../ops/rules.ts';

/** Types of values while a file is read, as far as one look at each node tells: adapters ask for element types and
 *  ranks. What a file declares stays; what can't be right is left unknown (`inferShapes` says so). */
export class ReadingTypes {
  readonly #values: Map<Value, readonly Dim[]> = new Map();

  /** Fills the types of a node's outputs where the file says nothing. */
  infer(node: Node): void {
    const op = findOp(ops, node.domain, node.op);
    if (op === null || findFault(op, node) !== null) return;
    try {
      const context = this.#context(node, readAttributes(op, node));
      op.infer(context).forEach(({ type, values }, index) => {
        const output = node.outputs[index];
        if (output === undefined) return;
        output.type = completed(output.type, type);
        if (values != null && values.length <= maxValues) this.#values.set(output, values);
      });
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }

  #context(node: Node, attributes: InferContext['attributes']): InferContext {
    const type = (input: number): ValueType | null => node.inputs[input]?.type ?? null;
    return {
      node,
      attributes,
      frugal: true,
      type,
      dtype: (input) => {
        const found = type(input);
        return found?.kind === 'tensor' ? found.dtype : null;
      },
      shape: (input): Shape => {
        const found = type(input);
        return found?.kind === 'tensor' ? found.shape : null;
      },
      values: (input) => {
        const value = node.inputs[input];
        if (value == null) return null;
        const known = this.#values.get(value);
        if (known !== undefined || value.constant === null) return known ?? null;
        return constantValues(value.constant);
      },
      inferBody: (name) => {
        const body = node.attributes.get(name);
        return body?.type === 'graph' ? body.value.outputs.map((value) => value.type) : [];
      },
    };
  }
}

/** The declared type with what it leaves open from the inferred one. */
function completed(declared: ValueType | null, inferred: ValueType | null): ValueType | null {
  if (declared === null || inferred === null) return declared ?? inferred;
  if (declared.kind !== 'tensor' || inferred.kind !== 'tensor') return declared;
  return {
    kind: 'tensor',
    dtype: declared.dtype ?? inferred.dtype,
    shape: declared.shape ?? inferred.shape,
  };
}
