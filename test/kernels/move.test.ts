import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import {
  concat,
  expand,
  gather,
  gatherElements,
  type MovableArray,
  type PadMode,
  pad,
  type ResizeOptions,
  resize,
  type ScatterReduction,
  scatterElements,
  slice,
  topK,
  transpose,
} from '../../src/kernels/index.ts';
import { oneNode } from '../one-node.ts';

const test = suite('data movement against onnxruntime');

const draw = random(31);
const volume = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const noise = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: volume(shape) }, () => (draw.uniform() - 0.5) * 8);
const floats = (data: Float32Array, dims: readonly number[]): Tensor =>
  new Tensor('float32', data, dims);
const ints = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), dims);

function same(got: MovableArray, tensor: Tensor | undefined, where: string): void {
  assert.equal([...(got as Float32Array)], [...(tensor!.data as Float32Array)], where);
}

function permutations(rank: number): number[][] {
  if (rank === 0) return [[]];
  return permutations(rank - 1).flatMap((rest) =>
    Array.from({ length: rank }, (_, at) => rest.toSpliced(at, 0, rank - 1)),
  );
}

test('transpose: every permutation of up to five axes', async () => {
  for (const shape of [[6], [5, 7], [8, 12], [2, 3, 4], [4, 1, 9, 5], [2, 3, 2, 5, 4]]) {
    const x = noise(shape);
    for (const perm of permutations(shape.length)) {
      const [y] = await oneNode('Transpose', [floats(x, shape)], { perm });
      same(transpose(x, shape, perm), y, `[${shape}] by ${perm}`);
    }
  }
});

test('transpose: all element sizes, and tensors of several parts', () => {
  const shape = [70, 3, 50];
  const order = [2, 0, 1];
  const at = (i: number): number => {
    const [a, b, c] = [Math.floor(i / 3) % 70, i % 3, Math.floor(i / 210)];
    return (a * 3 + b) * 50 + c;
  };
  for (const array of [Int8Array, Uint16Array, Float32Array, Float64Array, BigInt64Array]) {
    const x = new array(10_500) as Float32Array;
    const big = array === (BigInt64Array as unknown);
    for (let i = 0; i < x.length; i++) x[i] = (big ? BigInt(i) : i) as number;
    const y = transpose(x, shape, order);
    for (let i = 0; i < y.length; i++)
      if (y[i] !== x[at(i)]) assert.unreachable(`${array.name} ${i}`);
  }
  const large = Float32Array.from({ length: 1200 * 1100 }, (_, i) => i);
  const turned = transpose(large, [1200, 1100]);
  turned.forEach((value, i) => {
    if (value !== (i % 1200) * 1100 + Math.floor(i / 1200)) assert.unreachable(`${i}: ${value}`);
  });
  const deep = transpose(large, [2, 600, 2, 550], [3, 2, 1, 0]);
  const back = transpose(deep, [550, 2, 600, 2], [3, 2, 1, 0]);
  assert.equal(back, large);
});

test('slice, expand and concat', async () => {
  const shape = [4, 5, 6];
  const x = noise(shape);
  const cases = [
    { starts: [0, 0, 0], sizes: [4, 5, 6], steps: [1, 1, 1] },
    { starts: [1, 2, 3], sizes: [2, 2, 3], steps: [1, 1, 1] },
    { starts: [3, 4, 5], sizes: [4, 3, 6], steps: [-1, -2, -1] },
    { starts: [0, 1, 0], sizes: [2, 2, 2], steps: [3, 2, 5] },
    { starts: [1, 0, 0], sizes: [1, 0, 2], steps: [1, 1, 1] },
  ];
  for (const { starts, sizes, steps } of cases) {
    const ends = starts.map((s, i) => {
      const end = s + sizes[i]! * steps[i]!;
      return end < 0 ? -1000 : end;
    });
    const [y] = await oneNode('Slice', [
      floats(x, shape),
      ints(starts),
      ints(ends),
      ints([0, 1, 2]),
      ints(steps),
    ]);
    same(slice(x, { shape, starts, sizes, steps }), y, JSON.stringify({ starts, sizes, steps }));
  }
  for (const [from, to] of [
    [[1], [4]],
    [
      [3, 1],
      [3, 4],
    ],
    [
      [5, 1, 2],
      [2, 5, 3, 2],
    ],
    [
      [1, 3],
      [70_000, 3],
    ],
  ] as const) {
    const small = noise(from);
    const [y] = await oneNode('Expand', [floats(small, from), ints(to)]);
    same(expand(small, from, to), y, `[${from}] to [${to}]`);
  }
  for (let axis = 0; axis < 3; axis++) {
    const other = shape.map((n, i) => (i === axis ? 2 : n));
    const z = noise(other);
    const [y] = await oneNode('Concat', [floats(x, shape), floats(z, other), floats(x, shape)], {
      axis,
    });
    const got = concat(
      [
        { data: x, shape },
        { data: z, shape: other },
        { data: x, shape },
      ],
      axis,
    );
    assert.equal(got.shape, [...y!.dims]);
    same(got.data, y, `Concat on ${axis}`);
  }
});

