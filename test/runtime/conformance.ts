import { isDType } from '../../src/core/dtype.ts';
import { resolveLimits } from '../../src/core/limits.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { decodeMessage } from '../../src/formats/onnx/codec.ts';
import type { OptionalProto, SequenceProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { readTensor } from '../../src/formats/onnx/tensor-constant.ts';
import type { Model, ValueType } from '../../src/ir/index.ts';
import type { Data } from '../../src/runtime/data.ts';
import { constantTensor } from '../../src/runtime/generic/constant-tensor.ts';
import { bigintsOf, isWide, numbersOf } from '../../src/runtime/generic/elements.ts';
import type { OnnxCase } from '../onnx-cases.ts';

/** ONNX's own test cases, decoded and judged as onnx.backend.test judges them. */

const limits = resolveLimits(undefined, 1 << 27);

export interface DecodedCase {
  name: string;
  model: Model;
  feeds: Record<string, Data>;
  expected: Record<string, Data>;
}

export async function decodeCase(item: OnnxCase): Promise<DecodedCase> {
  const model = await readModel(item.model, { format: 'onnx' });
  const { outputs } = model.graph;
  const inputs = model.graph.inputs.filter(({ constant }) => constant === null);
  const named = (values: typeof inputs, messages: readonly Uint8Array[]): Record<string, Data> =>
    Object.fromEntries(
      messages.map((bytes, index) => {
        const value = values[index]!;
        return [value.name, decodeData(bytes, value.type)];
      }),
    );
  return {
    name: item.name.replace(/^.*\/(test_)?/, ''),
    model,
    feeds: named(inputs, item.inputs),
    expected: named(outputs, item.outputs),
  };
}

/** A value as a case stores it: the kind of message follows from its type. */
function decodeData(bytes: Uint8Array, type: ValueType | null): Data {
  if (type?.kind === 'sequence')
    return sequenceOf(decodeMessage('SequenceProto', bytes, limits), type.element);
  if (type?.kind === 'optional') return optionalOf(bytes, type.element);
  return tensorOfProto(decodeMessage('TensorProto', bytes, limits));
}

function tensorOfProto(message: TensorProto): Tensor {
  return constantTensor(readTensor(message, { limits } as Parameters<typeof readTensor>[1], ''));
}

function sequenceOf(message: SequenceProto, element: ValueType | null): Data {
  if (element?.kind === 'sequence')
    return (message.sequenceValues ?? []).map((item) => sequenceOf(item, element.element));
  if (element?.kind === 'optional')
    return (message.optionalValues ?? []).map((item) => contentOf(item, element.element));
  return (message.tensorValues ?? []).map(tensorOfProto);
}

/** Some cases store an optional's element without its wrapping. */
function optionalOf(bytes: Uint8Array, element: ValueType | null): Data {
  const message = decodeMessage('OptionalProto', bytes, limits);
  if (message.tensorValue !== undefined || message.sequenceValue !== undefined)
    return contentOf(message, element);
  if ((message.elemType ?? 0) === 0 && message.name === undefined && bytes.length > 8)
    return decodeData(bytes, element);
  return null;
}

function contentOf(message: OptionalProto, element: ValueType | null): Data {
  if (message.tensorValue !== undefined) return tensorOfProto(message.tensorValue);
  if (message.sequenceValue !== undefined)
    return sequenceOf(message.sequenceValue, element?.kind === 'sequence' ? element.element : null);
  return null;
}

/** What differs, or null: relative 1e-3 (or what is given) and absolute 1e-7 for floats, everything else exactly. */
export function difference(got: Data | undefined, expected: Data, relative = 1e-3): string | null {
  if (got === undefined) return 'nothing';
  if (expected === null) return got === null ? null : 'not the empty optional';
  if (got === null) return 'the empty optional';
  if (!(expected instanceof Tensor)) {
    if (got instanceof Tensor || got.length !== expected.length) return 'another length';
    for (const [index, item] of expected.entries()) {
      const found = difference(got[index], item, relative);
      if (found !== null) return `[${index}] ${found}`;
    }
    return null;
  }
  if (!(got instanceof Tensor)) return 'no tensor';
  if (got.type !== expected.type) return `${got.type}, expected ${expected.type}`;
  if (`${got.dims}` !== `${expected.dims}`) return `[${got.dims}], expected [${expected.dims}]`;
  return elementsDiffer(got, expected, relative);
}

function elementsDiffer(got: Tensor, expected: Tensor, relative: number): string | null {
  const { type } = got;
  if (!isDType(type)) return 'no element type';
  if (type === 'string' || isWide(type)) {
    const items = (t: Tensor): ArrayLike<unknown> => (type === 'string' ? t.data : bigintsOf(t));
    const [a, b] = [items(got), items(expected)];
    for (let i = 0; i < b.length; i++)
      if (a[i] !== b[i]) return `[${i}] ${String(a[i])}, expected ${String(b[i])}`;
    return null;
  }
  const [a, b] = [numbersOf(got), numbersOf(expected)];
  const isExact = !/float|complex/.test(type);
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const allowed = isExact ? 0 : 1e-7 + relative * Math.abs(y);
    if (!(Math.abs(x - y) <= allowed)) return `[${i}] ${x}, expected ${y}`;
  }
  return null;
}

/** What differs in the outputs, or null. */
export function verdict(
  results: Readonly<Record<string, Data>>,
  expected: Readonly<Record<string, Data>>,
): string | null {
  for (const [name, data] of Object.entries(expected)) {
    const found = difference(results[name], data);
    if (found !== null) return `${name}: ${found}`;
  }
  return null;
}
