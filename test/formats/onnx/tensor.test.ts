import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DType, dtypes } from '../../../src/core/dtype.ts';
import { FormatError, UnsupportedError } from '../../../src/core/errors.ts';
import { resolveLimits } from '../../../src/core/limits.ts';
import { random } from '../../../src/core/random.ts';
import { type ByteSource, readSync } from '../../../src/core/source.ts';
import { decodeMessage, encodeToBytes } from '../../../src/formats/onnx/codec.ts';
import { packVarints } from '../../../src/formats/onnx/packed.ts';
import type { TensorProto } from '../../../src/formats/onnx/proto.ts';
import {
  dataTypeOf,
  dataTypes,
  dtypeOf,
  makeStringTensor,
  makeTensor,
  tensorBytes,
  tensorDims,
  tensorStrings,
} from '../../../src/formats/onnx/tensor.ts';
import { nodeTestFiles } from './corpus.ts';
import { varintBytes, wireFields } from './wire.ts';

const x = suite('onnx tensor');

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const varints = (...values: (number | bigint)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(values.map((value) => varintBytes(BigInt(value)))));
const floats = (...values: number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);
const doubles = (...values: number[]): Uint8Array =>
  new Uint8Array(new Float64Array(values).buffer);
const all = (source: ByteSource): Uint8Array => readSync(source, 0, source.size);
const tensor = (dtype: DType, dims: number[], data: Partial<TensorProto>): TensorProto => ({
  dataType: dataTypeOf(dtype),
  dims,
  name: 'w',
  ...data,
});

function fails(
  kind: typeof FormatError | typeof UnsupportedError,
  code: string,
  run: () => unknown,
): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, kind);
    assert.is((error as FormatError).code, code);
    return;
  }
  assert.unreachable(`no ${code}`);
}

x('typed fields become packed little-endian bytes', () => {
  const cases: [DType, number[], Partial<TensorProto>, Uint8Array][] = [
    ['float32', [2], { floatData: floats(1.5, -0) }, bytes(0, 0, 0xc0, 0x3f, 0, 0, 0, 0x80)],
    ['complex64', [1], { floatData: floats(1, 2) }, floats(1, 2)],
    ['float64', [1], { doubleData: doubles(-2) }, doubles(-2)],
    ['complex128', [1], { doubleData: doubles(3, 4) }, doubles(3, 4)],
    ['int32', [2], { int32Data: varints(1, -2) }, bytes(1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff)],
    ['int16', [2], { int32Data: varints(300, -1) }, bytes(0x2c, 1, 0xff, 0xff)],
    ['uint16', [2], { int32Data: varints(65535, 1) }, bytes(0xff, 0xff, 1, 0)],
    ['int8', [2], { int32Data: varints(-128, 127) }, bytes(0x80, 0x7f)],
    ['uint8', [2], { int32Data: varints(255, 0) }, bytes(255, 0)],
    ['bool', [2], { int32Data: varints(1, 0) }, bytes(1, 0)],
    ['float16', [2], { int32Data: varints(0x3c00, 0xc000) }, bytes(0, 0x3c, 0, 0xc0)],
    ['float16', [1], { int32Data: varints(-0x4000) }, bytes(0, 0xc0)],
    ['bfloat16', [1], { int32Data: varints(0x3f80) }, bytes(0x80, 0x3f)],
    ['float8e4m3fn', [2], { int32Data: varints(0x38, 0xb8) }, bytes(0x38, 0xb8)],
    ['float8e8m0', [1], { int32Data: varints(127) }, bytes(127)],
    ['int4', [3], { int32Data: varints(0x21, 0x0f) }, bytes(0x21, 0x0f)],
    ['uint4', [2, 2], { int32Data: varints(0xff, 0x10) }, bytes(0xff, 0x10)],
    ['float4e2m1', [2], { int32Data: varints(0x73) }, bytes(0x73)],
    ['int2', [5], { int32Data: varints(0xe4, 3) }, bytes(0xe4, 3)],
    ['uint2', [4], { int32Data: varints(0x1b) }, bytes(0x1b)],
    ['uint32', [2], { uint64Data: varints(2 ** 32 - 1, 7) }, bytes(255, 255, 255, 255, 7, 0, 0, 0)],
    [
      'uint64',
      [1],
      { uint64Data: varints(2n ** 64n - 1n) },
      bytes(255, 255, 255, 255, 255, 255, 255, 255),
    ],
    [
      'int64',
      [2],
      { int64Data: varints(-1, 2 ** 40) },
      bytes(255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 1, 0, 0),
    ],
  ];
  for (const [dtype, dims, data, expected] of cases) {
    const message = tensor(dtype, dims, data);
    const source = tensorBytes(message);
    assert.equal(all(source), expected, dtype);
    // The same through the wire.
    const wire = encodeToBytes('TensorProto', message);
    const back = decodeMessage('TensorProto', wire, resolveLimits(undefined, wire.length));
    assert.equal(all(tensorBytes(back)), expected, dtype);
    // And as raw data, a view.
    const raw = tensorBytes(makeTensor('w', dtype, dims, expected));
    assert.is(all(raw).buffer, expected.buffer);
  }
});

