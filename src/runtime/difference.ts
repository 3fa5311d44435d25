import { decibels } from '../core/decibels.ts';
import { ShapeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { LevelReport, OutputReport } from '../report/report.ts';
import { isIntegerType, numbersOf } from './generic/elements.ts';

/** Adds up how one output differs over samples. */
export class Difference {
  readonly output: string;
  readonly #countsRows: boolean;
  #elements = 0;
  #signal = 0;
  #otherSignal = 0;
  #product = 0;
  #noise = 0;
  #maxDifference = 0;
  #maxReference = 0;
  #rows = 0;
  #sameRows = 0;
  #levels: LevelReport | null = null;

  /** @param countsRows  whether the places of rows' largest elements are compared, too */
  constructor(output: string, countsRows = true) {
    this.output = output;
    this.#countsRows = countsRows;
  }

  /** @param quantum  the least step of real numbers that stand for integers; integers have 1
   *  @throws {ShapeError} the two have different sizes */
  add(reference: Tensor, other: Tensor, quantum: number | null = null): void {
    const [a, b] = [elementsOf(reference), elementsOf(other)];
    if (a.length !== b.length) {
      throw new ShapeError(`[${other.dims}] where the reference has [${reference.dims}]`, {
        code: 'E_COMPARE_SHAPE',
        where: `output "${this.output}"`,
      });
    }
    this.#elements += a.length;
    for (let i = 0; i < a.length; i++) {
      const x = a[i]!;
      const y = b[i]!;
      // Infinities (masks) and NaN that both have are no difference.
      if (Object.is(x, y)) {
        if (!Number.isFinite(x)) continue;
        this.#signal += x * x;
        this.#otherSignal += x * x;
        this.#product += x * x;
      } else {
        this.#signal += x * x;
        this.#otherSignal += y * y;
        this.#product += x * y;
        this.#noise += (x - y) * (x - y);
        const difference = Math.abs(x - y);
        if (!(difference <= this.#maxDifference)) this.#maxDifference = difference;
      }
      if (Number.isFinite(x)) this.#maxReference = Math.max(this.#maxReference, Math.abs(x));
    }
    this.#addLevels(a, b, quantum ?? (isIntegerType(reference.type) ? 1 : null));
    if (this.#countsRows) this.#addRows(a, b, reference.dims.at(-1) ?? 1);
  }

  #addLevels(a: ArrayLike<number>, b: ArrayLike<number>, step: number | null): void {
    if (step === null) return;
    this.#levels ??= { same: 0, one: 0, two: 0, more: 0, most: 0 };
    const levels = this.#levels;
    for (let i = 0; i < a.length; i++) {
      const apart = Math.round(Math.abs(a[i]! - b[i]!) / step);
      if (apart === 0) levels.same++;
      else if (apart === 1) levels.one++;
      else if (apart === 2) levels.two++;
      else levels.more++;
      if (!(apart <= levels.most)) levels.most = apart;
    }
  }

  #addRows(a: ArrayLike<number>, b: ArrayLike<number>, classes: number): void {
    if (classes < 2) return;
    for (let row = 0; row + classes <= a.length; row += classes) {
      this.#rows++;
      if (largest(a, row, classes) === largest(b, row, classes)) this.#sameRows++;
    }
  }

  /** Sums of squares of the reference and of how far the other is from it. */
  powers(): { signal: number; noise: number } {
    return { signal: this.#signal, noise: this.#noise };
  }

  report(): OutputReport {
    const same = this.#noise === 0;
    const scale = Math.sqrt(this.#signal) * Math.sqrt(this.#otherSignal);
    return {
      output: this.output,
      elements: this.#elements,
      maxDifference: this.#maxDifference,
      maxReference: this.#maxReference,
      sqnrDb: same ? null : decibels(this.#signal, this.#noise),
      cosine: scale > 0 ? (same ? 1 : this.#product / scale) : null,
      levels: this.#levels,
      top1: this.#rows === 0 ? null : this.#sameRows / this.#rows,
    };
  }
}

function largest(values: ArrayLike<number>, start: number, count: number): number {
  let best = start;
  for (let i = start + 1; i < start + count; i++) if (values[i]! > values[best]!) best = i;
  return best - start;
}

function elementsOf(tensor: Tensor): ArrayLike<number> {
  const { data, type } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (!Array.isArray(data)) return numbersOf(tensor);
  throw new ShapeError(`outputs of type ${type} can't be compared`, { code: 'E_COMPARE_TYPE' });
}
