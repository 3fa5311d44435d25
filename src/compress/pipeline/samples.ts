import { rangeError } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { bytesOf, Tensor, typedArrayOf } from '../../core/tensor.ts';
import type { Model } from '../../ir/model.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { realFeeds } from './real-feeds.ts';

/** Of so many samples the last is held back for judging … */
const heldEvery = 4;
/** … as long as there are no more than these, nor of more bytes. */
const mostHeld = 32;
const mostHeldBytes = 2 ** 26;
/** Of fewer samples, so many of the first judge: statistics are made of them, too. */
const mostShared = 4;

/** Samples to judge on, and whether statistics were made without them. */
export interface Judging {
  feeds: readonly Feeds[];
  isHeldBack: boolean;
  /** What they are, for reports. */
  inputs: string;
}

/** Calibration samples, which may be gone through several times, with some held back for judging. Their order alone
 *  says which, not how they are cut into batches. Memory: the samples for judging; all of them where an iterator was
 *  given that can't be started again. */
export class Samples {
  readonly #model: Model;
  readonly #given: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** Inputs that got integers for real numbers, and which. */
  readonly #converted: Map<string, string> = new Map();
  readonly #isCut: boolean;
  readonly #isHeldBack: boolean;
  readonly #kept: Feeds[] | null;
  readonly #held: Feeds[] = [];
  readonly #first: Feeds[] = [];
  #mostHeld = mostHeld;
  #isRead = false;
  #count = 0;

  /** @param isHeldBack  whether some are to be kept from the statistics, for judging */
  constructor(
    model: Model,
    given: Iterable<Feeds> | AsyncIterable<Feeds>,
    isHeldBack: boolean = true,
  ) {
    this.#model = model;
    this.#given = given;
    this.#isHeldBack = isHeldBack;
    this.#isCut = hasBatches(model);
    this.#kept = isOnce(given) ? [] : null;
  }

  /** What statistics are made of: all samples but those held back. */
  async *statistics(): AsyncGenerator<Feeds> {
    let at = 0;
    const isFirst = !this.#isRead;
    if (isFirst) this.#forget();
    for await (const given of (this.#isRead ? this.#kept : null) ?? this.#given) {
      const feeds = realFeeds(this.#model, given, this.#converted);
      if (isFirst) this.#kept?.push(feeds);
      const rows = this.#isCut ? rowsOf(feeds) : 1;
      if (at === 0) this.#mostHeld = mostHeldOf(feeds, rows);
      const rest: number[] = [];
      for (let row = 0; row < rows; row++, at++) {
        const isLast = at % heldEvery === heldEvery - 1 && at < this.#mostHeld * heldEvery;
        const isHeld = isLast && this.#isHeldBack;
        if (!isHeld) rest.push(row);
        if (isFirst && isHeld) this.#held.push(partOf(feeds, [row], rows));
        if (isFirst && at < mostShared) this.#first.push(partOf(feeds, [row], rows));
      }
      if (rest.length > 0) yield partOf(feeds, rest, rows);
    }
    this.#count = at;
    this.#isRead = true;
  }

  /** What the caller should know about the samples, one sentence each. */
  notes(): string[] {
    return [...this.#converted].map(
      ([input, type]) =>
        `samples of "${input}" were ${type}: taken as they are for float32, without any normalization`,
    );
  }

  /** The first of them, one each where batches can be cut; the same however they were given. */
  async few(count: number): Promise<Feeds[]> {
    const found: Feeds[] = [];
    // To the end: samples that are held back are known after a whole pass.
    for await (const feeds of this.statistics()) {
      const rows = this.#isCut ? rowsOf(feeds) : 1;
      for (let row = 0; row < rows && found.length < count; row++)
        found.push(partOf(feeds, [row], rows));
    }
    return found;
  }

  /** @throws {RangeError} there is no sample */
  async judging(): Promise<Judging> {
    if (!this.#isRead) for await (const _ of this.statistics());
    if (this.#count === 0) throw rangeError('calibration', 'at least one sample', 0);
    const isHeldBack = this.#held.length > 0;
    return { feeds: isHeldBack ? this.#held : this.#first, isHeldBack, inputs: 'calibration' };
  }

  /** A pass that was broken off starts anew. */
  #forget(): void {
    if (this.#kept !== null) this.#kept.length = 0;
    this.#held.length = 0;
    this.#first.length = 0;
  }
}

/** Whether the first axis of all inputs is the one batch, of any size. */
function hasBatches({ graph, states }: Model): boolean {
  const first = graph.inputs
    .filter(({ constant }) => constant === null)
    .map(({ type }) => (type?.kind === 'tensor' ? type.shape?.[0] : undefined));
  if (states.length > 0 || first.some((size) => typeof size !== 'string' && size !== null))
    return false;
  return first.length === 1 || (first[0] !== null && new Set(first).size === 1);
}

/** Whether something gives its elements only once. */
function isOnce(given: Iterable<Feeds> | AsyncIterable<Feeds>): boolean {
  if (Symbol.asyncIterator in given) return (given[Symbol.asyncIterator]() as unknown) === given;
  return (given[Symbol.iterator]() as unknown) === given;
}

function rowsOf(feeds: Feeds): number {
  const sizes = new Set(Object.values(feeds).map(({ dims }) => dims[0] ?? 1));
  const [rows = 1] = sizes;
  return sizes.size === 1 && rows > 0 ? rows : 1;
}

function mostHeldOf(feeds: Feeds, rows: number): number {
  let bytes = 0;
  for (const { data } of Object.values(feeds))
    bytes += Array.isArray(data) ? 16 * data.length : data.byteLength;
  return Math.max(1, Math.min(mostHeld, Math.floor((mostHeldBytes * rows) / Math.max(bytes, 1))));
}

/** Rows of a batch. */
export function partOf(feeds: Feeds, rows: readonly number[], of: number): Feeds {
  if (rows.length === of) return feeds;
  const parts: Feeds = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds)) {
    const sizes = [rows.length, ...dims.slice(1)];
    if (Array.isArray(data)) {
      const size = volume(dims.slice(1));
      const items = rows.flatMap((row) => data.slice(row * size, (row + 1) * size));
      parts[name] = new Tensor(type, items, sizes);
      continue;
    }
    const bytes = bytesOf(data);
    const size = bytes.length / of;
    const part = new Uint8Array(rows.length * size);
    rows.forEach((row, i) => {
      part.set(bytes.subarray(row * size, (row + 1) * size), i * size);
    });
    parts[name] = new Tensor(type, typedArrayOf(type, part), sizes);
  }
  return parts;
}
