import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, LimitError, ModelpressError } from '../../../src/core/errors.ts';
import { type Limits, resolveLimits } from '../../../src/core/limits.ts';
import { readSync } from '../../../src/core/source.ts';
import { decodeMessage, decodeModel, encodeToBytes } from '../../../src/formats/onnx/codec.ts';
import type { MessageName, ModelProto, NodeProto } from '../../../src/formats/onnx/proto.ts';
import { tensorBytes, tensorStrings } from '../../../src/formats/onnx/tensor.ts';
import { tensorsOf } from '../../../src/formats/onnx/walk.ts';
import { malformedFiles } from './corpus.ts';
import { varintBytes } from './wire.ts';

const x = suite('onnx hostile files');

const collect = (globalThis as { gc?: () => void }).gc;

function readAll(bytes: Uint8Array): void {
  const model = decodeModel(bytes, resolveLimits(undefined, bytes.length));
  for (const tensor of tensorsOf('ModelProto', model)) {
    if (tensor.dataType === 8) tensorStrings(tensor);
    else {
      const source = tensorBytes(tensor);
      readSync(source, 0, source.size);
    }
  }
}

x('broken files end in a model or one of our errors, soon and in little memory', () => {
  const files = malformedFiles();
  const ends: Record<string, number> = {};
  for (const { name, bytes } of files) {
    const before = process.memoryUsage.rss();
    const start = performance.now();
    let end = 'model';
    try {
      readAll(bytes);
    } catch (error) {
      assert.instance(error, ModelpressError, `${name}: ${error}`);
      end = (error as ModelpressError).code;
      assert.ok((error as ModelpressError).where, `${name}: no place`);
    }
    assert.ok(performance.now() - start < 1000, name);
    assert.ok(process.memoryUsage.rss() - before < 4 * bytes.length + 32 * 2 ** 20, name);
    ends[end] = (ends[end] ?? 0) + 1;
  }
  assert.ok(
    files.length === 0 || (files.length > 60 && Object.keys(ends).length > 3),
    JSON.stringify(ends),
  );
});

/** A field around content. */
function field(number: number, content: Uint8Array): Uint8Array {
  return new Uint8Array(
    Buffer.concat([
      varintBytes(BigInt(number * 8 + 2)),
      varintBytes(BigInt(content.length)),
      content,
    ]),
  );
}

function repeat(unit: readonly number[], bytes: number): Uint8Array {
  const count = Math.floor(bytes / unit.length);
  const out = new Uint8Array(count * unit.length);
  for (let i = 0; i < out.length; i++) out[i] = unit[i % unit.length]!;
  return out;
}

/** Few bytes on the wire, many in memory. */
const floods: [string, MessageName, (bytes: number) => Uint8Array][] = [
  ['empty nodes', 'GraphProto', (bytes) => repeat([0x0a, 0], bytes)],
  ['empty tensors', 'GraphProto', (bytes) => repeat([0x2a, 0], bytes)],
  ['empty names', 'NodeProto', (bytes) => repeat([0x0a, 0], bytes)],
  ['names of one byte', 'NodeProto', (bytes) => repeat([0x0a, 1, 0x61, 0x0a, 1, 0x62], bytes)],
  ['names that are no UTF-8', 'NodeProto', (bytes) => repeat([0x0a, 2, 0xff, 0xfe], bytes)],
  ['empty byte strings', 'TensorProto', (bytes) => repeat([0x32, 0], bytes)],
  ['integers one by one', 'AttributeProto', (bytes) => repeat([0x40, 1], bytes)],
  ['packed integers', 'AttributeProto', (bytes) => field(8, repeat([1], bytes))],
  ['packed integers in pieces', 'AttributeProto', (bytes) => repeat([0x42, 1, 1], bytes)],
  [
    'large integers',
    'AttributeProto',
    (bytes) => field(8, repeat([255, 255, 255, 255, 255, 255, 255, 255, 127], bytes)),
  ],
  ['data one by one', 'TensorProto', (bytes) => repeat([0x38, 1], bytes)],
  ['two data fields by turns', 'TensorProto', (bytes) => repeat([0x38, 1, 0x28, 1], bytes)],
  ['unknown fields by turns', 'NodeProto', (bytes) => repeat([0x78, 1, 0x1a, 0], bytes)],
  ['a graph opened again and again', 'ModelProto', (bytes) => repeat([0x3a, 2, 0x0a, 0], bytes)],
  ['a tensor filled bit by bit', 'AttributeProto', (bytes) => repeat([0x2a, 2, 0x38, 1], bytes)],
  [
    'types that change their kind',
    'AttributeProto',
    (bytes) => repeat([0x7a, 4, 0x0a, 0, 0x22, 0], bytes),
  ],
  ['nodes with an attribute', 'GraphProto', (bytes) => repeat([0x0a, 4, 0x2a, 2, 0x18, 1], bytes)],
];

