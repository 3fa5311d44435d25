import { type DType, dtypes, integerRange } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import { itemsOf, numbersOf } from '../generic/elements.ts';
import type { Addresses, LowerContext, Lowered, Lowering, Operand } from '../lower/lowering.ts';

/** Operators as functions of stored integers, in plain TypeScript. */

/** Elements as they are stored; 64-bit integers as numbers. */
export type Levels = Int8Array | Uint8Array | Int16Array | Int32Array | Float64Array | Float32Array;

/** Computes outputs, in place of what they held. */
export type Run = (inputs: readonly (Levels | null)[], outputs: readonly (Levels | null)[]) => void;

/** How an operator runs on the integers of its operands. */
export interface StoredKernel {
  readonly op: string;
  /** '' (default) is ai.onnx. */
  readonly domain?: string;
  /** null: not these operands. */
  prepare(c: LowerContext): Run | null;
}

/** What levels of one scale mean. */
export interface Meaning {
  readonly storage: DType;
  readonly scale: number;
  readonly zero: number;
  /** Of the type. */
  readonly min: number;
  readonly max: number;
}

const levelTypes: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16', 'int32'];

/** What an operand's levels mean: one scale for all of them; null for anything else. */
export function meaningOf(operand: Operand | null | undefined): Meaning | null {
  const quantization = operand?.quantization;
  if (operand == null || quantization == null || !levelTypes.includes(operand.storage)) return null;
  const { scale, zeroPoint, blockSize } = quantization;
  if (scale.length !== 1 || blockSize !== null) return null;
  const { min, max } = integerRange(operand.storage);
  return { storage: operand.storage, scale: scale[0]!, zero: zeroPoint?.[0] ?? 0, min, max };
}

/** The meaning of levels of 8 or 16 bits. */
export function smallMeaning(operand: Operand | null | undefined): Meaning | null {
  const meaning = meaningOf(operand);
  return meaning === null || dtypes[meaning.storage].bits > 16 ? null : meaning;
}

/** Elements of a constant: packed ones one for each byte, with their sign; 64-bit ones as numbers. */
export function levelsOf(tensor: Tensor): Levels {
  const { bits } = dtypes[tensor.type];
  if (bits < 8) return Int8Array.from(numbersOf(tensor));
  return bits === 64 ? numbersOf(tensor) : (itemsOf(tensor) as Levels);
}

type Make = new (buffer: ArrayBufferLike, start: number, length: number) => Levels;

function viewAt(memory: Uint8Array, { storage, size }: Operand, address: number): Levels {
  const { array } = dtypes[storage];
  const view = new (array as unknown as Make)(memory.buffer, address, size);
  return dtypes[storage].bits === 64
    ? Float64Array.from(view as unknown as BigInt64Array, Number)
    : view;
}

/** A lowering that runs a kernel on operands in kernel memory; constants are read when it is bound. */
export function storedLowering(kernel: StoredKernel): Lowering {
  return {
    op: kernel.op,
    ...(kernel.domain === undefined ? {} : { domain: kernel.domain }),
    lower(c): Lowered | null {
      const run = kernel.prepare(c);
      if (run === null) return null;
      const isKnown = c.inputs.map((operand, i) => operand !== null && c.known(i) !== null);
      const reads = c.inputs.flatMap((operand, i) => (operand === null || isKnown[i] ? [] : [i]));
      return {
        kernel: `levels ${c.node.op}`,
        reads,
        bind(at: Addresses) {
          const { arena } = c.backend;
          const from = c.inputs.map((_, i) => (reads.includes(i) ? at.input(i) : 0));
          const to = c.outputs.map((operand, i) => (operand === null ? 0 : at.output(i)));
          const constants = c.inputs.map((_, i) => (isKnown[i] ? levelsOf(c.known(i)!) : null));
          return () => {
            const { u8 } = arena.views();
            const inputs = c.inputs.map((operand, i) => {
              if (operand === null) return null;
              return constants[i] ?? viewAt(u8, operand, from[i]!);
            });
            run(
              inputs,
              c.outputs.map((operand, i) =>
                operand === null ? null : viewAt(u8, operand, to[i]!),
              ),
            );
          };
        },
      };
    },
  };
}
