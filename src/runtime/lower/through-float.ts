import type { Tensor } from '../../core/tensor.ts';
import type { Quantization } from '../../ir/types.ts';
import type { LibraryBackend } from '../../wasm/library.ts';
import { operandOf } from '../plan/operand.ts';
import { isHalf, toFloat32 } from '../real.ts';
import { tensorBytes } from '../weights.ts';
import { dequantizeStep, levelKind, packParameters, quantizeStep } from './levels-step.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed, Step } from './lowering.ts';
import { align } from './operands.ts';

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
  return constant || (isWhole(quantization) && levelKind(quantization.storage) !== null);
}

function isWhole({ scale, blockSize }: Quantization): boolean {
  return scale.length === 1 && blockSize === null;
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
    knownIn: (input, perm) => {
      const operand = c.inputs[input];
      return operand == null || converts(operand) ? null : c.knownIn(input, perm);
    },
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
    return {
      operand,
      offset,
      parameters: operand.quantization === null ? null : packParameters(c, operand.quantization),
    };
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

function widening(
  backend: LibraryBackend,
  { operand, parameters }: Conversion,
  from: number,
  to: number,
): Step {
  const { size, storage } = operand;
  if (parameters !== null)
    return dequantizeStep({ backend }, levelKind(storage)!, parameters, size, from, to);
  const convert = storage === 'float16' ? backend.simd.f16_f32 : backend.simd.bf16_f32;
  return () => convert(from, to, size);
}

function narrowing(
  backend: LibraryBackend,
  { operand, parameters }: Conversion,
  from: number,
  to: number,
): Step {
  const { size, storage } = operand;
  if (parameters !== null)
    return quantizeStep({ backend }, levelKind(storage)!, parameters, size, from, to);
  const convert = storage === 'float16' ? backend.simd.f32_f16 : backend.simd.f32_bf16;
  return () => convert(from, to, size);
}
