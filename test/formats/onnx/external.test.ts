import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../../src/core/errors.ts';
import {
  type ByteSource,
  bufferSource,
  readSync,
  type SourceLike,
} from '../../../src/core/source.ts';
import {
  type ExternalFiles,
  ExternalWriter,
  externalInfo,
  openExternal,
} from '../../../src/formats/onnx/external.ts';
import type { TensorProto } from '../../../src/formats/onnx/proto.ts';
import { makeTensor, tensorBytes } from '../../../src/formats/onnx/tensor.ts';

const x = suite('onnx external data');

const file = Uint8Array.from({ length: 64 }, (_, i) => i);
const stored = (entries: Record<string, string>, more: Partial<TensorProto> = {}): TensorProto => ({
  name: 'w',
  dataType: 2,
  dims: [4],
  dataLocation: 1,
  externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  ...more,
});

async function read(tensor: TensorProto, files: ExternalFiles | undefined): Promise<Uint8Array> {
  const source = tensorBytes(tensor, await openExternal([tensor], files));
  return source.read(0, source.size);
}

async function fails(
  tensor: TensorProto,
  code: string,
  files: ExternalFiles | undefined = { 'w.bin': file },
): Promise<FormatError> {
  let error: unknown;
  try {
    await read(tensor, files);
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, FormatError, JSON.stringify(tensor.externalData));
  assert.is((error as FormatError).code, code, JSON.stringify(tensor.externalData));
  return error as FormatError;
}

x('a slice of a file, from a record, a map or a function', async () => {
  const tensor = stored({ location: 'sub/w.bin', offset: '8', length: '4' });
  const expected = file.slice(8, 12);
  assert.equal(await read(tensor, { 'sub/w.bin': file }), expected);
  assert.equal(await read(tensor, new Map([['sub/w.bin', bufferSource(file)]])), expected);
  assert.equal(
    await read(tensor, async (name) => (name === 'sub/w.bin' ? new Blob([file]) : null)),
    expected,
  );
  assert.equal(await read(stored({ location: 'w.bin' }), { 'w.bin': file }), file.slice(0, 4));
  assert.equal(
    await read(stored({ location: 'w.bin', offset: '60' }), { 'w.bin': file }),
    file.slice(60),
  );
});

x('each file is opened once', async () => {
  const opened: string[] = [];
  const tensors = ['a', 'b', 'a', 'a'].map((location) => stored({ location }));
  const external = await openExternal(
    [...tensors, makeTensor('r', 'uint8', [1], file.slice(0, 1))],
    (name) => {
      opened.push(name);
      return file;
    },
  );
  assert.equal(opened, ['a', 'b']);
  assert.is(external.size, 2);
});

x('names that could leave the folder are refused, whatever the caller has', async () => {
  const names = [
    '',
    '.',
    '..',
    '../w.bin',
    'a/../w.bin',
    'a/..',
    './w.bin',
    'a/./b',
    'a//b',
    'a/',
    '/etc/passwd',
    '/',
    '//server/share',
    '\\\\server\\share',
    '..\\w.bin',
    'a\\b',
    'C:\\w.bin',
    'C:w.bin',
    'c:/w.bin',
    'w.bin:stream',
    'w.bin\0',
    'w\0.bin',
    'a\nb',
    'file:///etc/passwd',
    'http://host/w.bin',
    '\\\\?\\C:\\w.bin',
    '\x7f',
    'a/b/../../..',
    '/../w.bin',
    '~/../../w.bin',
  ];
  for (const location of names) {
    let asked = false;
    const error = await fails(stored({ location }), 'E_ONNX_EXTERNAL_PATH', () => {
      asked = true;
      return file;
    });
    assert.not(asked, location);
    assert.match(error.where!, /tensor "w"/);
  }
  for (const location of ['w.bin', 'a/b.bin', '..w', 'w..bin', '...', '__proto__', 'constructor']) {
    assert.equal(await read(stored({ location }), () => file), file.slice(0, 4), location);
  }
});

x('a missing file is named, with what to do', async () => {
  const error = await fails(stored({ location: 'gone.bin' }), 'E_ONNX_EXTERNAL_MISSING');
  assert.match(error.message, /"gone\.bin"/);
  assert.match(error.hint!, /external/);
  await fails(stored({ location: 'gone.bin' }), 'E_ONNX_EXTERNAL_MISSING', undefined);
  // What every object inherits is no file.
  await fails(stored({ location: 'constructor' }), 'E_ONNX_EXTERNAL_MISSING', {});
  await fails(stored({ location: '__proto__' }), 'E_ONNX_EXTERNAL_MISSING', {});
  assert.throws(
    () => tensorBytes(stored({ location: 'w.bin' })),
    (thrown: unknown) => thrown instanceof FormatError,
  );
});

