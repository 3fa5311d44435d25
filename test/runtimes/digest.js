// What must come out the same everywhere. Plain ESM for every runtime: no node:*, no fetch, no top-level await.
import { int8Cases } from './cases/int8.js';
import { kernelCases } from './cases/kernels.js';
import { linalgCases } from './cases/linalg.js';
import { modelCases } from './cases/models.js';
import { productCases } from './cases/products.js';
import { sessionCases } from './cases/sessions.js';

/** Every case: a name and a function giving what is hashed: a typed array, a number, text, or a list of these.
 *  A new group of cases is one file under cases/ and one entry here. */
const groups = [kernelCases, int8Cases, linalgCases, modelCases, productCases, sessionCases];

/** Runs the cases one after the other.
 *  @returns `{ cases: { name: SHA-256 in hex } }` */
export async function digest() {
  const cases = {};
  for (const group of groups) {
    for (const [name, run] of Object.entries(group)) cases[name] = await sha256(await run());
  }
  return { cases };
}

async function sha256(value) {
  const hash = await crypto.subtle.digest('SHA-256', toBytes(value));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function toBytes(value) {
  // Which bits an engine stores for NaN is up to it; arrays of the library hold one NaN only.
  if (Number.isNaN(value)) return toBytes('NaN');
  if (typeof value === 'number') return toBytes(Float64Array.of(value));
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (!Array.isArray(value)) throw new TypeError(`a case gave ${typeof value}`);
  const parts = value.map(toBytes);
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
