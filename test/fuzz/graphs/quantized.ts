import { Tensor } from '../../../src/core/tensor.ts';
import type { Attribute } from '../../../src/ir/index.ts';
import { tensorOf } from '../../../src/runtime/generic/elements.ts';
import { int, type Make } from './make.ts';
import type { Maker } from './maker.ts';

/** Values and weights that go through integers and back. */

type Storage = 'int8' | 'uint8';

/** The value as levels and back: scale and zero point by its range, as quantizers choose them. */
function there(m: Maker, id: number, isSigned: boolean): readonly number[] | null {
  const { tensor } = m.known.get(id)!;
  const values = tensor.data as Float32Array;
  const low = values.reduce((a, b) => Math.min(a, b), 0);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const storage: Storage = isSigned ? 'int8' : 'uint8';
  const step = Math.fround(Math.max(high - low, 1e-2) / 255);
  const zero = Math.round((isSigned ? -128 : 0) - low / step);
  const scale = m.constant(new Tensor('float32', [step], []));
  const point = m.constant(tensorOf(storage, [zero], []));
  const levels = m.step('QuantizeLinear', [id, scale, point], { kind: 'levels' });
  if (levels === null) return null;
  return m.step('DequantizeLinear', [levels[0]!, scale, point]);
}

/** Levels of weights, per tensor or per channel along an axis, as constants. */
function weights(m: Maker, dims: readonly number[], axis: number): readonly number[] | null {
  const levels = tensorOf(
    'int8',
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => m.between(-127, 127)),
    dims,
  );
  const isByChannel = m.chance(50);
  const sizes = isByChannel ? [dims[axis]!] : [];
  const count = sizes[0] ?? 1;
  const scale = new Tensor(
    'float32',
    Array.from({ length: count }, () => m.between(1, 8) / 512),
    sizes,
  );
  const point = tensorOf('int8', new Array<number>(count).fill(0), sizes);
  const attributes: Record<string, Attribute> = isByChannel ? { axis: int(axis) } : {};
  return m.step('DequantizeLinear', [m.constant(levels), m.constant(scale), m.constant(point)], {
    attributes,
  });
}

export const quantized: Readonly<Record<string, Make>> = {
  QuantizeDequantize: (m) => {
    const id = m.float();
    return id === null ? null : there(m, id, m.chance(50));
  },
  QuantizedConv: (m) => {
    const id = m.float(4, 4);
    if (id === null) return null;
    const isSigned = m.chance(50);
    const x = there(m, id, isSigned);
    if (x === null) return null;
    const channels = m.dims(id)[1]!;
    const isDepthwise = m.chance(40);
    const outputs = isDepthwise ? channels : m.between(1, 6);
    const w = weights(m, [outputs, isDepthwise ? 1 : channels, 3, 3], 0);
    if (w === null) return null;
    const inputs = [x[0]!, w[0]!];
    if (m.chance(50)) inputs.push(m.constant(m.tensor('float32', [outputs], 1)));
    const attributes = {
      group: int(isDepthwise ? channels : 1),
      pads: { type: 'ints', value: [1, 1, 1, 1] } as const,
    };
    const y = m.step('Conv', inputs, { attributes });
    if (y === null) return null;
    const end = m.chance(50) ? (m.step('Relu', y, { kind: 'exact' }) ?? y) : y;
    return m.chance(80) ? there(m, end[0]!, isSigned) : end;
  },
  QuantizedMatMul: (m) => {
    const id = m.float(2, 3);
    if (id === null) return null;
    const isSigned = m.chance(50);
    const x = there(m, id, isSigned);
    if (x === null) return null;
    const w = weights(m, [m.dims(id).at(-1)!, m.between(1, 9)], 1);
    const y = w === null ? null : m.step('MatMul', [x[0]!, w[0]!]);
    if (y === null) return null;
    return m.chance(80) ? there(m, y[0]!, isSigned) : y;
  },
  QuantizedAdd: (m) => {
    const id = m.float();
    if (id === null) return null;
    const dims = `${m.dims(id)}`;
    const other = m.pick(({ tensor }) => tensor.type === 'float32' && `${tensor.dims}` === dims);
    const isSigned = m.chance(50);
    const [a, b] = [there(m, id, isSigned), there(m, other ?? id, isSigned)];
    if (a === null || b === null) return null;
    const y = m.step(m.one(['Add', 'Mul']), [a[0]!, b[0]!]);
    return y === null ? null : there(m, y[0]!, isSigned);
  },
};
