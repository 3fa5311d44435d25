import { Tensor } from '../../core/tensor.ts';
import type { AttributeReader } from '../../ops/op.ts';
import { spread } from './binary.ts';
import { multiplied } from './contract.ts';
import { numbersOf, tensorOf, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { invalid, optionalAt, tensorAt, unsupported } from './operands.ts';
import { joined } from './reshape.ts';
import { part } from './slicing.ts';

/** Attention as onnxruntime's optimizers fuse it, by ONNX's own. */
const domain = 'com.microsoft';

/** What ONNX's operator takes. */
interface Operands {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  /** Lengths, or which keys count. */
  readonly mask: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly pastKey: Tensor | undefined;
  readonly pastValue: Tensor | undefined;
}

function readerOf(values: Readonly<Record<string, number>>): AttributeReader {
  const number = (name: string, fallback?: number): number => values[name] ?? fallback ?? 0;
  return {
    has: (name) => name in values,
    int: number,
    float: number,
    string: (_, fallback = '') => fallback,
    ints: () => null,
  };
}

/** The padding mask as numbers that are added, [B, 1, 1 | S, T]. */
function paddingOf(c: EvaluateContext, mask: Tensor, batch: number, total: number): Tensor {
  const hidden = c.attributes.float('mask_filter_value');
  const values = numbersOf(mask);
  const { dims } = mask;
  if (dims.length === 1 && dims[0] === batch) {
    const added = Float64Array.from({ length: batch * total }, (_, i) =>
      i % total < values[Math.floor(i / total)]! ? 0 : hidden,
    );
    return new Tensor('float64', added, [batch, 1, 1, total]);
  }
  const isWhole = dims.length === 2 || dims.length === 3;
  if (!isWhole || dims[0] !== batch || dims.at(-1) !== total)
    throw unsupported(c, `a mask of [${dims}] for ${batch} sequences of ${total}`);
  const added = values.map((v) => (v !== 0 ? 0 : hidden));
  const rows = dims.length === 2 ? 1 : dims[1]!;
  return new Tensor('float64', added, [batch, 1, rows, total]);
}

function attended(c: EvaluateContext, attention: Evaluator, operands: Operands): Tensor[] {
  const { query, key, value, mask, bias, pastKey, pastValue } = operands;
  const heads = c.attributes.int('num_heads');
  const [batch, length] = query.dims as [number, number];
  const own = key.dims.length === 4 ? key.dims[2]! : key.dims[1]!;
  const total = own + (pastKey?.dims[2] ?? 0);
  let added = mask === undefined ? undefined : paddingOf(c, mask, batch, total);
  if (bias !== undefined) {
    const dims = [batch, heads, length, total];
    const base = added === undefined ? null : spread(added, dims);
    const sums = spread(bias, dims).map((v, i) => v + (base === null ? 0 : base[i]!));
    added = new Tensor('float64', sums, dims);
  }
  const scale = c.attributes.float('scale');
  const attributes = readerOf({
    q_num_heads: heads,
    kv_num_heads: heads,
    is_causal: c.attributes.int('unidirectional'),
    left_window_size: -1,
    right_window_size: -1,
    ...(scale === 0 ? {} : { scale }),
  });
  const inputs = [query, key, value, added, pastKey, pastValue];
  return attention.evaluate({ ...c, attributes, inputs }) as Tensor[];
}

/** One of `count` parts of the axis before the last: [B, L, heads, count, size] → [B, L, heads · size]. */
function packedPart(x: Tensor, index: number): Tensor {
  const [batch, length, heads, , size] = x.dims as [number, number, number, number, number];
  return withDims(part(x, 3, index, 1), [batch, length, heads * size]);
}

function plus(x: Tensor, bias: Tensor): Tensor {
  const biases = spread(bias, x.dims);
  const values = numbersOf(x).map((v, i) => v + biases[i]!);
  return tensorOf(x.type, values, x.dims);
}

function multiHead(attention: Evaluator): Evaluator {
  return {
    op: 'MultiHeadAttention',
    domain,
    evaluate: (c) => {
      const first = tensorAt(c, 0);
      const [second, third, bias] = [optionalAt(c, 1), optionalAt(c, 2), optionalAt(c, 3)];
      const isPacked = first.dims.length === 5;
      const isHalfPacked = second?.dims.length === 5;
      const need = (x: Tensor | undefined): Tensor => {
        if (x !== undefined) return x;
        throw invalid(c, 'E_OPERAND_KIND', 'there are no keys or values');
      };
      let query = isPacked ? packedPart(first, 0) : first;
      let key = isPacked
        ? packedPart(first, 1)
        : isHalfPacked
          ? packedPart(second, 0)
          : need(second);
      let value = isPacked
        ? packedPart(first, 2)
        : isHalfPacked
          ? packedPart(second, 1)
          : need(third);
      if (bias !== undefined) {
        const width = query.dims[2]!;
        query = plus(query, part(bias, 0, 0, width));
        if (key.dims.length === 3) key = plus(key, part(bias, 0, width, width));
        if (value.dims.length === 3)
          value = plus(value, part(bias, 0, 2 * width, bias.dims[0]! - 2 * width));
      }
      const [pastKey, pastValue] = [optionalAt(c, 6), optionalAt(c, 7)];
      const operands = { query, key, value, mask: optionalAt(c, 4), bias: optionalAt(c, 5) };
      return attended(c, attention, { ...operands, pastKey, pastValue }).slice(0, 3);
    },
  };
}

/** Projects its input first. The cache holds keys, then values. */
function projected(attention: Evaluator): Evaluator {
  return {
    op: 'Attention',
    domain,
    evaluate: (c) => {
      const [input, weights, bias] = [tensorAt(c, 0), tensorAt(c, 1), optionalAt(c, 2)];
      const all = multiplied(input, weights, input.type);
      const sum = bias === undefined ? all : plus(all, bias);
      const third = Math.floor(weights.dims[1]! / 3);
      const sizes = c.attributes.ints('qkv_hidden_sizes') ?? [third, third, third];
      const [q, k, v] = sizes as [number, number, number];
      const past = optionalAt(c, 4);
      const cached = (index: number): Tensor | undefined =>
        past === undefined ? undefined : withDims(part(past, 0, index, 1), past.dims.slice(1));
      const [output, key, value] = attended(c, attention, {
        query: part(sum, 2, 0, q),
        key: part(sum, 2, q, k),
        value: part(sum, 2, q + k, v),
        mask: optionalAt(c, 3),
        bias: optionalAt(c, 5),
        pastKey: cached(0),
        pastValue: cached(1),
      });
      if (c.node.outputs.length < 2) return [output];
      const present = [key!, value!].map((x) => withDims(x, [1, ...x.dims]));
      return [output, joined(c, present, 0)];
    },
  };
}

/** Made of the evaluator of ONNX's Attention. */
export function microsoftAttentionEvaluators(table: readonly Evaluator[]): Evaluator[] {
  const attention = table.find((item) => item.op === 'Attention' && (item.domain ?? '') === '')!;
  return [multiHead(attention), projected(attention)];
}
