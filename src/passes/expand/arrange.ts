import { normalizeAxis, volume } from '../../core/shape.ts';
import { constantOf } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Places in elements: more are not worth a table of them. */
const mostPlaces = 1 << 20;

/** Coordinates of elements that are taken along one axis by indices of their own: [..., rank].
 *  @param indices  how far along the axis, negative ones from its end */
function coordinates(p: Parts, indices: Value, axis: number, size: number): Value {
  const dims = p.dims(indices);
  if (volume(dims) * dims.length > mostPlaces) p.stop('too many places');
  const wide = p.cast(indices, 'int64');
  const counted = p.where(p.test('Less', wide, 0), p.add(wide, size), wide);
  const last = [...dims, 1];
  const parts = dims.map((_, own) => {
    if (own === axis) return p.reshape(counted, last);
    const inner = volume(dims.slice(own + 1));
    const places = Array.from(
      { length: volume(dims) },
      (_, i) => Math.floor(i / inner) % dims[own]!,
    );
    return p.ints(places, last);
  });
  return p.concat(parts, -1);
}

const gatherElements: Expansion = (p) => {
  const [x, indices] = [p.in(0), p.in(1)];
  const dims = p.dims(x);
  const axis = normalizeAxis(p.attributes.int('axis', 0), dims.length);
  p.end(0, p.gatherND(x, coordinates(p, indices, axis, dims[axis]!)));
};

const scatterElements: Expansion = (p) => {
  const [x, indices, updates] = [p.in(0), p.in(1), p.in(2)];
  const dims = p.dims(x);
  const axis = normalizeAxis(p.attributes.int('axis', 0), dims.length);
  const places = coordinates(p, indices, axis, dims[axis]!);
  const reduction = p.attributes.string('reduction', 'none');
  p.end(0, p.op('ScatterND', [x, places, updates], dims, p.dtype(x), { reduction }));
};

/** Rows of a cache that are written, from where each item of the batch says. */
const tensorScatter: Expansion = (p) => {
  const [cache, update] = [p.in(0), p.in(1)];
  const dims = p.dims(cache);
  const axis = normalizeAxis(p.attributes.int('axis', -2), dims.length);
  const size = dims[axis]!;
  const count = p.dims(update)[axis]!;
  const ones = dims.map(() => 1);
  const start = p.has(2)
    ? p.reshape(
        p.cast(p.in(2), 'int64'),
        ones.map((one, i) => (i === 0 ? dims[0]! : one)),
      )
    : p.ints([0], ones);
  const places = p.ints(
    Array.from({ length: size }, (_, i) => i),
    ones.map((one, i) => (i === axis ? size : one)),
  );
  let ahead = p.sub(places, start);
  if (p.attributes.string('mode', 'linear') === 'circular') ahead = p.binary('Mod', ahead, size);
  const isOld = p.binary('Or', p.test('Less', ahead, 0), p.test('GreaterOrEqual', ahead, count));
  const from = p.expand(p.where(isOld, 0, ahead), dims);
  const fresh = p.op('GatherElements', [update, from], dims, p.dtype(update), { axis });
  p.end(0, p.where(isOld, cache, fresh));
};

/** Elements at the places where a MaxPool took them, zeros elsewhere. */
const maxUnpool: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const rank = dims.length - 2;
  const list = (name: string, length: number, fill: number): readonly number[] =>
    p.attributes.ints(name) ?? new Array<number>(length).fill(fill);
  const [kernel, strides] = [list('kernel_shape', rank, 1), list('strides', rank, 1)];
  const pads = list('pads', 2 * rank, 0);
  const sizes = dims.slice(2).map((size, i) => {
    return (size - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[i + rank]!;
  });
  const inferred = [...dims.slice(0, 2), ...sizes];
  const count = volume(dims);
  const zeros = p.expand(p.scalar(0, p.dtype(x)), [volume(inferred)]);
  const places = p.reshape(p.in(1), [count, 1]);
  const inputs = [zeros, places, p.reshape(x, [count])];
  const flat = p.op('ScatterND', inputs, [volume(inferred)], p.dtype(x));
  const result = p.reshape(flat, inferred);
  if (!p.has(2)) {
    p.end(0, result);
    return;
  }
  // Larger sizes that are asked for lie after the others.
  const asked = p.numbers(2) ?? p.stop('the sizes are computed');
  const more = [...inferred.map(() => 0), ...inferred.map((size, i) => asked[i]! - size)];
  p.end(0, p.op('Pad', [result, p.ints(more)], asked, p.dtype(x)));
};

/** Blocks of an image, side by side in columns, added where they lie: what a transposed convolution with one weight
 *  for each place in a block does. */
