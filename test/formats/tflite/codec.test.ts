import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, LimitError, ModelpressError } from '../../../src/core/errors.ts';
import { type ByteSource, bufferSource, readSync } from '../../../src/core/source.ts';
import type { ExternalFiles } from '../../../src/formats/external-files.ts';
import { readModel } from '../../../src/formats/index.ts';
import {
  decodeTflite,
  encodeTflite,
  encodeTfliteTo,
  openTflite,
  type TfliteFile,
} from '../../../src/formats/tflite/codec.ts';
import type { ModelRecord } from '../../../src/formats/tflite/records.ts';
import { verifyTflite } from '../../../src/formats/tflite/verify.ts';
import { malformedTflite, tfliteFiles } from './corpus.ts';
import { differences } from './same-tables.ts';

const x = suite('tflite codec');

/** A source that is no memory, and counts what is read. */
function fileSource(bytes: Uint8Array): ByteSource & { bytesRead: number } {
  const source = {
    size: bytes.length,
    bytesRead: 0,
    async read(offset: number, length: number) {
      assert.ok(offset >= 0 && offset + length <= bytes.length);
      source.bytesRead += length;
      return bytes.slice(offset, offset + length);
    },
  };
  return source;
}

async function written(file: TfliteFile, limit?: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const options = { buffers: file.buffers, ...(limit === undefined ? {} : { limit }) };
  const size = await encodeTfliteTo(
    file.record,
    {
      write(chunk) {
        chunks.push(chunk.slice());
      },
    },
    options,
  );
  const bytes = Buffer.concat(chunks);
  assert.is(bytes.length, size);
  return new Uint8Array(bytes);
}

/** Without a listing of what differs, which takes long for large arrays. */
function same(got: Uint8Array, expected: Uint8Array, what: string): void {
  assert.is(Buffer.compare(got, expected), 0, what);
}

x('every real file comes back table by table, for the published runtime', () => {
  let count = 0;
  for (const { name, bytes } of tfliteFiles()) {
    const again = encodeTflite(decodeTflite(bytes));
    assert.equal(differences(bytes, again), [], name);
    // Padding and the order of tables are ours; the size must not be.
    assert.ok(again.length < 1.05 * bytes.length, `${name}: ${again.length} of ${bytes.length}`);
    same(encodeTflite(decodeTflite(again)), again, `${name}: written twice`);
    count++;
  }
  assert.ok(count === 0 || count >= 110, `${count} files`);
});

x('buffers of a file on disk stay there, and are streamed back', async () => {
  for (const { name, bytes } of tfliteFiles()) {
    if (bytes.length < 100_000) continue;
    const source = fileSource(bytes);
    const file = await openTflite(source);
    if (bytes.length > 3_000_000)
      assert.ok(source.bytesRead < bytes.length / 1.5, `${name}: ${source.bytesRead}`);
    same(await written(file), encodeTflite(decodeTflite(bytes)), name);
  }
});

x('buffers behind the FlatBuffers part: written beyond a limit, read from there', async () => {
  for (const { name, bytes } of tfliteFiles()) {
    if (bytes.length > 100_000) continue;
    const record = decodeTflite(bytes);
    const outside = encodeTflite(record, { limit: 100 });
    assert.equal(differences(bytes, outside, false), [], name);
    const again = decodeTflite(outside);
    record.buffers?.forEach(({ data }, i) => {
      same(again.buffers?.[i]?.data ?? new Uint8Array(0), data ?? new Uint8Array(0), name);
    });
    for (const [i, { operators }] of (record.subgraphs ?? []).entries())
      for (const [j, { customOptions }] of (operators ?? []).entries())
        assert.equal(again.subgraphs?.[i]?.operators?.[j]?.customOptions, customOptions, name);
    const lazily = await openTflite(fileSource(outside));
    same(await written(lazily, 100), outside, name);
    // And back to one part.
    same(encodeTflite(again), encodeTflite(record), name);
  }
});

