import { type Constant, constantOf, constantOfValue, readConstant } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import { reshapedConstant } from '../../ir/permute.ts';
import { shapeOf } from '../../ir/types.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Products that round what they read, as products of real numbers: their matrices stay integers with scales. */

function constantAt(p: Parts, index: number): Constant {
  const value = p.in(index);
  const constant = value.quantization === null ? constantOfValue(value) : null;
  return constant ?? p.stop(`input ${index} is computed`);
}

/** Zero points of rows on whole bytes as [n, blocks] without gaps. */
function zeroPoints(p: Parts, n: number, blocks: number, bits: 4 | 8): Constant {
  const dtype = bits === 4 ? 'uint4' : 'uint8';
  const count = n * blocks;
  if (!p.has(3)) {
    const half = bits === 4 ? 0x88 : 0x80;
    return constantOf(dtype, [n, blocks], new Uint8Array(Math.ceil((count * bits) / 8)).fill(half));
  }
  const packed = constantAt(p, 3);
  if (packed.dtype !== 'uint8') p.stop('zero points are real numbers');
  if (bits === 8 || blocks % 2 === 0) return { ...constantOf(dtype, [n, blocks], packed.data) };
  const bytes = readConstant(packed);
  if (!(bytes instanceof Uint8Array)) return p.stop('zero points are in a file');
  const dense = new Uint8Array(Math.ceil(count / 2));
  const row = (blocks + 1) / 2;
  for (let i = 0; i < count; i++) {
    const block = i % blocks;
    const level = (bytes[Math.floor(i / blocks) * row + (block >> 1)]! >> ((block & 1) * 4)) & 15;
    dense[i >> 1]! |= level << ((i & 1) * 4);
  }
  return constantOf(dtype, [n, blocks], dense);
}

/** x · the transpose of a matrix [N, K] behind DequantizeLinear. */
const nbits: Expansion = (p) => {
  const { attributes } = p;
  const [k, n] = [attributes.int('K'), attributes.int('N')];
  const [bits, size] = [attributes.int('bits'), attributes.int('block_size')];
  if (bits !== 4 && bits !== 8) return p.stop(`weights of ${bits} bits`);
  if (p.has(4)) p.stop('its rows are in groups of another order');
  const blocks = Math.ceil(k / size);
  const dtype = bits === 4 ? 'uint4' : 'uint8';
  const [levels, scales] = [constantAt(p, 1), constantAt(p, 2)];
  if (levels.dtype !== 'uint8' || scales.dtype !== 'float32') p.stop('its operands are others');
  const whole = [n, blocks * size];
  const w = p.op(
    'DequantizeLinear',
    [
      p.constant(constantOf(dtype, whole, levels.data), 'levels'),
      p.constant(reshapedConstant(scales, [n, blocks]), 'scales'),
      p.constant(zeroPoints(p, n, blocks, bits), 'zeros'),
    ],
    whole,
    'float32',
    { axis: 1, block_size: size },
  );
  const used =
    blocks * size === k
      ? w
      : p.op('Slice', [w, p.ints([0]), p.ints([k]), p.ints([1])], [n, k], 'float32');
  const turned = p.op('Transpose', [used], [k, n], 'float32', { perm: [1, 0] });
  p.end(0, product(p, p.in(0), turned, p.maybe(5)));
};

function product(p: Parts, x: Value, w: Value, bias: Value | null): Value {
  const shape = shapeOf(p.node.outputs[0]!.type);
  const result = p.op('MatMul', [x, w], shape, 'float32');
  return bias === null ? result : p.op('Add', [result, bias], shape, 'float32');
}

/** Operands: a, b, scale of b, its zero point, a bias. */
const dynamic: Expansion = (p) => {
  const b = p.in(1);
  const inputs = [b, p.in(2), p.maybe(3)];
  const w = p.op('DequantizeLinear', inputs, shapeOf(b.type), 'float32', { axis: 1 });
  p.end(0, product(p, p.in(0), w, p.maybe(4)));
};

export const blockExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft:MatMulNBits': nbits,
  'com.microsoft:DynamicQuantizeMatMul': dynamic,
  'modelpress:DynamicMatMul': dynamic,
};