test('pad: all modes', async () => {
  const shape = [3, 4, 5];
  const x = noise(shape);
  const all = [
    [0, 1, 2, 0, 1, 2],
    [1, 0, 0, 2, 0, 3],
    [0, 2, 1, 0, 0, 0],
    [0, -1, 1, 0, 1, -2],
  ];
  for (const mode of ['constant', 'reflect', 'edge', 'wrap'] as PadMode[]) {
    for (const pads of all) {
      // Its wrap and reflect of axes that are cut at the same time read what was cut off.
      if (mode !== 'constant' && pads.some((n) => n < 0)) continue;
      const inputs = [
        floats(x, shape),
        ints(pads),
        ...(mode === 'constant' ? [floats(Float32Array.of(2.5), [])] : []),
      ];
      const [y] = await oneNode('Pad', inputs, { mode });
      const got = pad(x, { shape, pads, mode, value: 2.5 });
      assert.equal(got.shape, [...y!.dims]);
      same(got.data, y, `${mode} ${pads}`);
    }
  }
});

test('gather, gatherElements and scatterElements', async () => {
  const shape = [3, 4, 20];
  const x = noise(shape);
  for (let axis = 0; axis < 3; axis++) {
    const indices = [1, -1, 0, 2, -2];
    const [y] = await oneNode('Gather', [floats(x, shape), ints(indices)], { axis });
    same(gather(x, shape, indices, axis), y, `Gather on ${axis}`);
    const indexShape = shape.map((n, i) => (i === axis ? 2 : n - 1));
    const places = Array.from({ length: volume(indexShape) }, () => draw.below(6) - 3);
    const [e] = await oneNode('GatherElements', [floats(x, shape), ints(places, indexShape)], {
      axis,
    });
    same(gatherElements(x, shape, places, indexShape, axis), e, `GatherElements on ${axis}`);
    const updates = noise(indexShape);
    const reductions: ScatterReduction[] = ['none', 'add', 'mul', 'max', 'min'];
    for (const reduction of reductions) {
      // Without a reduction the order of equal places is undefined there.
      const at = reduction === 'none' ? places.map((_, i) => Math.floor(i / 57) % 2) : places;
      const unique = reduction === 'none' && axis !== 0;
      if (unique) continue;
      const inputs = [floats(x, shape), ints(at, indexShape), floats(updates, indexShape)];
      const [s] = await oneNode('ScatterElements', inputs, { axis, reduction });
      same(
        scatterElements(x, shape, at, updates, indexShape, { axis, reduction }),
        s,
        `${reduction} on ${axis}`,
      );
    }
  }
});

test('topK', async () => {
  for (const shape of [[9], [4, 7], [3, 6, 5]]) {
    const x = noise(shape).map(Math.round);
    for (let axis = 0; axis < shape.length; axis++) {
      for (const largest of [0, 1]) {
        for (const k of [1, 3, shape[axis]!]) {
          const [v, i] = await oneNode(
            'TopK',
            [floats(x, shape), ints([k])],
            { axis, largest, sorted: 1 },
            ['float32', 'int64'],
          );
          const { values, indices } = topK(x, k, { shape, axis, largest: largest === 1 });
          same(values, v, `${k} of [${shape}]`);
          assert.equal([...indices], [...(i!.data as BigInt64Array)].map(Number));
        }
      }
    }
  }
  const { indices } = topK(Float32Array.of(1, Number.NaN, Infinity, -Infinity), 4);
  assert.equal([...indices], [1, 2, 0, 3]);
});

const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const;

