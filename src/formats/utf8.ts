import { rangeError } from '../core/errors.ts';

/** UTF-8 that loses nothing: a byte that is not valid UTF-8 becomes the lone surrogate U+DC00 + byte and is
 *  written back as that byte. Valid UTF-8 never decodes to a lone surrogate, so the mapping is one to one.
 *  Source: Python PEP 383 (surrogateescape); well-formedness by table 3-7 of the Unicode Standard. */

const strict: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const shortest = 48;
const units: Uint16Array = new Uint16Array(4096);

/** Text of bytes start..end-1. Cost O(n). */
export function decodeUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  // A TextDecoder call costs more than a short string, and a throwing one much more.
  if (end - start < shortest) return decodeEscaped(bytes, start, end);
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch {
    return decodeEscaped(bytes, start, end);
  }
}

function decodeEscaped(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let count = 0;
  let at = start;
  while (at < end) {
    if (count > units.length - 2) {
      text += fromUnits(count);
      count = 0;
    }
    const byte = bytes[at]!;
    if (byte < 0x80) {
      units[count++] = byte;
      at++;
      continue;
    }
    const length = sequenceLength(bytes, at, end);
    if (length === 1) {
      units[count++] = 0xdc00 + byte;
    } else if (length === 2) {
      units[count++] = ((byte & 0x1f) << 6) | (bytes[at + 1]! & 0x3f);
    } else if (length === 3) {
      units[count++] =
        ((byte & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
    } else {
      const high = ((byte & 0x07) << 18) | ((bytes[at + 1]! & 0x3f) << 12);
      const point = (high | ((bytes[at + 2]! & 0x3f) << 6) | (bytes[at + 3]! & 0x3f)) - 0x10000;
      units[count++] = 0xd800 + (point >> 10);
      units[count++] = 0xdc00 + (point & 0x3ff);
    }
    at += length;
  }
  return text + fromUnits(count);
}

/** Arguments for short strings, by length: making a view for each would be most of the work. */
const short: number[][] = Array.from({ length: shortest + 1 }, (_, n) =>
  new Array<number>(n).fill(0),
);

function fromUnits(count: number): string {
  const few = short[count];
  if (few === undefined) {
    return String.fromCharCode.apply(null, units.subarray(0, count) as unknown as number[]);
  }
  for (let i = 0; i < count; i++) few[i] = units[i]!;
  return String.fromCharCode.apply(null, few);
}

/** Bytes of the well-formed sequence that starts with a byte ≥ 0x80; 1 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0xc2 || lead > 0xf4) return 1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return 1;
  const second = bytes[at + 1]!;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 1;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 1;
  return length;
}

/** Bytes that `encodeUtf8` makes.
 *  @throws {RangeError} a lone surrogate that stands for no byte */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else if (isPair(text, i)) {
      length += 4;
      i++;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) length += 1;
    else throw rangeError('text', 'well-formed Unicode', `a lone surrogate U+${unit.toString(16)}`);
  }
  return length;
}

/** The bytes of a text, escaped bytes as themselves.
 *  @throws {RangeError} a lone surrogate that stands for no byte */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (isPair(text, i)) {
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(++i) & 0x3ff);
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      bytes[at++] = unit & 0xff;
    } else {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return bytes;
}

function isPair(text: string, i: number): boolean {
  return (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
}