x('what lies outside must be in the file', () => {
  const bytes = encodeTflite(
    { version: 3, buffers: [{}, { data: new Uint8Array([1, 2, 3]) }] },
    { limit: 1 },
  );
  assert.equal(decodeTflite(bytes).buffers?.[1]?.data, new Uint8Array([1, 2, 3]));
  // The last bytes are the buffer's: 3 of them, at a multiple of 16.
  assert.is(bytes.length % 16, 3);
  const fails = (broken: Uint8Array): void => {
    assert.throws(
      () => decodeTflite(broken),
      (error: unknown) =>
        error instanceof FormatError &&
        error.code === 'E_TFLITE_RANGE' &&
        error.where === 'Model.buffers[1]',
    );
  };
  fails(bytes.slice(0, -1));
  // Its size, 3 as a 64-bit integer, made 2^63 + 3.
  const at = Buffer.from(bytes).indexOf(Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]));
  const huge = bytes.slice();
  huge[at + 7] = 0x80;
  fails(huge);
});

x('many buffers of the same bytes outside are refused', () => {
  const count = 5000;
  const data = new Uint8Array(20_000);
  const record = { version: 3, buffers: Array.from({ length: count }, () => ({ data })) };
  const one = encodeTflite({ version: 3, buffers: record.buffers.slice(0, 1) }, { limit: 1 });
  assert.is(decodeTflite(one).buffers?.[0]?.data?.length, 20_000);
  // The tables of 5,000 buffers with the content of one.
  const bytes = encodeTflite(record, { limit: 1 });
  const tables = decodeTflite(bytes, { limits: { decodedBytes: 1e9 } });
  const first = Number(tables.buffers![0]!.offset);
  const small = bytes.slice(0, first + 20_000);
  const view = new DataView(small.buffer);
  for (let at = 0; at + 16 <= first; at += 4) {
    const offset = view.getBigUint64(at, true);
    if (view.getBigUint64(at + 8, true) === 20_000n && offset > BigInt(first))
      view.setBigUint64(at, BigInt(first), true);
  }
  assert.throws(
    () => decodeTflite(small),
    (error: unknown) => error instanceof LimitError && error.limit === 'decodedBytes',
  );
});

x('weights in other files', async () => {
  const record: ModelRecord = {
    version: 3,
    buffers: [{}],
    externalBufferGroups: [{ name: 'weights.bin' }],
    externalBuffers: [
      { id: 7, offset: 2n, length: 3n },
      { id: 9, offset: 5n, length: 1n, packing: 'unpacked' },
    ],
    subgraphs: [{ tensors: [{ type: 9, shape: Int32Array.of(3), externalBuffer: 7 }] }],
  };
  const weights = Uint8Array.of(0, 1, 2, 3, 4, 5);
  const open = (model: ModelRecord, external?: ExternalFiles): Promise<TfliteFile> =>
    openTflite(bufferSource(encodeTflite(model)), { external });
  const file = await open(record, { 'weights.bin': weights });
  assert.equal(readSync(file.external.get(7)!, 0, 3), Uint8Array.of(2, 3, 4));
  assert.equal(file.external.get(9)!.size, 1);
  await verifyTflite(file);
  const wide = { type: 9, shape: Int32Array.of(4), externalBuffer: 7 };
  const other = await open({ ...record, subgraphs: [{ tensors: [wide] }] }, () => weights);
  await verifyTflite(other).then(
    () => assert.unreachable('4 elements of 3 bytes'),
    (error: ModelpressError) => assert.is(error.code, 'E_TFLITE_TENSOR_SIZE'),
  );
  assert.equal(encodeTflite(file.record), encodeTflite(record));
  const cases: [Partial<ModelRecord>, ExternalFiles | undefined, string][] = [
    [{}, undefined, 'E_TFLITE_EXTERNAL_MISSING'],
    [{}, { 'weights.bin': weights.subarray(0, 5) }, 'E_TFLITE_EXTERNAL_RANGE'],
    [{ externalBufferGroups: [{ name: '../weights.bin' }] }, {}, 'E_TFLITE_EXTERNAL_PATH'],
    [{ externalBufferGroups: [] }, {}, 'E_TFLITE_EXTERNAL'],
    [{ externalBuffers: [{ id: 7 }, { id: 7 }] }, { 'weights.bin': weights }, 'E_TFLITE_EXTERNAL'],
    [
      { externalBuffers: [{ id: 7, packing: 'wound' }] },
      { 'weights.bin': weights },
      'E_TFLITE_PACKING',
    ],
  ];
  for (const [change, files, code] of cases) {
    await open({ ...record, ...change }, files).then(
      () => assert.unreachable(code),
      (error: ModelpressError) => assert.is(error.code, code),
    );
  }
});

