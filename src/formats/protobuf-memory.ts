import type { Budget } from '../core/limits.ts';
import type { Message } from './protobuf-schema.ts';
import { decodeUtf8 } from './utf8.ts';

/** What decoding makes, charged before it is made. */

/** Bytes that V8 takes, measured on Node 20 and rounded up for what waits to be collected. */
export const cost = {
  message: 64,
  field: 12,
  list: 56,
  item: 8,
  /** An item of a list that is longer than `shortList`: while it grows, there are two of it. */
  longItem: 40,
  shortList: 32,
  number: 8,
  boxed: 24,
  view: 128,
  string: 32,
  gathered: 600,
  /** An object from which a field was deleted becomes a hash table. */
  dictionary: 400,
} as const;

/** Spends from a budget; `where` is asked only when it is used up. */
export class Account {
  readonly #budget: Budget;
  readonly #where: () => string;

  constructor(budget: Budget, where: () => string) {
    this.#budget = budget;
    this.#where = where;
  }

  charge(amount: number): void {
    const budget = this.#budget;
    if (budget.used + amount > budget.allowed) budget.spend(amount, this.#where());
    budget.used += amount;
  }
}

const mostSlots = 4096;
const longestCached = 64;

/** Makes strings. Names come again and again (the producer's output is the consumer's input), so short ones
 *  are looked up by their bytes first; the table keeps its size and forgets. */
export class Strings {
  readonly #bytes: Uint8Array;
  readonly #account: Account;
  readonly #cache: (string | undefined)[];

  constructor(bytes: Uint8Array, account: Account) {
    this.#bytes = bytes;
    this.#account = account;
    let slots = 16;
    while (slots < mostSlots && slots * 32 < bytes.length) slots *= 2;
    this.#cache = new Array(slots);
  }

  read(start: number, end: number): string {
    if (start === end) return '';
    const bytes = this.#bytes;
    if (end - start > longestCached) return this.#make(start, end);
    let hash = end - start;
    let all = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      hash = Math.imul(hash ^ byte, 0x01000193);
      all |= byte;
    }
    if (all >= 0x80) return this.#make(start, end);
    const slot = (hash ^ (hash >>> 15)) & (this.#cache.length - 1);
    const cached = this.#cache[slot];
    if (cached !== undefined && isText(cached, bytes, start, end)) return cached;
    const text = this.#make(start, end);
    this.#cache[slot] = text;
    return text;
  }

  #make(start: number, end: number): string {
    // Beyond ASCII a unit may take two bytes; there are at most as many units as bytes.
    let size = end - start;
    for (let i = start; i < end; i++) {
      if (this.#bytes[i]! >= 0x80) {
        size *= 2;
        break;
      }
    }
    this.#account.charge(cost.string + size);
    return decodeUtf8(this.#bytes, start, end);
  }
}

function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

interface Gathered {
  field: string;
  bytes: Uint8Array;
  length: number;
}

/** Fields of bytes that come in several pieces. One piece is a view; more are copied together, each byte a
 *  bounded number of times even if their message is opened again and again. */
export class Pieces {
  readonly #bytes: Uint8Array;
  readonly #account: Account;
  readonly #gathered = new Map<Message, Gathered[]>();

  constructor(bytes: Uint8Array, account: Account) {
    this.#bytes = bytes;
    this.#account = account;
  }

  /** Appends start..end-1 of the input to a field.
   *  @param single  whether this may be all, so that a view is worth making */
  append(message: Message, field: string, start: number, end: number, single: boolean): void {
    const known = message[field] as Uint8Array | undefined;
    if (known === undefined && single) {
      this.#account.charge(cost.view + cost.field);
      message[field] = this.#bytes.subarray(start, end);
      return;
    }
    let list = this.#gathered.get(message);
    let gathered = list?.find((entry) => entry.field === field);
    if (gathered === undefined) {
      this.#account.charge(cost.gathered);
      gathered = { field, bytes: new Uint8Array(0), length: 0 };
      if (list === undefined) {
        list = [];
        this.#gathered.set(message, list);
      }
      list.push(gathered);
      message[field] = gathered.bytes;
      if (known !== undefined) {
        this.#reserve(gathered, known.length);
        gathered.bytes.set(known);
        gathered.length = known.length;
      }
    }
    this.#reserve(gathered, end - start);
    const { bytes } = gathered;
    for (let i = start; i < end; i++) bytes[gathered.length++] = this.#bytes[i]!;
  }

  /** Puts what was gathered in its place. */
  finish(): void {
    for (const [message, list] of this.#gathered) {
      for (const { field, bytes, length } of list) message[field] = bytes.subarray(0, length);
    }
  }

  #reserve(gathered: Gathered, more: number): void {
    const needed = gathered.length + more;
    if (needed <= gathered.bytes.length) return;
    const room = Math.max(32, needed, Math.ceil(gathered.bytes.length * 1.5));
    this.#account.charge(room);
    const grown = new Uint8Array(room);
    grown.set(gathered.bytes.subarray(0, gathered.length));
    gathered.bytes = grown;
  }
}
