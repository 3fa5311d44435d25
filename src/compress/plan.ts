import type { LevelStorage, Scheme } from './scheme.ts';

/** What is done to a model: plain JSON, made before anything is changed. */
export interface Plan {
  version: 1;
  /** One entry a weight that is stored otherwise, in the order of the model. */
  weights: PlannedWeight[];
  /** Values of the main graph that are computed as integers, in groups that share their levels. */
  activations: PlannedActivation[];
}

export interface PlannedWeight {
  /** The constant's name, and which of the model's graphs it is in (0: the main one; inner ones in order). */
  weight: string;
  graph: number;
  storage: Scheme | { storage: 'float16' };
}

/** real = (level − zeroPoint) · scale */
export interface PlannedActivation {
  value: string;
  storage: LevelStorage;
  scale: number;
  zeroPoint: number;
  /** What the levels span: the values' range over the samples, with 0 in it. */
  min: number;
  max: number;
}
