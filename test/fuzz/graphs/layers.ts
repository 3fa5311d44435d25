import { Tensor } from '../../../src/core/tensor.ts';
import type { Attribute } from '../../../src/ir/index.ts';
import { float, int, ints, type Make, text } from './make.ts';
import type { Maker } from './maker.ts';

/** Layers: convolutions, pools, normalizations, products, recurrent cells. */

/** Pads, strides, dilations of a window. */
function window(m: Maker, kernel: readonly number[], isPool: boolean): Record<string, Attribute> {
  const found: Record<string, Attribute> = {};
  if (m.chance(50)) found.strides = ints(kernel.map(() => m.between(1, 2)));
  if (m.chance(25)) found.dilations = ints(kernel.map(() => m.between(1, 2)));
  const roll = m.random.below(10);
  if (roll < 4) {
    found.pads = ints([...kernel, ...kernel].map((size) => m.between(0, isPool ? size - 1 : 2)));
  } else if (roll < 6) {
    found.auto_pad = text(m.one(['SAME_UPPER', 'SAME_LOWER', 'VALID']));
    // Padded windows of an automatic kind do not go with dilations everywhere.
    delete found.dilations;
  }
  return found;
}

function weights(m: Maker, dims: readonly number[]): number {
  return m.constant(m.tensor('float32', dims, 1));
}

function conv(m: Maker): readonly number[] | null {
  const id = m.float(3, 5);
  if (id === null) return null;
  const [, channels, ...space] = m.dims(id) as [number, number, ...number[]];
  const groups = m.chance(30) ? channels : m.one([1, 1, channels % 2 === 0 ? 2 : 1]);
  const kernel = space.map((size) => m.one([1, 3, 3, 2].filter((k) => k <= size + 2)));
  const outputs = groups * m.between(1, groups > 2 ? 2 : 5);
  const inputs = [id, weights(m, [outputs, channels / groups, ...kernel])];
  if (m.chance(60)) inputs.push(weights(m, [outputs]));
  const attributes = { ...window(m, kernel, false), group: int(groups) };
  return m.step('Conv', inputs, { attributes });
}

function convTranspose(m: Maker): readonly number[] | null {
  const id = m.float(3, 4);
  if (id === null) return null;
  const [, channels, ...space] = m.dims(id) as [number, number, ...number[]];
  const kernel = space.map(() => m.between(1, 3));
  const inputs = [id, weights(m, [channels, m.between(1, 4), ...kernel])];
  const attributes = { strides: ints(kernel.map(() => m.between(1, 2))) };
  return m.step('ConvTranspose', inputs, { attributes });
}

function pool(op: 'MaxPool' | 'AveragePool'): Make {
  return (m) => {
    const id = m.float(3, 5);
    if (id === null) return null;
    const space = m.dims(id).slice(2);
    const kernel = space.map((size) => Math.min(size, m.between(1, 3)));
    const attributes = { ...window(m, kernel, true), kernel_shape: ints(kernel) };
    if (op === 'MaxPool')
      return m.step(op, [id], {
        attributes: { ...attributes, ceil_mode: int(m.between(0, 1)) },
        kind: 'exact',
      });
    const counts = { count_include_pad: int(m.between(0, 1)) };
    return m.step(op, [id], { attributes: { ...attributes, ...counts } });
  };
}

function globalPool(op: string): Make {
  return (m) => m.step(op, [m.float(3, 5)], { kind: op === 'GlobalMaxPool' ? 'exact' : 'rounds' });
}

function positive(m: Maker, size: number): number {
  const tensor = m.tensor('float32', [size]);
  const data = tensor.data as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = Math.abs(data[i]!) + 0.5;
  return m.constant(tensor);
}

function scaled(op: string, low: number): Make {
  return (m) => {
    const id = m.float(low, 5);
    if (id === null) return null;
    const channels = m.dims(id)[1]!;
    const inputs = [id, weights(m, [channels]), weights(m, [channels])];
    if (op === 'BatchNormalization') inputs.push(weights(m, [channels]), positive(m, channels));
    const attributes: Record<string, Attribute> = { epsilon: float(1e-2) };
    if (op === 'GroupNormalization')
      attributes.num_groups = int(m.one([1, channels, channels % 2 === 0 ? 2 : 1]));
    return m.step(op, inputs, { attributes });
  };
}

function overAxes(op: string): Make {
  return (m) => {
    const id = m.float(1, 5);
    if (id === null) return null;
    const dims = m.dims(id);
    const axis = m.random.below(dims.length);
    const inputs = [id, weights(m, dims.slice(axis))];
    if (op === 'LayerNormalization' && m.chance(60)) inputs.push(weights(m, dims.slice(axis)));
    return m.step(op, inputs, {
      attributes: { axis: int(axis - dims.length), epsilon: float(1e-2) },
    });
  };
}

