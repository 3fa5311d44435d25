import { bytesOf, Tensor } from '../../../src/core/tensor.ts';
import { encodeTflite } from '../../../src/formats/tflite/codec.ts';
import type {
  BufferRecord,
  BuiltinOptions,
  BuiltinOptions2,
  ModelRecord,
  QuantizationParametersRecord,
  TensorRecord,
} from '../../../src/formats/tflite/records.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { numberOf } from '../../../src/formats/tflite/tensor-types.ts';
import { withVersions } from '../../../src/formats/tflite/versions.ts';

/** TFLite files with one operator. */

export interface Operand {
  readonly tensor: Tensor;
  /** Part of the file; else it is fed. */
  readonly isConstant?: boolean;
  readonly scale?: readonly number[];
  readonly zero?: number;
  readonly axis?: number;
  readonly isVariable?: boolean;
}

export interface Result {
  readonly type: Tensor['type'];
  readonly scale?: number;
  readonly zero?: number;
  /** Where the runtime does not find out itself. */
  readonly shape?: readonly number[];
}

export interface OneOperator {
  readonly op: string;
  readonly options?: BuiltinOptions;
  readonly options2?: BuiltinOptions2;
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly Result[];
}

/** What is fed, in the order of the file's inputs. */
export function fed({ inputs }: OneOperator): Tensor[] {
  return inputs.flatMap((item) =>
    item === null || item.isConstant === true || item.isVariable === true ? [] : [item.tensor],
  );
}

/** The file's bytes. */
export function fileOf({ op, options, options2, inputs, outputs }: OneOperator): Uint8Array {
  const buffers: BufferRecord[] = [{}];
  const tensors: TensorRecord[] = [];
  const operands = inputs.map((item, i) => {
    if (item === null) return -1;
    const { tensor, isConstant, isVariable, scale, zero = 0, axis = 0 } = item;
    const data = isConstant ? bytesOf(tensor.data as Float32Array) : undefined;
    return (
      tensors.push({
        name: `input_${i}`,
        type: numberOf(tensor.type)!,
        shape: Int32Array.from(tensor.dims),
        hasRank: true,
        buffer: data === undefined ? 0 : buffers.push({ data }) - 1,
        ...(isVariable ? { isVariable } : {}),
        ...quantized(scale, zero, axis),
      }) - 1
    );
  });
  const entering = operands.filter((_, i) => {
    const item = inputs[i];
    return item != null && item.isConstant !== true && item.isVariable !== true;
  });
  const results = outputs.map(({ type, scale, zero = 0, shape = [] }, i) => {
    return (
      tensors.push({
        name: `output_${i}`,
        type: numberOf(type)!,
        shape: Int32Array.from(shape),
        buffer: 0,
        ...quantized(scale === undefined ? undefined : [scale], zero, 0),
      }) - 1
    );
  });
  const code = builtinOperators.indexOf(op);
  const record: ModelRecord = {
    version: 3,
    operatorCodes: [{ deprecatedBuiltinCode: Math.min(code, 127), builtinCode: code, version: 1 }],
    subgraphs: [
      {
        name: 'main',
        tensors,
        inputs: Int32Array.from(entering),
        outputs: Int32Array.from(results),
        operators: [
          {
            opcodeIndex: 0,
            inputs: Int32Array.from(operands),
            outputs: Int32Array.from(results),
            ...(options === undefined ? {} : { builtinOptions: options }),
            ...(options2 === undefined ? {} : { builtinOptions2: options2 }),
          },
        ],
      },
    ],
    buffers,
  };
  return encodeTflite(withVersions(record));
}

function quantized(
  scale: readonly number[] | undefined,
  zero: number,
  axis: number,
): { quantization?: QuantizationParametersRecord } {
  if (scale === undefined) return {};
  return {
    quantization: {
      scale: Float32Array.from(scale),
      zeroPoint: BigInt64Array.from(scale, () => BigInt(zero)),
      ...(axis === 0 ? {} : { quantizedDimension: axis }),
    },
  };
}

/** A real tensor of numbers between −2 and 2, the same each time. */
export function reals(dims: readonly number[], seed = 1): Tensor {
  let state = seed * 7919;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >> 8) % 4001) / 1000 - 2;
  };
  return new Tensor('float32', Float32Array.from({ length: count(dims) }, next), dims);
}

/** Integers from `low` to `high`, the same each time. */
export function integers(
  type: 'int8' | 'uint8' | 'int16' | 'int32' | 'int64',
  dims: readonly number[],
  low: number,
  high: number,
  seed = 1,
): Tensor {
  const values = reals(dims, seed).data as Float32Array;
  const levels = Array.from(
    values,
    (value) => low + (Math.round((value + 2) * 1000) % (high - low + 1)),
  );
  if (type === 'int64') return new Tensor(type, BigInt64Array.from(levels, BigInt), dims);
  const arrays = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, int32: Int32Array };
  return new Tensor(type, arrays[type].from(levels), dims);
}

/** A list or tensor of int32, as sizes and axes are. */
export function ints(
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Operand {
  return { tensor: new Tensor('int32', Int32Array.from(values), dims), isConstant: true };
}

export function bools(
  values: readonly boolean[],
  dims: readonly number[] = [values.length],
): Tensor {
  return new Tensor('bool', Uint8Array.from(values, Number), dims);
}

function count(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}
