import type { DType } from '../../../core/dtype.ts';
import { isStatic, type Shape } from '../../../core/shape.ts';
import { type Constant, readConstant } from '../../../ir/constant.ts';
import type { Quantization } from '../../../ir/types.ts';
import type {
  BufferRecord,
  MetadataRecord,
  ModelRecord,
  OperatorCodeRecord,
  QuantizationParametersRecord,
  SignatureDefRecord,
  SubGraphRecord,
  TensorRecord,
} from '../records.ts';
import { builtinOperators, tensorTypes } from '../schema-table.ts';
import type { Operand } from './operand.ts';

/** Builtin codes from here on have a place of their own; the old field says this much for all of them. */
const lastOldCode = 127;

/** What a file has besides subgraphs: buffers, operator codes, metadata. Equal buffers and codes are one. */
export class FileTables {
  readonly subgraphs: SubGraphRecord[] = [];
  readonly signatures: SignatureDefRecord[] = [];
  readonly metadata: MetadataRecord[] = [];
  readonly #buffers: BufferRecord[] = [{}];
  readonly #bySource: Map<object, number> = new Map();
  readonly #byHash: Map<number, number[]> = new Map();
  readonly #codes: OperatorCodeRecord[] = [];
  readonly #byCode: Map<string, number> = new Map();

  /** The number of a buffer with these bytes. None at all are buffer 0. */
  bufferOf(data: Uint8Array): number {
    if (data.length === 0) return 0;
    const hash = hashOf(data);
    const same = this.#byHash.get(hash) ?? [];
    for (const index of same) if (isEqual(this.#buffers[index]!.data!, data)) return index;
    const index = this.#buffers.push({ data }) - 1;
    this.#byHash.set(hash, [...same, index]);
    return index;
  }

  #bufferOfConstant(constant: Constant): number {
    const known = this.#bySource.get(constant.data);
    if (known !== undefined && constant.strings === undefined) return known;
    const bytes =
      constant.strings === undefined ? readConstant(constant) : stringBytes(constant.strings);
    const index = this.bufferOf(bytes as Uint8Array);
    this.#bySource.set(constant.data, index);
    return index;
  }

  /** A tensor's record. */
  tensorOf(operand: Operand): TensorRecord {
    const { shape, constant, quantization } = operand;
    if (operand.record !== undefined) {
      const buffer = operand.data == null ? 0 : this.bufferOf(operand.data);
      return { ...operand.record, name: operand.name, buffer };
    }
    const record: TensorRecord = {
      shape: Int32Array.from(shape ?? [], (dim) => (typeof dim === 'number' ? dim : 1)),
      type: typeNumber(constant?.dtype ?? quantization?.storage ?? operand.dtype),
      buffer: constant === null ? 0 : this.#bufferOfConstant(constant),
      name: operand.name,
      hasRank: shape !== null,
    };
    if (shape !== null && !isStatic(shape)) record.shapeSignature = signatureOf(shape);
    if (quantization !== null) record.quantization = quantizationRecord(quantization);
    if (operand.isVariable) record.isVariable = true;
    return record;
  }

  /** The number of a builtin's operator code. */
  codeOf(name: string, version: number): number {
    const code = builtinOperators.indexOf(name);
    const deprecatedBuiltinCode = Math.min(code, lastOldCode);
    return this.codeLike({ deprecatedBuiltinCode, version, builtinCode: code });
  }

  /** The number of the code of an operator that is written as it was read. */
  codeLike(record: OperatorCodeRecord): number {
    const { builtinCode = 0, deprecatedBuiltinCode = 0, customCode = '', version = 1 } = record;
    const key = `${Math.max(builtinCode, deprecatedBuiltinCode)} ${version} ${customCode}`;
    const known = this.#byCode.get(key);
    if (known !== undefined) return known;
    const index = this.#codes.push({ ...record }) - 1;
    this.#byCode.set(key, index);
    return index;
  }

  /** All of it. */
  record(description: string): ModelRecord {
    return {
      version: 3,
      operatorCodes: this.#codes,
      subgraphs: this.subgraphs,
      description,
      buffers: this.#buffers,
      metadata: this.metadata,
      signatureDefs: this.signatures,
    };
  }
}

/** The number of an element type in a file. */
export function typeNumber(dtype: DType): number {
  return tensorTypes.indexOf(dtype.toUpperCase().replace(/^FLOAT8E/, 'FLOAT8_E'));
}

function signatureOf(shape: Exclude<Shape, null>): Int32Array {
  return Int32Array.from(shape, (dim) => (typeof dim === 'number' ? dim : -1));
}

/** Scales and zero points as a file has them. */
export function quantizationRecord(quantization: Quantization): QuantizationParametersRecord {
  const { scale, zeroPoint, axis } = quantization;
  return {
    scale,
    zeroPoint: BigInt64Array.from(scale, (_, i) => BigInt(zeroPoint?.[i] ?? 0)),
    ...(axis === null ? {} : { quantizedDimension: axis }),
  };
}

/** Strings as a buffer holds them: how many, where each begins and the last ends, their bytes. */
function stringBytes(strings: readonly Uint8Array[]): Uint8Array {
  const head = 4 * (strings.length + 2);
  const bytes = new Uint8Array(strings.reduce((sum, item) => sum + item.length, head));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, strings.length, true);
  let at = head;
  strings.forEach((item, index) => {
    view.setInt32(4 * (index + 1), at, true);
    bytes.set(item, at);
    at += item.length;
  });
  view.setInt32(4 * (strings.length + 1), at, true);
  return bytes;
}

/** FNV-1a over length and at most some thousand bytes. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  const step = Math.max(1, bytes.length >> 12);
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  let at = 0;
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const words = a.length >> 2;
    const x = new Uint32Array(a.buffer, a.byteOffset, words);
    const y = new Uint32Array(b.buffer, b.byteOffset, words);
    for (let i = 0; i < words; i++) if (x[i] !== y[i]) return false;
    at = words * 4;
  }
  for (; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
