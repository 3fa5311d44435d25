import { decibels } from '../core/decibels.ts';
import { ShapeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { OutputReport } from '../report/report.ts';

/** Adds up how one output differs over samples. */
export class Difference {
  readonly output: string;
  #elements = 0;
  #signal = 0;
  #noise = 0;
  #maxDifference = 0;
  #maxReference = 0;
  #rows = 0;
  #sameRows = 0;

  constructor(output: string) {
    this.output = output;
  }

  /** @throws {ShapeError} the two have different sizes */
  add(reference: Tensor, other: Tensor): void {
    const [a, b] = [numbersOf(reference), numbersOf(other)];
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
        if (Number.isFinite(x)) this.#signal += x * x;
      } else {
        this.#signal += x * x;
        this.#noise += (x - y) * (x - y);
        const difference = Math.abs(x - y);
        if (!(difference <= this.#maxDifference)) this.#maxDifference = difference;
      }
      if (Number.isFinite(x)) this.#maxReference = Math.max(this.#maxReference, Math.abs(x));
    }
    const classes = reference.dims.at(-1) ?? 1;
    if (classes < 2) return;
    for (let row = 0; row + classes <= a.length; row += classes) {
      this.#rows++;
      if (largest(a, row, classes) === largest(b, row, classes)) this.#sameRows++;
    }
  }

  report(): OutputReport {
    const same = this.#noise === 0;
    return {
      output: this.output,
      elements: this.#elements,
      maxDifference: this.#maxDifference,
      maxReference: this.#maxReference,
      sqnrDb: same ? null : decibels(this.#signal, this.#noise),
      top1: this.#rows === 0 ? null : this.#sameRows / this.#rows,
    };
  }
}

function largest(values: ArrayLike<number>, start: number, count: number): number {
  let best = start;
  for (let i = start + 1; i < start + count; i++) if (values[i]! > values[best]!) best = i;
  return best - start;
}

function numbersOf({ data, type }: Tensor): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Float64Array.from(data, Number);
  if (!Array.isArray(data)) return data;
  throw new ShapeError(`outputs of type ${type} can't be compared`, { code: 'E_COMPARE_TYPE' });
}