x('an int32 of five bytes is a negative one', () => {
  const sloppy = bytes(0xff, 0xff, 0xff, 0xff, 0x0f);
  assert.equal(
    all(tensorBytes(tensor('int32', [1], { int32Data: sloppy }))),
    bytes(255, 255, 255, 255),
  );
});

x('any part of a converted field reads the same', () => {
  const { below } = random(3);
  const count = 200_000;
  const values = Array.from({ length: count }, () =>
    below(2) === 0 ? below(100) : below(2 ** 31) - 2 ** 30,
  );
  const expected = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
  const wire = new Uint8Array(Buffer.concat(values.map((value) => varintBytes(BigInt(value)))));
  const source = tensorBytes(tensor('int64', [count], { int64Data: wire }));
  assert.is(Buffer.compare(all(source), expected), 0);
  for (let i = 0; i < 300; i++) {
    const offset = below(source.size);
    const length = below(Math.min(source.size - offset, 5000));
    assert.equal(readSync(source, offset, length), expected.subarray(offset, offset + length));
  }
  assert.throws(
    () => readSync(source, source.size, 1),
    (error: unknown) => error instanceof RangeError,
  );
});

x('varints of every size pack as an independent writer packs them', () => {
  const values: (number | bigint)[] = [
    0,
    -1,
    -(2n ** 63n),
    2n ** 63n - 1n,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
  ];
  for (let bit = 0; bit < 53; bit++) values.push(2 ** bit - 1, 2 ** bit);
  assert.equal(packVarints(values), varints(...values));
});

x('sizes and data that don’t fit are refused before anything is made', () => {
  const huge = [2 ** 31, 2 ** 31];
  fails(FormatError, 'E_ONNX_DIMS', () =>
    tensorBytes(tensor('float32', huge, { rawData: bytes(1) })),
  );
  fails(FormatError, 'E_ONNX_DIMS', () => tensorBytes({ dataType: 1, dims: [2n ** 63n - 1n, 2n] }));
  fails(FormatError, 'E_ONNX_DIMS', () => tensorBytes(tensor('float32', [-1, 4], {})));
  fails(FormatError, 'E_ONNX_DIMS', () => tensorBytes(tensor('float32', [0, -1], {})));
  fails(FormatError, 'E_ONNX_DATA_SIZE', () =>
    tensorBytes(tensor('float32', [2 ** 20, 2 ** 20], { rawData: bytes(1, 2, 3, 4) })),
  );
  fails(FormatError, 'E_ONNX_DATA_SIZE', () =>
    tensorBytes(tensor('float32', [2], { rawData: bytes(1, 2, 3, 4) })),
  );
  fails(FormatError, 'E_ONNX_DATA_SIZE', () =>
    tensorBytes(tensor('int4', [3], { rawData: bytes(1) })),
  );
  fails(FormatError, 'E_ONNX_DATA_SIZE', () =>
    tensorBytes(tensor('int64', [2], { int64Data: varints(1) })),
  );
  fails(FormatError, 'E_ONNX_DATA_SIZE', () => tensorBytes(tensor('float32', [2], {})));
  // A zero-sized tensor has no data, however large its other sizes.
  assert.is(tensorBytes(tensor('float32', [2 ** 40, 0, 2 ** 40], {})).size, 0);
  assert.equal(tensorDims(tensor('float32', [2 ** 40, 0], {})), [2 ** 40, 0]);
});

x('data in the wrong field or in two fields are refused', () => {
  const raw = { rawData: bytes(0, 0, 0, 0) };
  fails(FormatError, 'E_ONNX_DATA_FIELD', () =>
    tensorBytes(tensor('float32', [1], { ...raw, floatData: floats(0) })),
  );
  fails(FormatError, 'E_ONNX_DATA_FIELD', () =>
    tensorBytes(tensor('float32', [1], { int32Data: varints(1) })),
  );
  fails(FormatError, 'E_ONNX_DATA_FIELD', () =>
    tensorBytes(tensor('int64', [1], { int32Data: varints(1) })),
  );
  fails(FormatError, 'E_ONNX_DATA_FIELD', () => tensorStrings(tensor('string', [1], raw)));
  fails(FormatError, 'E_ONNX_DATA_FIELD', () =>
    tensorBytes(tensor('int8', [4], { ...raw, dataLocation: 1 })),
  );
  // An empty field beside is no data.
  assert.is(tensorBytes(tensor('float32', [1], { ...raw, floatData: bytes() })).size, 4);
  assert.is(
    tensorBytes(tensor('float32', [1], { rawData: bytes(), floatData: floats(1) })).size,
    4,
  );
});