const unlimited: Partial<Limits> = { nodes: 1e9, tensors: 1e9, rank: 1e9, decodedBytes: 1e12 };

x('what decoding charges is no less than what it takes', () => {
  if (collect === undefined) return;
  for (const [name, type, make] of floods) {
    const bytes = make(600_000);
    collect();
    const before = process.memoryUsage();
    const message = decodeMessage(type, bytes, resolveLimits(unlimited, bytes.length));
    collect();
    const after = process.memoryUsage();
    const taken = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
    assert.ok(message);
    if (taken < 2 * 2 ** 20) continue;
    const limits = resolveLimits({ ...unlimited, decodedBytes: taken * 0.98 }, bytes.length);
    assert.throws(
      () => decodeMessage(type, bytes, limits),
      (error: unknown) => error instanceof LimitError && error.limit === 'decodedBytes',
      `${name}: takes ${taken}, charged less`,
    );
  }
});

x('2 MB of anything end soon, on a busy machine too', () => {
  for (const [name, type, make] of floods) {
    const bytes = make(2 * 2 ** 20);
    const start = performance.now();
    try {
      decodeMessage(
        type,
        bytes,
        resolveLimits({ ...unlimited, decodedBytes: 3 * bytes.length + 32 * 2 ** 20 }, 0),
      );
    } catch (error) {
      assert.instance(error, LimitError, `${name}: ${error}`);
    }
    const ms = performance.now() - start;
    assert.ok(ms < 5000, `${name}: ${ms} ms`);
  }
});

x('each limit: what it allows passes, one more is a LimitError that names it', () => {
  const graph = (count: number): ModelProto => ({
    graph: { node: Array.from({ length: count }, (): NodeProto => ({ opType: 'Relu' })) },
  });
  const rank = (n: number): ModelProto => ({
    graph: { initializer: [{ dims: new Array(n).fill(1) }] },
  });
  const shape = (n: number): ModelProto => ({
    graph: {
      input: [{ type: { tensorType: { shape: { dim: Array.from({ length: n }, () => ({})) } } } }],
    },
  });
  const tensors = (n: number): ModelProto => ({
    graph: { initializer: Array.from({ length: n }, () => ({ dataType: 1 })) },
  });
  const cases: [keyof Limits, (n: number) => ModelProto, number][] = [
    ['nodes', graph, 5],
    ['tensors', tensors, 5],
    ['rank', rank, 16],
    ['rank', shape, 16],
    ['stringBytes', (n) => ({ docString: 'a'.repeat(n) }), 100],
  ];
  for (const [limit, make, allowed] of cases) {
    const decode = (n: number): ModelProto => {
      const bytes = encodeToBytes('ModelProto', make(n));
      return decodeModel(bytes, resolveLimits({ [limit]: allowed }, bytes.length));
    };
    assert.ok(decode(allowed));
    assert.throws(
      () => decode(allowed + 1),
      (error: unknown) =>
        error instanceof LimitError && error.limit === limit && error.got === allowed + 1,
      limit,
    );
  }
});

x('the place of an error names the node', () => {
  const bytes = encodeToBytes('ModelProto', {
    graph: {
      node: [{ opType: 'Relu' }, { name: 'conv_3', attribute: [{ name: 'pads', ints: [1, 2] }] }],
    },
  });
  bytes[bytes.length - 1] = 0x80;
  try {
    decodeModel(bytes, resolveLimits(undefined, bytes.length));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FormatError);
    assert.is(
      (error as FormatError).where,
      `onnx: graph.node[1] "conv_3".attribute[0] "pads".ints[1], byte ${bytes.length - 1}`,
    );
  }
});

x.run();
