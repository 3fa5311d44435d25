import { gram, viewAt, withFloats } from '../../kernels/linalg/matrix.ts';

/** What a linear layer reads: the vectors that its weights are multiplied with, over the samples. */
export interface Moments {
  /** Vectors that were counted. */
  readonly rows: number;
  /** Of a grouped convolution; 1 otherwise. */
  readonly groups: number;
  /** K, elements of a vector, in the order of the weight's own axes that are not outputs: [I/groups, kh, kw]. */
  readonly size: number;
  /** E[a], [groups × K]. */
  readonly mean: Float64Array;
  /** E[a aᵀ], [groups × K × K]; null if it was not asked for, or too large. */
  readonly gram: Float64Array | null;
}

/** Vectors that wait to be summed. Sums are made of so many at a time, counted from the first: how samples are cut
 *  into batches changes nothing. */
const held = 128;

/** Adds up vectors and their products, in float64 and in a fixed order. */
export class MomentSum {
  readonly groups: number;
  readonly size: number;
  /** Elements from a group's waiting vectors to the next group's. */
  readonly stride: number;
  readonly #waiting: Float64Array<ArrayBuffer>;
  readonly #sum: Float64Array;
  readonly #products: Float64Array | null;
  #rows = 0;
  #count = 0;

  constructor(groups: number, size: number, withGram: boolean) {
    this.groups = groups;
    this.size = size;
    this.stride = held * size;
    this.#waiting = new Float64Array(groups * this.stride);
    this.#sum = new Float64Array(groups * size);
    this.#products = withGram ? new Float64Array(groups * size * size) : null;
  }

  /** Adds the vectors of all groups that `put` writes, the first group's at `at`. */
  add(put: (to: Float64Array, at: number, stride: number) => void): void {
    put(this.#waiting, this.#count * this.size, this.stride);
    this.#count++;
    if (this.#count === held) this.#flush();
  }

  /** Means over all vectors that were added. */
  moments(): Moments {
    this.#flush();
    const rows = this.#rows;
    const divide = (sums: Float64Array): Float64Array => sums.map((sum) => sum / rows);
    return {
      rows,
      groups: this.groups,
      size: this.size,
      mean: divide(this.#sum),
      gram: this.#products === null ? null : divide(this.#products),
    };
  }

  #flush(): void {
    const count = this.#count;
    const { size, groups, stride } = this;
    for (let group = 0; group < groups; group++) {
      const sum = this.#sum.subarray(group * size, (group + 1) * size);
      for (let row = 0; row < count; row++) {
        const from = group * stride + row * size;
        for (let k = 0; k < size; k++) sum[k]! += this.#waiting[from + k]!;
      }
    }
    if (this.#products !== null && count > 0) this.#addProducts(this.#products, count);
    this.#rows += count;
    this.#count = 0;
  }

  #addProducts(products: Float64Array, count: number): void {
    const { size, groups, stride } = this;
    const square = size * size;
    withFloats([count * size, square], (rows, result) => {
      for (let group = 0; group < groups; group++) {
        const from = group * stride;
        viewAt(rows, count * size).set(this.#waiting.subarray(from, from + count * size));
        gram(rows, result, size, count, true);
        const made = viewAt(result, square);
        const sums = products.subarray(group * square, (group + 1) * square);
        for (let i = 0; i < square; i++) sums[i]! += made[i]!;
      }
    });
  }
}
