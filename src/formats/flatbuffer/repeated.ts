import type { TableRecord } from './decode.ts';

/** Bytes below which a vector is not worth an order of its own. */
const leastBytes = 8;

/** Vectors of numbers, and strings, that a record has more than once: FlatBuffers may have one for all of them. */
export class Repeated {
  readonly #seen: Set<string> = new Set();
  readonly #repeated: Set<string> = new Set();

  constructor(record: TableRecord) {
    this.#walk(record);
  }

  /** What stands for a vector of numbers or a string that comes more than once; null for others. */
  keyOf(value: unknown): string | null {
    const key = keyOf(value);
    return key !== null && this.#repeated.has(key) ? key : null;
  }

  #walk(value: unknown): void {
    const key = keyOf(value);
    if (key !== null) {
      if (this.#seen.has(key)) this.#repeated.add(key);
      else this.#seen.add(key);
    } else if (Array.isArray(value)) for (const item of value) this.#walk(item);
    else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
      for (const item of Object.values(value)) this.#walk(item);
  }
}

/** The type of the elements, and their bytes. Bytes are left out: what tensors hold is shared by its own rules. */
function keyOf(value: unknown): string | null {
  if (typeof value === 'string') return value.length < leastBytes ? null : `s${value}`;
  if (!ArrayBuffer.isView(value) || value instanceof Uint8Array) return null;
  if (value.byteLength < leastBytes) return null;
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  let key = `${value.constructor.name} `;
  const step = 2048;
  for (let at = 0; at < bytes.length; at += step)
    key += String.fromCharCode(...bytes.subarray(at, at + step));
  return key;
}