async function compareResize(
  shape: number[],
  options: Omit<ResizeOptions, 'shape'>,
): Promise<void> {
  const x = noise(shape);
  const { sizes, scales, roi, mode = 'nearest' } = options;
  const crop = options.coordinates === 'tf_crop_and_resize';
  const inputs = [
    floats(x, shape),
    crop ? floats(Float32Array.from(roi!), [roi!.length]) : null,
    scales ? floats(Float32Array.from(scales), [scales.length]) : null,
    ...(sizes ? [ints(sizes)] : []),
  ];
  const [y] = await oneNode('Resize', inputs, {
    mode,
    coordinate_transformation_mode: options.coordinates ?? 'half_pixel',
    ...(mode === 'nearest' ? { nearest_mode: options.nearest ?? 'round_prefer_floor' } : {}),
    ...(mode === 'cubic' ? { exclude_outside: options.excludeOutside ? 1 : 0 } : {}),
    ...(options.cubicCoefficient ? { cubic_coeff_a: options.cubicCoefficient } : {}),
    ...(options.extrapolationValue ? { extrapolation_value: options.extrapolationValue } : {}),
  });
  const got = resize(x, { shape, ...options });
  const where = JSON.stringify({ shape, ...options });
  assert.equal(got.shape, [...y!.dims], where);
  const want = y!.data as Float32Array;
  want.forEach((value, i) => {
    const bound = mode === 'nearest' ? 0 : 2e-5;
    if (!(Math.abs(got.data[i]! - value) <= bound))
      assert.unreachable(`${where}[${i}]: ${got.data[i]}, not ${value}`);
  });
}

test('resize: nearest, linear and cubic in all coordinate modes', async () => {
  for (const mode of coordinates) {
    for (const nearest of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const) {
      await compareResize([1, 2, 5, 7], { sizes: [1, 2, 8, 4], coordinates: mode, nearest });
      await compareResize([1, 1, 4, 4], { scales: [1, 1, 2, 0.6], coordinates: mode, nearest });
    }
    for (const sampling of ['linear', 'cubic'] as const) {
      await compareResize([1, 2, 5, 7], { sizes: [1, 2, 8, 4], coordinates: mode, mode: sampling });
      await compareResize([2, 1, 6, 4], {
        scales: [1, 1, 2.5, 0.6],
        coordinates: mode,
        mode: sampling,
      });
      await compareResize([1, 1, 3, 3], { sizes: [1, 1, 1, 9], coordinates: mode, mode: sampling });
    }
    await compareResize([1, 1, 5, 4], {
      sizes: [1, 1, 9, 9],
      coordinates: mode,
      mode: 'cubic',
      excludeOutside: true,
      cubicCoefficient: -0.5,
    });
  }
  const roi = [0, 0, 0.2, -0.3, 1, 1, 0.9, 0.8];
  await compareResize([1, 2, 5, 7], {
    sizes: [1, 2, 6, 5],
    coordinates: 'tf_crop_and_resize',
    roi,
    mode: 'linear',
    extrapolationValue: 7,
  });
});

test('wrong arguments are named', () => {
  const x = new Float32Array(12);
  const shape = [3, 4];
  assert.throws(() => transpose(x, shape, [0, 0]), /"permutation"/);
  assert.throws(() => transpose([1] as unknown as Float32Array, [1]), /"x" expected a typed array/);
  assert.throws(
    () => slice(x, { shape, starts: [0, 2], sizes: [1, 3] }),
    /"starts" expected indices 0..3/,
  );
  assert.throws(() => slice(x, { shape, starts: [0], sizes: [1, 1] }), /"starts"/);
  assert.throws(() => expand(x, shape, [3, 5]), /"to"/);
  assert.throws(() => expand(x, shape, [4]), /"to"/);
  assert.throws(() => concat([], 0), /"inputs"/);
  assert.throws(
    () =>
      concat(
        [
          { data: x, shape },
          { data: x, shape: [4, 3] },
        ],
        0,
      ),
    /"inputs"/,
  );
  assert.throws(() => pad(x, { shape, pads: [1, 1] }), /"pads"/);
  assert.throws(() => pad(x, { shape, pads: [0, 0, 0, 0], mode: 'mirror' as 'wrap' }), /"mode"/);
  assert.throws(() => gather(x, shape, [3]), /"indices" expected integers -3..2, got 3/);
  assert.throws(() => topK(x, 5, { shape }), /"k" expected 0..4/);
  assert.throws(() => resize(x, { shape, sizes: [3, 4], scales: [1, 1] }), /"sizes"/);
  assert.throws(() => resize(x, { shape, scales: [1, 0] }), /"scales"/);
  assert.throws(() => resize(x, { shape, sizes: [3, 4], mode: 'area' as 'cubic' }), /"mode"/);
});

test.run();
