import type { DType } from '../../../src/core/dtype.ts';
import { Tensor } from '../../../src/core/tensor.ts';
import { type Attribute, Builder, Model, tensorType } from '../../../src/ir/index.ts';
import type { Quantization } from '../../../src/ir/types.ts';
import { readAttributes } from '../../../src/ops/attributes.ts';
import { findOp, ops } from '../../../src/ops/index.ts';
import type { LowerContext } from '../../../src/runtime/lower/lowering.ts';
import { operandOf } from '../../../src/runtime/plan/operand.ts';
import type { Levels, StoredKernel } from '../../../src/runtime/reference-contract/stored.ts';
import { libraryBackend } from '../../../src/wasm/library.ts';

/** Levels with what they mean; no scale: as they are. */
export interface Given {
  readonly type: DType;
  readonly dims: readonly number[];
  readonly levels: readonly number[];
  readonly scale?: number | readonly number[];
  readonly zero?: number;
  readonly axis?: number;
  readonly constant?: boolean;
}

export function quantization({ type, scale, zero = 0, axis }: Omit<Given, 'levels' | 'dims'>) {
  if (scale === undefined) return null;
  const scales = Float32Array.from(typeof scale === 'number' ? [scale] : scale);
  const result: Quantization = {
    storage: type,
    view: null,
    scale: scales,
    zeroPoint: zero === 0 ? null : new Int32Array(scales.length).fill(zero),
    axis: axis ?? null,
    blockSize: null,
  };
  return result;
}

/** Runs a kernel on levels; null where it does not take them. */
export function runKernel(
  kernel: StoredKernel,
  inputs: readonly (Given | null)[],
  outputs: readonly Omit<Given, 'levels'>[],
  attributes: Record<string, Attribute> = {},
): number[][] | null {
  const model = new Model();
  const b = new Builder(model.graph);
  const { op, domain = '' } = kernel;
  const values = inputs.map((given, i) =>
    given === null ? null : b.input(`x${i}`, tensorType('float32', given.dims)),
  );
  const names = outputs.map((_, i) => `y${i}`);
  const node = b.node(
    { op, domain, inputs: values, attributes: Object.entries(attributes) },
    names,
  );
  const tensors = inputs.map((given) =>
    given === null ? null : new Tensor(given.type, [...given.levels], given.dims),
  );
  const context: LowerContext = {
    node,
    attributes: readAttributes(findOp(ops, domain, op)!, node),
    backend: libraryBackend(),
    inputs: inputs.map((given) =>
      given === null
        ? null
        : operandOf(given.type, given.dims, quantization(given), given.constant === true),
    ),
    outputs: outputs.map((given) => operandOf(given.type, given.dims, quantization(given), false)),
    knownIn: () => null,
    known: (input) => (inputs[input]?.constant === true ? tensors[input]! : null),
    pack: () => {
      throw new TypeError('nothing to pack');
    },
  };
  const run = kernel.prepare(context);
  if (run === null) return null;
  const results = context.outputs.map(
    (operand) =>
      new Tensor(operand!.storage, new Array<number>(operand!.size).fill(0), operand!.dims),
  );
  run(
    tensors.map((tensor) => (tensor === null ? null : (tensor.data as Levels))),
    results.map(({ data }) => data as Levels),
  );
  return results.map(({ data }) => Array.from(data as Levels));
}
