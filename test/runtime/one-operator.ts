import type { DType } from '../../src/core/dtype.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Attribute } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { makeOnnx } from '../onnx-model.ts';

/** One operator of any domain in a session, for comparisons with others. */

export const int = (value: number): Attribute => ({ type: 'int', value: BigInt(value) });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const text = (value: string): Attribute => ({ type: 'string', value });
export const ints = (...value: number[]): Attribute => ({ type: 'ints', value: value.map(BigInt) });
export const floats = (...value: number[]): Attribute => ({ type: 'floats', value });
export const texts = (...value: string[]): Attribute => ({ type: 'strings', value });

export interface Operator {
  op: string;
  domain?: string;
  /** Of the domain's operator set; default 1. */
  version?: number;
  /** Of ai.onnx; default 17. */
  opset?: number;
  inputs: readonly (Tensor | null)[];
  attributes?: Record<string, Attribute>;
  /** Default one float32. */
  outputs?: readonly DType[];
}

/** A model of it; outputs are y0, y1 …. A null input is left out. */
export function modelOf(item: Operator): { bytes: Uint8Array; feeds: Record<string, Tensor> } {
  const { op, domain = '', version = 1, opset = 17, inputs, attributes = {} } = item;
  const feeds: Record<string, Tensor> = {};
  inputs.forEach((tensor, i) => {
    if (tensor !== null) feeds[`x${i}`] = tensor;
  });
  const outputs = item.outputs ?? ['float32'];
  const names = outputs.map((_, i) => `y${i}`);
  const bytes = makeOnnx({
    opset,
    nodes: [
      {
        op,
        domain,
        inputs: inputs.map((tensor, i) => (tensor === null ? '' : `x${i}`)),
        outputs: names,
        attributes: Object.entries(attributes),
      },
    ],
    inputs: Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims }]) => [name, [type, dims]]),
    ),
    outputs: Object.fromEntries(names.map((name, i) => [name, outputs[i]!])),
    domains: domain === '' ? {} : { [domain]: version },
  });
  return { bytes, feeds };
}

/** What a session gives for a model. */
export async function runSession(
  bytes: Uint8Array,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const session = createSession(await readModel(bytes, { format: 'onnx' }));
  try {
    return session.run(feeds);
  } finally {
    session.dispose();
  }
}

/** What it says in a test's name. */
export function nameOf({ op, inputs, attributes = {} }: Operator): string {
  const types = inputs.map((x) => (x === null ? '–' : `${x.type}[${x.dims}]`)).join(' ');
  return `${op} ${types} ${Object.keys(attributes).join(' ')}`;
}