const columnsToImage: Expansion = (p) => {
  const x = p.in(0);
  const [batch, columns, count] = p.dims(x) as [number, number, number];
  const image = p.numbers(1) ?? p.stop('the sizes are computed');
  const block = p.numbers(2) ?? p.stop('the block is computed');
  const rank = image.length;
  const list = (name: string, length: number, fill: number): readonly number[] => {
    const own = p.attributes.ints(name);
    return own === null || own.length === 0 ? new Array<number>(length).fill(fill) : own;
  };
  const [strides, dilations] = [list('strides', rank, 1), list('dilations', rank, 1)];
  const pads = list('pads', 2 * rank, 0);
  const spans = block.map((size, i) => (size - 1) * dilations[i]! + 1);
  const places = image.map((size, i) => {
    return Math.floor((size + pads[i]! + pads[i + rank]! - spans[i]!) / strides[i]!) + 1;
  });
  const area = volume(block);
  const channels = columns / area;
  if (volume(places) !== count) p.stop('columns do not fit the image');
  const weights = new Float32Array(columns * area);
  for (let i = 0; i < columns; i++) weights[i * area + (i % area)] = 1;
  const apart = p.reshape(x, [batch, columns, ...places]);
  // What the last steps leave over is part of the image, too.
  const over = image.map((size, i) => {
    return size + pads[i]! + pads[i + rank]! - spans[i]! - (places[i]! - 1) * strides[i]!;
  });
  p.end(
    0,
    p.op(
      'ConvTranspose',
      [apart, p.floats(weights, [columns, 1, ...block])],
      [batch, channels, ...image],
      'float32',
      { group: channels, strides, dilations, pads, output_padding: over, kernel_shape: block },
    ),
  );
};

/** The upper or lower triangle of matrices. */
const triangle: Expansion = (p) => {
  const x = p.in(0);
  const [rows, columns] = p.dims(x).slice(-2) as [number, number];
  const shift = p.has(1) ? (p.numbers(1)?.[0] ?? p.stop('the diagonal is computed')) : 0;
  const isUpper = p.attributes.int('upper', 1) !== 0;
  const kept = Uint8Array.from({ length: rows * columns }, (_, i) => {
    const ahead = (i % columns) - Math.floor(i / columns);
    return (isUpper ? ahead >= shift : ahead <= shift) ? 1 : 0;
  });
  const mask = p.constant(constantOf('bool', [rows, columns], kept), 'triangle');
  p.end(0, p.where(mask, x, 0));
};

/** The middle of some axes, or what is there with zeros around; sizes may be computed. */
const centerCropPad: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const rank = dims.length;
  const axes =
    p.attributes.ints('axes')?.map((axis) => (axis < 0 ? axis + rank : axis)) ??
    dims.map((_, axis) => axis);
  const wanted = p.cast(p.in(1), 'int64');
  const sizes = p.ints(axes.map((axis) => dims[axis]!));
  const half = (difference: Value): Value => p.div(p.binary('Max', difference, 0), 2);
  const start = half(p.sub(sizes, wanted));
  const kept = p.binary('Min', sizes, wanted);
  const list = p.ints(axes);
  const lists = [start, p.add(start, kept), list];
  const cropped = p.op(
    'Slice',
    [x, ...lists],
    dims.map(() => null),
    p.dtype(x),
  );
  const missing = p.binary('Max', p.sub(wanted, sizes), 0);
  const before = half(missing);
  const pads = p.concat([before, p.sub(missing, before)], 0);
  const zero = p.scalar(0, p.dtype(x));
  p.end(
    0,
    p.op(
      'Pad',
      [cropped, pads, zero, list],
      dims.map(() => null),
      p.dtype(x),
    ),
  );
};

/** Ones on a diagonal. */
const eye: Expansion = (p) => {
  const [rows, columns] = p.dims(p.in(0)) as [number, number];
  const shift = p.attributes.int('k', 0);
  const ones = Float32Array.from({ length: rows * columns }, (_, i) =>
    (i % columns) - Math.floor(i / columns) === shift ? 1 : 0,
  );
  const made = p.floats(ones, [rows, columns]);
  p.end(0, p.cast(made, p.dtype(p.node.outputs[0]!)));
};

/** Elements of the last axis by their places. */
const features: Expansion = (p) => {
  const [x, places] = [p.in(0), p.in(1)];
  const count = volume(p.dims(places));
  const taken = p.gather(x, p.reshape(places, [count]), -1);
  const dims = p.dims(x);
  p.end(0, dims.length === 1 ? p.reshape(taken, [1, count]) : taken);
};

/** 1 above a threshold, else 0. */
const binarizer: Expansion = (p) => {
  const x = p.in(0);
  p.end(0, p.cast(p.test('Greater', x, p.attributes.float('threshold', 0)), p.dtype(x)));
};

export const arrangeExpansions: Readonly<Record<string, Expansion>> = {
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
  TensorScatter: tensorScatter,
  MaxUnpool: maxUnpool,
  Col2Im: columnsToImage,
  Trilu: triangle,
  EyeLike: eye,
  CenterCropPad: centerCropPad,
  'ai.onnx.ml:ArrayFeatureExtractor': features,
  'ai.onnx.ml:Binarizer': binarizer,
};