function softmax(op: string): Make {
  return (m) => {
    const id = m.float(1);
    if (id === null) return null;
    return m.step(op, [id], { attributes: { axis: int(m.random.below(m.dims(id).length)) } });
  };
}

function matMul(m: Maker): readonly number[] | null {
  const id = m.float(1, 4);
  if (id === null) return null;
  const inner = m.dims(id).at(-1)!;
  const other = m.pick(
    ({ tensor: { type, dims } }) =>
      type === 'float32' && dims.length >= 2 && dims.length <= 3 && dims.at(-2) === inner,
  );
  if (other !== null && m.chance(50)) return m.step('MatMul', [id, other]);
  return m.step('MatMul', [id, weights(m, [inner, m.between(1, 9)])]);
}

function gemm(m: Maker): readonly number[] | null {
  const id = m.float(2, 2);
  if (id === null) return null;
  const [transA, transB, columns] = [m.between(0, 1), m.between(0, 1), m.between(1, 9)];
  const [rows, inner] = transA === 1 ? m.dims(id).toReversed() : m.dims(id);
  const inputs = [id, weights(m, transB === 1 ? [columns, inner!] : [inner!, columns])];
  if (m.chance(70)) inputs.push(weights(m, m.one([[], [columns], [1, columns], [rows!, 1]])));
  const attributes: Record<string, Attribute> = { transA: int(transA), transB: int(transB) };
  if (m.chance(30)) attributes.alpha = float(0.5);
  if (m.chance(30)) attributes.beta = float(2);
  return m.step('Gemm', inputs, { attributes });
}

function einsum(m: Maker): readonly number[] | null {
  const id = m.float(2, 3);
  if (id === null) return null;
  const dims = m.dims(id);
  const inner = dims.at(-1)!;
  const equation = dims.length === 2 ? 'ij,jk->ki' : 'bij,jk->bik';
  return m.step('Einsum', [id, weights(m, [inner, m.between(1, 5)])], {
    attributes: { equation: text(equation) },
  });
}

function recurrent(op: 'LSTM' | 'GRU'): Make {
  return (m) => {
    const id = m.float(3, 3);
    if (id === null) return null;
    const size = m.dims(id)[2]!;
    const [hidden, gates] = [m.between(1, 4), op === 'LSTM' ? 4 : 3];
    const direction = m.one(['forward', 'reverse', 'bidirectional']);
    const ways = direction === 'bidirectional' ? 2 : 1;
    const inputs = [
      id,
      weights(m, [ways, gates * hidden, size]),
      weights(m, [ways, gates * hidden, hidden]),
    ];
    if (m.chance(60)) inputs.push(weights(m, [ways, 2 * gates * hidden]));
    const attributes: Record<string, Attribute> = {
      hidden_size: int(hidden),
      direction: text(direction),
    };
    if (op === 'GRU') attributes.linear_before_reset = int(m.between(0, 1));
    return m.step(op, inputs, { outputs: 2, attributes });
  };
}

export const layers: Readonly<Record<string, Make>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool('MaxPool'),
  AveragePool: pool('AveragePool'),
  GlobalAveragePool: globalPool('GlobalAveragePool'),
  GlobalMaxPool: globalPool('GlobalMaxPool'),
  BatchNormalization: scaled('BatchNormalization', 2),
  InstanceNormalization: scaled('InstanceNormalization', 3),
  GroupNormalization: scaled('GroupNormalization', 3),
  LayerNormalization: overAxes('LayerNormalization'),
  RMSNormalization: overAxes('RMSNormalization'),
  LRN: (m) => m.step('LRN', [m.float(4, 4)], { attributes: { size: int(m.one([1, 3, 5])) } }),
  Softmax: softmax('Softmax'),
  LogSoftmax: softmax('LogSoftmax'),
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
  LSTM: recurrent('LSTM'),
  GRU: recurrent('GRU'),
  Resize: (m) => {
    const id = m.float(4, 4);
    if (id === null) return null;
    const scales = new Tensor('float32', [1, 1, m.one([1, 2, 3]), m.one([1, 2])]);
    const mode = m.one(['nearest', 'linear']);
    const coordinates = mode === 'nearest' ? 'asymmetric' : m.one(['half_pixel', 'align_corners']);
    return m.step('Resize', [id, null, m.constant(scales)], {
      attributes: {
        mode: text(mode),
        nearest_mode: text('floor'),
        coordinate_transformation_mode: text(coordinates),
      },
      kind: mode === 'nearest' ? 'exact' : 'rounds',
    });
  },
};
