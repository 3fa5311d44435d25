import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../../src/core/dtype.ts';
import { FormatError, LimitError, UnsupportedError } from '../../../src/core/errors.ts';
import { resolveLimits } from '../../../src/core/limits.ts';
import { random } from '../../../src/core/random.ts';
import type { SparseTensorProto, TensorProto } from '../../../src/formats/onnx/proto.ts';
import { densify } from '../../../src/formats/onnx/sparse.ts';
import { makeStringTensor, makeTensor } from '../../../src/formats/onnx/tensor.ts';

const x = suite('onnx sparse');

const limits = resolveLimits(undefined, 1000);
const int64 = (dims: number[], values: number[]): TensorProto =>
  makeTensor('i', 'int64', dims, new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer));
const values = (dtype: DType, count: number, bytes: number[]): TensorProto =>
  makeTensor('v', dtype, [count], new Uint8Array(bytes));

async function dense(sparse: SparseTensorProto): Promise<number[]> {
  const { source } = await densify(sparse, limits);
  return [...(await source.read(0, source.size))];
}

x('linear indices and coordinates', async () => {
  const v = values('uint8', 3, [7, 8, 9]);
  const expected = [0, 7, 0, 0, 8, 9];
  assert.equal(await dense({ values: v, indices: int64([3], [1, 4, 5]), dims: [2, 3] }), expected);
  const coordinates = int64([3, 2], [0, 1, 1, 1, 1, 2]);
  assert.equal(await dense({ values: v, indices: coordinates, dims: [2, 3] }), expected);
  assert.equal(
    await dense({ values: values('uint8', 0, []), indices: int64([0], []), dims: [3] }),
    [0, 0, 0],
  );
  const wide = { values: values('int16', 1, [1, 2]), indices: int64([1], [1]), dims: [3] };
  assert.equal(await dense(wide), [0, 0, 1, 2, 0, 0]);
});

x('elements of less than a byte', async () => {
  // int4: elements 1, 2, 3 at 1, 2, 4 of 5; uint2: 3, 1 at 0, 6 of 7.
  const four = {
    values: values('int4', 3, [0x21, 0x03]),
    indices: int64([3], [1, 2, 4]),
    dims: [5],
  };
  assert.equal(await dense(four), [0x10, 0x02, 0x03]);
  const two = { values: values('uint2', 2, [0b0111]), indices: int64([2], [0, 6]), dims: [7] };
  assert.equal(await dense(two), [0b11, 0b010000]);
});

x('any part reads the same', async () => {
  const { below } = random(5);
  for (const [dtype, width] of [
    ['uint8', 1],
    ['float32', 4],
    ['float64', 8],
  ] as const) {
    const places = [...new Set(Array.from({ length: 60 }, () => below(500)))].sort((a, b) => a - b);
    const data = Array.from({ length: places.length * width }, () => 1 + below(255));
    const expected = new Uint8Array(500 * width);
    for (const [i, place] of places.entries())
      expected.set(data.slice(i * width, (i + 1) * width), place * width);
    const { source } = await densify(
      {
        values: values(dtype, places.length, data),
        indices: int64([places.length], places),
        dims: [5, 100],
      },
      limits,
    );
    for (let run = 0; run < 200; run++) {
      const offset = below(source.size);
      const length = below(source.size - offset + 1);
      assert.equal(await source.read(offset, length), expected.slice(offset, offset + length));
    }
  }
});

x('malformed ones are refused', async () => {
  const v = values('uint8', 2, [1, 2]);
  const bad: SparseTensorProto[] = [
    { indices: int64([2], [0, 1]), dims: [4] },
    { values: v, dims: [4] },
    { values: v, indices: int64([2], [1, 1]), dims: [4] },
    { values: v, indices: int64([2], [2, 1]), dims: [4] },
    { values: v, indices: int64([2], [0, 4]), dims: [4] },
    { values: v, indices: int64([2], [-1, 0]), dims: [4] },
    { values: v, indices: int64([2, 2], [0, 2, 1, 0]), dims: [2, 2] },
    { values: v, indices: int64([2, 2], [1, 0, 0, 1]), dims: [2, 2] },
    { values: v, indices: int64([3], [0, 1, 2]), dims: [4] },
    { values: v, indices: int64([2, 1], [0, 1]), dims: [2, 2] },
    { values: v, indices: int64([2, 1, 1], [0, 1]), dims: [2, 2] },
    {
      values: makeTensor('v', 'uint8', [2, 1], new Uint8Array(2)),
      indices: int64([2], [0, 1]),
      dims: [4],
    },
    { values: v, indices: values('uint8', 2, [0, 1]), dims: [4] },
    { values: v, indices: int64([2], [0, 1]), dims: [-4] },
  ];
  for (const [i, sparse] of bad.entries()) {
    let error: unknown;
    await densify(sparse, limits).catch((thrown: unknown) => {
      error = thrown;
    });
    assert.instance(error, FormatError, String(i));
  }
  const refused = async (
    sparse: SparseTensorProto,
    kind: typeof LimitError | typeof UnsupportedError,
  ): Promise<void> => {
    let error: unknown;
    await densify(sparse, limits).catch((thrown: unknown) => {
      error = thrown;
    });
    assert.instance(error, kind);
  };
  await refused({ values: v, indices: int64([2], [0, 1]), dims: [2 ** 40] }, LimitError);
  await refused(
    { values: makeStringTensor('s', [1], ['a']), indices: int64([1], [0]), dims: [4] },
    UnsupportedError,
  );
});

x.run();
