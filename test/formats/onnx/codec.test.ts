import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../../src/core/errors.ts';
import { resolveLimits } from '../../../src/core/limits.ts';
import { type ByteSource, bufferSource } from '../../../src/core/source.ts';
import {
  decodeMessage,
  decodeModel,
  encodedSize,
  encodeModel,
  encodeToBytes,
} from '../../../src/formats/onnx/codec.ts';
import type { ModelProto, TensorProto } from '../../../src/formats/onnx/proto.ts';
import { schema } from '../../../src/formats/onnx/schema.ts';
import { messagesOf, tensorsOf } from '../../../src/formats/onnx/walk.ts';
import { seedModels } from '../../fuzz/onnx-seeds.ts';

const x = suite('onnx codec');

const mega = 2 ** 20;

async function chunksOf(model: ModelProto): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  await encodeModel(model, {
    async write(chunk) {
      chunks.push(chunk);
    },
  });
  return chunks;
}

x('a model by hand', () => {
  // ir_version 8; opset_import { version 17 }; graph { node { input "x" output "y" op_type "Relu" } name "g" }
  const hex = '0808 3a11 0a0c 0a0178 120179 220452656c75 120167 42021011';
  const bytes = new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const model = decodeModel(bytes, resolveLimits(undefined, bytes.length));
  assert.equal(model, {
    irVersion: 8,
    graph: { node: [{ input: ['x'], output: ['y'], opType: 'Relu' }], name: 'g' },
    opsetImport: [{ version: 17 }],
  });
  assert.equal(encodeToBytes('ModelProto', model), bytes);
});

x('large payloads are passed as views or read in pieces; small fields are gathered', async () => {
  const large = new Uint8Array(3 * mega).fill(7);
  const reads: number[] = [];
  const source: ByteSource = {
    size: 40 * mega,
    read(offset, length) {
      reads.push(length);
      return new Uint8Array(length).fill(offset / mega);
    },
  };
  const small: TensorProto[] = Array.from({ length: 20_000 }, (_, i) => ({
    name: `constant_${i}`,
    dims: [100],
    dataType: 2,
    rawData: new Uint8Array(100).fill(i),
  }));
  const model: ModelProto = {
    docString: 'd'.repeat(2 * mega),
    graph: {
      initializer: [
        ...small,
        { name: 'large', rawData: large },
        { name: 'source', rawData: source },
        { name: 'last', rawData: bufferSource(large) },
      ],
    },
  };
  const size = encodedSize(model);
  const chunks = await chunksOf(model);
  assert.is(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    size,
  );
  assert.ok(
    chunks.some((chunk) => chunk.buffer === large.buffer),
    'a view, not a copy',
  );
  assert.ok(Math.max(...reads) <= 16 * mega && reads.length === 3, reads.join());
  // Beside the text of 2 MB and the payloads, nothing is larger than 1 MB, and chunks are few.
  const gathered = chunks.filter((chunk) => chunk.length < 2 * mega && chunk.length > 0);
  assert.ok(gathered.every((chunk) => chunk.length <= mega));
  assert.ok(gathered.length < 20, `${gathered.length} chunks`);
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const limits = resolveLimits({ stringBytes: 3 * mega }, bytes.length);
  const back = [...tensorsOf('ModelProto', decodeModel(bytes, limits))];
  assert.is(back.length, 20_003);
  assert.is(back[20_001]!.name, 'source');
  const payload = back[20_001]!.rawData as Uint8Array;
  assert.equal(
    [payload.length, payload[0], payload[17 * mega], payload.at(-1)],
    [40 * mega, 0, 16, 32],
  );
});

x('a model of 2 GiB is refused before anything is written', async () => {
  const huge: ByteSource = { size: 1.2e9, read: () => assert.unreachable() as never };
  const model = { graph: { initializer: [{ rawData: huge }, { rawData: huge }] } };
  for (const run of [
    () => encodedSize(model),
    () => encodedSize({ graph: { initializer: [{ rawData: { ...huge, size: 5e9 } }] } }),
  ]) {
    assert.throws(run, (error: unknown) => {
      assert.instance(error, FormatError);
      return (
        (error as FormatError).code === 'E_TOO_LARGE' &&
        /external/.test((error as FormatError).hint!)
      );
    });
  }
  let written = 0;
  let refused = false;
  await encodeModel(model, { write: () => void written++ }).catch((error: unknown) => {
    refused = error instanceof FormatError;
  });
  assert.ok(refused && written === 0);
});

x('a source that gives too little is found', async () => {
  const source: ByteSource = { size: 20, read: () => new Uint8Array(3) };
  let code = '';
  await chunksOf({ graph: { initializer: [{ rawData: source }] } }).catch(
    (error: { code: string }) => {
      code = error.code;
    },
  );
  assert.is(code, 'E_SOURCE_READ');
});

x('every message of the schema comes back', () => {
  const seen = new Set<string>();
  for (const model of seedModels) {
    const bytes = encodeToBytes('ModelProto', model);
    const back = decodeModel(bytes, resolveLimits(undefined, bytes.length));
    assert.equal(encodeToBytes('ModelProto', back), bytes);
    for (const { type } of messagesOf('ModelProto', back)) seen.add(type.name);
  }
  const outside = ['SequenceProto', 'MapProto', 'OptionalProto', 'TensorProto.Segment'];
  assert.equal([...seen, ...outside].sort(), Object.keys(schema).sort());
  const optional = {
    name: 'o',
    elemType: 3,
    sequenceValue: { elemType: 4, mapValues: [{ keyType: 7, keys: [1, -1] }] },
  };
  const bytes = encodeToBytes('OptionalProto', optional);
  assert.equal(
    decodeMessage('OptionalProto', bytes, resolveLimits(undefined, bytes.length)),
    optional,
  );
});

x('a Node Buffer reads as plain views', () => {
  const bytes = Buffer.from(encodeToBytes('TensorProto', { rawData: new Uint8Array([1, 2]) }));
  const { rawData } = decodeMessage('TensorProto', bytes, resolveLimits(undefined, bytes.length));
  assert.is(Object.getPrototypeOf(rawData), Uint8Array.prototype);
});

x.run();