x('ranges and keys are checked', async () => {
  const location = 'w.bin';
  await fails(stored({ location, offset: '61' }), 'E_ONNX_EXTERNAL_RANGE');
  await fails(stored({ location, offset: '9007199254740991' }), 'E_ONNX_EXTERNAL_RANGE');
  await fails(stored({ location, length: '5' }), 'E_ONNX_EXTERNAL');
  await fails(stored({ location, length: '3' }), 'E_ONNX_EXTERNAL');
  for (const bad of [
    '-1',
    '',
    ' 1',
    '1 ',
    '0x10',
    '1e3',
    '1.0',
    '+1',
    '9007199254740993',
    '99999999999999999999',
    'NaN',
  ]) {
    await fails(stored({ location, offset: bad }), 'E_ONNX_EXTERNAL');
    await fails(stored({ location, length: bad }), 'E_ONNX_EXTERNAL');
  }
  await fails(stored({ location, checksum: 'abc' }), 'E_ONNX_EXTERNAL');
  await fails(stored({ offset: '0' }), 'E_ONNX_EXTERNAL');
  await fails(
    stored(
      { location },
      {
        externalData: [
          { key: 'location', value: 'a' },
          { key: 'location', value: 'b' },
        ],
      },
    ),
    'E_ONNX_EXTERNAL',
  );
  await fails(stored({ location }, { rawData: new Uint8Array(4) }), 'E_ONNX_DATA_FIELD');
  const checksum = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
  const other = stored({ location, checksum, basepath: '/tmp' });
  assert.equal(externalInfo(other, 'here'), { location, offset: 0, length: null, checksum });
  assert.equal(await read(other, { [location]: file }), file.slice(0, 4));
});

x('a writer moves what is large, aligned, and streams it', async () => {
  const large = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
  const lazy: ByteSource = bufferSource(large.subarray(1000, 3024));
  const tensors = [
    makeTensor('small', 'uint8', [1023], large.subarray(0, 1023)),
    makeTensor('edge', 'uint8', [1024], large.subarray(0, 1024)),
    makeTensor('large', 'uint8', [5000], large),
    makeTensor('lazy', 'uint8', [2024], lazy),
  ];
  const writer = new ExternalWriter('model.data');
  const placed = tensors.map((tensor) => writer.place(tensor));
  assert.is(placed[0], tensors[0]);
  assert.equal(placed[1], {
    dims: [1024],
    dataType: 2,
    name: 'edge',
    externalData: [
      { key: 'location', value: 'model.data' },
      { key: 'offset', value: '0' },
      { key: 'length', value: '1024' },
    ],
    dataLocation: 1,
  });
  assert.equal(
    writer.entries.map(({ offset }) => offset),
    [0, 4096, 12288],
  );
  const chunks: Uint8Array[] = [];
  await writer.writeTo({
    write(chunk) {
      chunks.push(chunk);
    },
  });
  const written = new Uint8Array(Buffer.concat(chunks));
  assert.is(written.length, writer.size);
  assert.equal(written.subarray(1024, 4096), new Uint8Array(3072));
  const files: Record<string, SourceLike> = { 'model.data': written };
  const external = await openExternal(placed, files);
  for (const [i, tensor] of placed.entries()) {
    const source = tensorBytes(tensor, external);
    const original = tensorBytes(tensors[i]!);
    assert.equal(readSync(source, 0, source.size), readSync(original, 0, original.size));
  }
  assert.is(writer.place(placed[2]!), placed[2], 'once outside, it stays');
});

x('a writer’s name and options are checked', () => {
  assert.throws(
    () => new ExternalWriter('../x'),
    (error: unknown) => error instanceof FormatError,
  );
  assert.throws(
    () => new ExternalWriter('x', { alignment: 0 }),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(
    () => new ExternalWriter('x', { threshold: -1 }),
    (error: unknown) => error instanceof RangeError,
  );
  const writer = new ExternalWriter('x', { alignment: 1, threshold: 0 });
  writer.place(makeTensor('a', 'uint8', [3], file.slice(0, 3)));
  writer.place(makeTensor('b', 'uint8', [3], file.slice(0, 3)));
  assert.equal(
    writer.entries.map(({ offset }) => offset),
    [0, 3],
  );
});

x.run();
