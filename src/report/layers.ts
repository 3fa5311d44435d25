import type { LevelReport } from './report.ts';

/** How one value that is computed on the way differs between two models on the same inputs: plain data. */
export interface LayerDifference {
  /** The value's name in the reference, and in the other model. */
  layer: string;
  other: string;
  /** The operators that make it. */
  operator: string;
  otherOperator: string;
  /** How the two were found to be the same: by their names, or by the order of operators. */
  matched: 'name' | 'order';
  /** Sizes in the reference, and whether the other model has the axes in another order. */
  dims: readonly number[];
  permuted: boolean;
  /** Largest absolute difference, and the largest absolute value of the reference. */
  maxDifference: number;
  maxReference: number;
  /** Signal-to-noise ratio, dB; null when they are identical. */
  sqnrDb: number | null;
  cosine: number | null;
  /** Where integers are stored: how many levels they are apart; null for real numbers. */
  levels: LevelReport | null;
  /** Whether it differs by more than 1e-4 of the largest value, or by more than one level. */
  differs: boolean;
  /** Whether it differs while what it is made of does not: the difference arises here. */
  arises: boolean;
  /** What the two do differently here; null where nothing is known. */
  why: string | null;
}

/** Values on the way of two models side by side, in the order of the reference. */
export interface LayersReport {
  layers: LayerDifference[];
  /** Names of values of the reference that the other model does not have: fused, or computed otherwise. */
  unmatched: string[];
  /** The first layer that differs; null where none does. */
  firstDifferent: string | null;
}