x('a model with weights in another file', async () => {
  const shape = Int32Array.of(2);
  const record: ModelRecord = {
    version: 3,
    operatorCodes: [{}],
    buffers: [{}],
    externalBufferGroups: [{ name: 'weights.bin' }],
    externalBuffers: [{ id: 1, offset: 4n, length: 8n }],
    subgraphs: [
      {
        tensors: [
          { name: 'x', shape },
          { name: 'w', shape, externalBuffer: 1 },
          { name: 'y', shape },
        ],
        inputs: Int32Array.of(0),
        outputs: Int32Array.of(2),
        operators: [{ inputs: Int32Array.of(0, 1), outputs: Int32Array.of(2) }],
      },
    ],
  };
  const weights = new Uint8Array(Float32Array.of(9, 1.5, -2).buffer);
  const model = await readModel(encodeTflite(record), { external: { 'weights.bin': weights } });
  const [w] = model.graph.nodes.flatMap(({ inputs }) =>
    inputs.map((value) => value?.constant).filter((constant) => constant != null),
  );
  assert.equal(w!.shape, [2]);
  assert.equal(readSync(w!.data, 0, 8), weights.subarray(4));
});

x('3.2 GB: streamed behind the tables, opened without reading them', async () => {
  const zeros = new Uint8Array(2 ** 24);
  let largest = 0;
  const virtual = (size: number): ByteSource => ({
    size,
    read(_offset, length) {
      largest = Math.max(largest, length);
      return zeros.subarray(0, length);
    },
  });
  const record: ModelRecord = { version: 3, buffers: [{}, {}, {}], description: 'large' };
  const head: number[] = [];
  let written = 0;
  const size = await encodeTfliteTo(
    record,
    {
      write(chunk) {
        for (let i = 0; i < chunk.length && head.length < 1000; i++) head.push(chunk[i]!);
        written += chunk.length;
      },
    },
    { buffers: [undefined, virtual(1.6e9), virtual(1.6e9)] },
  );
  assert.is(written, size);
  assert.ok(size > 3.2e9 && size < 3.2e9 + 1000);
  assert.ok(largest <= 2 ** 24);
  const file = await openTflite({
    size,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      bytes.set(head.slice(offset, offset + length));
      return bytes;
    },
  });
  assert.is(file.record.description, 'large');
  assert.equal(
    file.buffers.map((buffer) => buffer.size),
    [0, 1.6e9, 1.6e9],
  );
  const [, first, second] = file.record.buffers!;
  assert.is(Number(second!.offset) + 1.6e9, size);
  assert.ok(Number(first!.offset) % 16 === 0 && Number(first!.offset) < 1000);
});

x('broken files end in a typed error or a model', () => {
  let accepted = 0;
  for (const { name, bytes } of malformedTflite()) {
    try {
      encodeTflite(decodeTflite(bytes));
      accepted++;
    } catch (error) {
      assert.instance(error, ModelpressError, `${name}: ${error}`);
      if (error instanceof FormatError) assert.ok(error.where !== undefined, name);
    }
  }
  assert.ok(accepted < 20, `${accepted} accepted`);
});

x.run();
