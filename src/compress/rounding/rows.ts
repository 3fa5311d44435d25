/** One row of a weight matrix that is to be rounded: the weights of one output. */
export interface Row {
  /** What levels times scales should come to, [K]. */
  readonly target: Float64Array;
  /** Which scale an element has, [K]. */
  readonly parts: Int32Array;
  /** float32 numbers > 0, one for each part; better ones take their place where they may be changed. */
  readonly scale: Float64Array;
  /** Least and largest level of each part, relative to its zero point. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** What rounding a row gave. */
export interface RoundedRow {
  /** Relative to the zero points, [K]. */
  levels: Float64Array;
  scale: Float64Array;
  /** (ŵ − t)ᵀ A (ŵ − t) */
  error: number;
}

/** The nearest level to `x` steps, ties away from zero, of those that a part has. */
export function levelOf({ low, high }: Row, part: number, x: number): number {
  const level = x < 0 ? -Math.floor(0.5 - x) : Math.floor(0.5 + x);
  return Math.max(low[part]!, Math.min(high[part]!, level));
}

/** Every element to its nearest level. */
export function nearestLevels(row: Row, scale: Float64Array): Float64Array {
  const { target, parts } = row;
  return target.map((t, k) => levelOf(row, parts[k]!, t / scale[parts[k]!]!));
}

/** Levels times scales, less the target. */
export function deviation(
  { target, parts }: Row,
  levels: Float64Array,
  scale: Float64Array,
): Float64Array {
  return levels.map((level, k) => level * scale[parts[k]!]! - target[k]!);
}
