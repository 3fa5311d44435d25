import type { DType } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Quantization } from '../../ir/types.ts';
import type { LibraryBackend } from '../../wasm/library.ts';
import { operandOf } from '../plan/operand.ts';
import { isHalf, toFloat32 } from '../real.ts';
import { tensorBytes } from '../weights.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed, Step } from './lowering.ts';

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Runs a float32 lowering on operands that are half floats or quantized integers: converts what it reads to float32
 *  in scratch, and what it wrote back. Constants are converted once. Null where no lowering takes them. */
export function throughFloat(c: LowerContext, candidates: readonly Lowering[]): Lowered | null {
  const isOther = (operand: Operand | null): boolean => operand !== null && converts(operand);
  if (![...c.inputs, ...c.outputs].some(isOther)) return null;
  if (![...c.inputs, ...c.outputs].every((operand) => operand === null || canConvert(operand)))
    return null;
  const view = floatView(c);
  for (const candidate of candidates) {
    const inner = candidate.lower(view);
    if (inner !== null) return wrap(c, view, inner);
  }
  return null;
}

const converts = ({ dtype, quantization }: Operand): boolean =>
  quantization !== null || isHalf(dtype);

function canConvert(operand: Operand): boolean {
  const { quantization, constant, dtype } = operand;
  if (!converts(operand)) return true;
  if (quantization === null) return true;
  if (dtype !== 'float32') return false;
  return constant || (isWhole(quantization) && kindOf(quantization.storage) !== null);
}

function isWhole({ scale, blockSize }: Quantization): boolean {
  return scale.length === 1 && blockSize === null;
}

function kindOf(
  storage: DType,
): { bytes: 1 | 2; unsigned: 0 | 1; min: number; max: number } | null {
  switch (storage) {
    case 'int8':
      return { bytes: 1, unsigned: 0, min: -128, max: 127 };
    case 'uint8':
      return { bytes: 1, unsigned: 1, min: 0, max: 255 };
    case 'int16':
      return { bytes: 2, unsigned: 0, min: -32768, max: 32767 };
    case 'uint16':
      return { bytes: 2, unsigned: 1, min: 0, max: 65535 };
    default:
      return null;
  }
}

const floats = new WeakMap<Tensor, Tensor>();

function floatView(c: LowerContext): LowerContext {
  const asFloat = (operand: Operand | null): Operand | null =>
    operand === null || !converts(operand)
      ? operand
      : operandOf('float32', operand.dims, null, operand.constant);
  const known = (input: number): Tensor | null => {
    const tensor = c.known(input);
    const operand = c.inputs[input];
    if (tensor === null || operand == null || !converts(operand)) return tensor;
    let float = floats.get(tensor);
    if (float === undefined) {
      float = toFloat32(tensor, operand.quantization);
      floats.set(tensor, float);
    }
    return float;
  };
  return {
    node: c.node,
    attributes: c.attributes,
    backend: c.backend,
    inputs: c.inputs.map(asFloat),
    outputs: c.outputs.map(asFloat),
    known,
    pack: (key, inputs, bytes, fill) =>
      c.pack(`float ${key}`, inputs, bytes, (address) => {
        // Converting may grow kernel memory, and views that `fill` has taken would be of none.
        for (const input of inputs) if (typeof input === 'number') known(input);
        fill(address);
      }),
  };
}

/** A conversion between an operand and its float32 form in scratch. */
interface Conversion {
  readonly operand: Operand;
  /** From the start of the scratch. */
  readonly offset: number;
  readonly parameters: Packed | null;
}

function wrap(c: LowerContext, view: LowerContext, inner: Lowered): Lowered {
  const reads = inner.reads ?? c.inputs.flatMap((operand, i) => (operand === null ? [] : [i]));
  let scratchBytes = align(inner.scratchBytes ?? 0);
  const take = (operand: Operand): Conversion => {
    const offset = scratchBytes;
    scratchBytes += align(4 * operand.size);
    return { operand, offset, parameters: parametersOf(c, operand) };
  };
  const before = new Map<number, Conversion>();
  const constants = new Map<number, Packed>();
  for (const index of reads) {
    const operand = c.inputs[index];
    if (operand == null || !converts(operand)) continue;
    if (!operand.constant) before.set(index, take(operand));
    else {
      const raw = c.pack('float raw', [index], 4 * operand.size, (address) => {
        const bytes = tensorBytes(view.known(index)!);
        c.backend.arena.views().u8.set(bytes, address);
      });
      constants.set(index, raw);
    }
  }
  const after = new Map<number, Conversion>();
  c.outputs.forEach((operand, index) => {
    if (operand !== null && converts(operand)) after.set(index, take(operand));
  });
  return {
    kernel: `${inner.kernel} in float32`,
    reads: reads.filter((index) => !constants.has(index)),
    scratchBytes,
    bind(at) {
      const input = (index: number): number => {
        const conversion = before.get(index);
        if (conversion !== undefined) return at.scratch + conversion.offset;
        return constants.get(index)?.address ?? at.input(index);
      };
      const output = (index: number): number => {
        const conversion = after.get(index);
        return conversion === undefined ? at.output(index) : at.scratch + conversion.offset;
      };
      const steps: Step[] = [];
      for (const [index, conversion] of before) {
        steps.push(widening(c.backend, conversion, at.input(index), input(index)));
      }
      if (inner.alias === undefined) {
        steps.push(inner.bind!({ input, output, scratch: at.scratch }));
      } else {
        const [from, to] = [input(inner.alias), output(0)];
        const bytes = 4 * c.outputs[0]!.size;
        steps.push(() => {
          c.backend.arena.views().u8.copyWithin(to, from, from + bytes);
        });
      }
      for (const [index, conversion] of after) {
        steps.push(narrowing(c.backend, conversion, output(index), at.output(index)));
      }
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

/** Scale and zero point in kernel memory. */
function parametersOf(c: LowerContext, { quantization }: Operand): Packed | null {
  if (quantization === null) return null;
  return c.pack('scale and zero point', [quantization], 8, (address) => {
    const views = c.backend.arena.views();
    views.f32[address >>> 2] = quantization.scale[0]!;
    views.i32[(address >>> 2) + 1] = quantization.zeroPoint?.[0] ?? 0;
  });
}

function widening(
  { simd }: LibraryBackend,
  { operand, parameters }: Conversion,
  from: number,
  to: number,
): Step {
  const { size, storage } = operand;
  if (parameters === null) {
    const convert = storage === 'float16' ? simd.f16_f32 : simd.bf16_f32;
    return () => convert(from, to, size);
  }
  const kind = kindOf(storage)!;
  const convert = kind.bytes === 1 ? simd.q8_f32_runs : simd.q16_f32_runs;
  const scale = parameters.address;
  return () => convert(from, to, scale, scale + 4, 1, size, size, 0, kind.unsigned);
}

function narrowing(
  { simd }: LibraryBackend,
  { operand, parameters }: Conversion,
  from: number,
  to: number,
): Step {
  const { size, storage } = operand;
  if (parameters === null) {
    const convert = storage === 'float16' ? simd.f32_f16 : simd.f32_bf16;
    return () => convert(from, to, size);
  }
  const kind = kindOf(storage)!;
  const convert = kind.bytes === 1 ? simd.f32_q8_runs : simd.f32_q16_runs;
  const scale = parameters.address;
  return () => convert(from, to, scale, scale + 4, 1, size, size, 0, kind.min, kind.max);
}
