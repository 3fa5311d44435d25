import type { DType } from '../src/core/dtype.ts';
import type { Tensor } from '../src/core/tensor.ts';
import type { Attribute } from '../src/ir/index.ts';
import { makeOnnx } from './onnx-model.ts';
import { runModel } from './ort.ts';

type Plain = number | string | readonly number[];

function attribute(name: string, value: Plain): readonly [string, Attribute] {
  if (typeof value === 'string') return [name, { type: 'string', value }];
  const float = floats.has(name);
  if (typeof value === 'number') {
    return [name, float ? { type: 'float', value } : { type: 'int', value: BigInt(value) }];
  }
  if (float) return [name, { type: 'floats', value }];
  return [name, { type: 'ints', value: value.map(BigInt) }];
}

const floats = new Set([
  'alpha',
  'beta',
  'gamma',
  'epsilon',
  'cubic_coeff_a',
  'extrapolation_value',
]);

/** A model of one operator with its feeds; outputs are y0, y1 …. A null input is left out. */
export function oneNodeModel(
  op: string,
  inputs: readonly (Tensor | null)[],
  attributes: Readonly<Record<string, Plain>> = {},
  outputs: readonly DType[] = ['float32'],
  opset = 22,
): { bytes: Uint8Array; feeds: Record<string, Tensor> } {
  const given = inputs.flatMap((tensor, i) =>
    tensor === null ? [] : [[`x${i}`, tensor] as const],
  );
  const names = outputs.map((_, i) => `y${i}`);
  const bytes = makeOnnx({
    opset,
    nodes: [
      {
        op,
        inputs: inputs.map((tensor, i) => (tensor === null ? '' : `x${i}`)),
        outputs: names,
        attributes: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      },
    ],
    inputs: Object.fromEntries(
      given.map(([name, { type, dims }]) => [name, [type as DType, dims]]),
    ),
    outputs: Object.fromEntries(names.map((name, i) => [name, outputs[i]!])),
  });
  return { bytes, feeds: Object.fromEntries(given) };
}

/** What onnxruntime computes with one operator. */
export async function oneNode(...model: Parameters<typeof oneNodeModel>): Promise<Tensor[]> {
  const { bytes, feeds } = oneNodeModel(...model);
  const results = await runModel(bytes, feeds);
  return (model[3] ?? ['float32']).map((_, i) => results[`y${i}`]!);
}
