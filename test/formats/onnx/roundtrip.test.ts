import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveLimits } from '../../../src/core/limits.ts';
import { readSync } from '../../../src/core/source.ts';
import {
  decodeMessage,
  decodeModel,
  encodedSize,
  encodeModel,
  encodeToBytes,
} from '../../../src/formats/onnx/codec.ts';
import type { MessageName, ModelProto } from '../../../src/formats/onnx/proto.ts';
import { tensorBytes, tensorStrings, tensorType } from '../../../src/formats/onnx/tensor.ts';
import { tensorsOf } from '../../../src/formats/onnx/walk.ts';
import { modelFiles, nodeTestFiles } from './corpus.ts';
import { difference, messageFields, type WireField, wireBytes, wireFields } from './wire.ts';

const x = suite('onnx round trip');

function decode(bytes: Uint8Array): ModelProto {
  return decodeModel(bytes, resolveLimits(undefined, bytes.length));
}

async function collect(model: ModelProto): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await encodeModel(model, {
    write(chunk) {
      chunks.push(chunk);
    },
  });
  return new Uint8Array(Buffer.concat(chunks));
}

/** Reads all elements; returns how many tensors have any. External files are not here. */
function readTensors(model: ModelProto): number {
  let count = 0;
  for (const tensor of tensorsOf('ModelProto', model)) {
    if (tensor.dataLocation === 1) continue;
    if (tensorType(tensor) === 'string') count += Math.min(tensorStrings(tensor).length, 1);
    else {
      const source = tensorBytes(tensor);
      count += Math.min(readSync(source, 0, source.size).length, 1);
    }
  }
  return count;
}

x('models come back field by field, and byte by byte where fields are in order', async () => {
  let files = 0;
  let tensors = 0;
  for (const { name, bytes } of modelFiles()) {
    const model = decode(bytes);
    const written = encodeToBytes('ModelProto', model);
    assert.is(difference(bytes, written), null, name);
    assert.is(encodedSize(model), written.length, name);
    assert.is(Buffer.compare(await collect(model), written), 0, name);
    tensors += readTensors(model);
    files++;
  }
  assert.ok(files === 0 || (files >= 100 && tensors > 1000), `${files} files, ${tensors} tensors`);
});

x('conformance models come back field by field', () => {
  const files = nodeTestFiles().filter(({ name }) => name.endsWith('.onnx'));
  for (const { name, bytes } of files) {
    const model = decode(bytes);
    assert.is(difference(bytes, encodeToBytes('ModelProto', model)), null, name);
    readTensors(model);
  }
  assert.ok(files.length === 0 || files.length > 1000);
});

/** What a file of test data holds, by the type that the model gives its input or output. */
function heldMessage(model: Uint8Array, name: string): string {
  const [, side, index] = /(input|output)_(\d+)\.pb$/.exec(name) ?? [];
  const content = (bytes: Uint8Array, number: number): Uint8Array[] =>
    wireFields(bytes)
      .filter((field) => field.number === number && field.wire === 2)
      .map((field) => field.value as Uint8Array);
  const graph = content(model, 7)[0]!;
  const info = content(graph, side === 'input' ? 11 : 12)[Number(index)]!;
  const type = content(info, 2)[0]!;
  const kinds: Record<number, string> = { 4: 'Sequence', 9: 'Optional' };
  return kinds[wireFields(type)[0]!.number] ?? 'Tensor';
}

const messages: Record<string, MessageName> = {
  Tensor: 'TensorProto',
  Sequence: 'SequenceProto',
  Optional: 'OptionalProto',
};

x('test data of the conformance cases come back', () => {
  const counts: Record<string, number> = {};
  let model: Uint8Array = new Uint8Array(0);
  for (const { name, bytes } of nodeTestFiles()) {
    if (name.endsWith('.onnx')) model = bytes;
    else if (name.endsWith('.pb')) {
      const type = heldMessage(model, name);
      const limits = resolveLimits(undefined, bytes.length);
      const written = encodeToBytes(
        messages[type]!,
        decodeMessage(messages[type]!, bytes, limits) as never,
      );
      counts[type] = (counts[type] ?? 0) + 1;
      assert.is(difference(bytes, written, type), null, `${name} as ${type}`);
    }
  }
  assert.ok(counts.Tensor === undefined || counts.Tensor > 2500, JSON.stringify(counts));
});

/** The message with fields that nobody knows in every message in it, and every enum set to an unknown value. */
function enrich(bytes: Uint8Array, type: string): Uint8Array {
  const fields = wireFields(bytes).map((field): WireField => {
    const child = messageFields(type)[field.number];
    if (child !== undefined && field.wire === 2) {
      return { ...field, value: enrich(field.value as Uint8Array, child) };
    }
    const unknownEnum =
      (type === 'Tensor' && (field.number === 2 || field.number === 14)) ||
      (type === 'Attribute' && field.number === 20) ||
      (type === 'TensorType' && field.number === 1);
    return unknownEnum ? { ...field, value: 7777n } : field;
  });
  const middle = fields.length >> 1;
  return wireBytes([
    { number: 900, wire: 0, value: 2n ** 64n - 1n },
    ...fields.slice(0, middle),
    { number: 536870911, wire: 2, value: new Uint8Array([8, 1, 0xff]) },
    // Known numbers with a wire type that they don't have.
    { number: 1, wire: 1, value: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) },
    ...fields.slice(middle),
    { number: 99, wire: 5, value: new Uint8Array([9, 8, 7, 6]) },
  ]);
}

x('unknown fields and enum values survive at every level', () => {
  let files = 0;
  for (const { name, bytes } of modelFiles()) {
    if (bytes.length > 200_000) continue;
    const rich = enrich(bytes, 'Model');
    const written = encodeToBytes('ModelProto', decode(rich));
    assert.is(written.length, rich.length, name);
    assert.is(difference(rich, written), null, name);
    files++;
  }
  assert.ok(files === 0 || files > 50);
});

x.run();