x('element types that are missing or not known', () => {
  fails(FormatError, 'E_ONNX_DATA_TYPE', () => tensorBytes({ dims: [1], rawData: bytes(1) }));
  fails(FormatError, 'E_ONNX_DATA_TYPE', () => tensorBytes({ dataType: 0, rawData: bytes(1) }));
  fails(UnsupportedError, 'E_ONNX_DATA_TYPE', () =>
    tensorBytes({ dataType: 27, rawData: bytes(1) }),
  );
  fails(UnsupportedError, 'E_ONNX_DATA_TYPE', () =>
    tensorBytes({ dataType: -5, rawData: bytes(1) }),
  );
  fails(UnsupportedError, 'E_ONNX_SEGMENT', () =>
    tensorBytes({ ...tensor('int8', [1], { rawData: bytes(1) }), segment: {} }),
  );
  for (const dtype of Object.keys(dtypes) as DType[]) assert.is(dtypeOf(dataTypes[dtype]), dtype);
  assert.is(dtypeOf(undefined), null);
});

x('values outside of their type and malformed varints are refused', () => {
  const bad: [DType, number | bigint][] = [
    ['int8', 128],
    ['int8', -129],
    ['uint8', -1],
    ['uint16', 65536],
    ['bool', 2],
    ['float16', 65536],
    ['int4', 256],
    ['uint32', 2 ** 32],
  ];
  for (const [dtype, value] of bad) {
    const field = dtype === 'uint32' ? 'uint64Data' : 'int32Data';
    const source = tensorBytes(tensor(dtype, [1], { [field]: varints(value) }));
    fails(FormatError, 'E_ONNX_VALUE', () => all(source));
  }
  const long = bytes(...new Array(10).fill(0x80), 1);
  fails(FormatError, 'E_PROTOBUF_VARINT', () =>
    tensorBytes(tensor('int64', [1], { int64Data: long })),
  );
  const wide = bytes(...new Array(9).fill(0x80), 2);
  fails(FormatError, 'E_PROTOBUF_VARINT', () =>
    tensorBytes(tensor('int64', [1], { int64Data: wide })),
  );
  fails(FormatError, 'E_PROTOBUF_VARINT', () =>
    tensorBytes(tensor('int64', [1], { int64Data: bytes(0x80) })),
  );
});

x('strings', () => {
  const made = makeStringTensor('names', [2, 2], ['a', '', 'é中', '\udcff']);
  assert.equal(made.stringData!.at(-1), bytes(0xff));
  assert.equal(tensorStrings(made), ['a', '', 'é中', '\udcff']);
  fails(FormatError, 'E_ONNX_DATA_SIZE', () => tensorStrings({ ...made, dims: [5] }));
  fails(UnsupportedError, 'E_ONNX_DATA_FIELD', () => tensorBytes(made));
  assert.throws(
    () => makeStringTensor('n', [3], ['a']),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(
    () => makeTensor('n', 'int8', [3], bytes(1)),
    (error: unknown) => error instanceof RangeError,
  );
});

/** Element bytes of a TensorProto by an own reading of its fields; null where it has none of these. */
function ownReading(file: Uint8Array): Uint8Array | null {
  const fields = wireFields(file);
  const raw = fields.find(({ number }) => number === 9);
  if (raw !== undefined) return raw.value as Uint8Array;
  const type = Number(fields.find(({ number }) => number === 2)?.value);
  const packed = (number: number): Uint8Array[] =>
    fields.filter((field) => field.number === number).map(({ value }) => value as Uint8Array);
  if (type === 1) return new Uint8Array(Buffer.concat(packed(4)));
  if (type === 11) return new Uint8Array(Buffer.concat(packed(10)));
  const integers = [...packed(5), ...packed(7)].flatMap((list) => {
    const tagged: number[] = [];
    for (const [i, byte] of list.entries()) {
      if (i === 0 || list[i - 1]! < 0x80) tagged.push(8);
      tagged.push(byte);
    }
    return wireFields(new Uint8Array(tagged)).map(({ value }) => value as bigint);
  });
  if (type === 7) return new Uint8Array(new BigUint64Array(integers).buffer);
  const low = integers.map((value) => Number(BigInt.asIntN(32, value)));
  if (type === 6) return new Uint8Array(Int32Array.from(low).buffer);
  if (type === 2 || type === 3 || type === 9) return Uint8Array.from(low, (value) => value & 0xff);
  if (type === 4 || type === 5 || type === 10)
    return new Uint8Array(Uint16Array.from(low, (value) => value & 0xffff).buffer);
  return null;
}

x('test data of the conformance cases read as an independent reader reads them', () => {
  const files = nodeTestFiles().filter(({ name }) => name.endsWith('.pb'));
  let compared = 0;
  for (const { name, bytes: file } of files) {
    let message: TensorProto;
    let source: ByteSource;
    try {
      message = decodeMessage('TensorProto', file, resolveLimits(undefined, file.length));
      source = tensorBytes(message);
    } catch (error) {
      // Sequences, optionals, strings and 6-bit floats are no tensors of numbers.
      if (error instanceof FormatError || error instanceof UnsupportedError) continue;
      throw error;
    }
    const expected = ownReading(file);
    if (expected === null) continue;
    assert.is(Buffer.compare(all(source), expected), 0, name);
    compared++;
  }
  assert.ok(files.length === 0 || compared > 2800, `${compared} of ${files.length}`);
});

x.run();
