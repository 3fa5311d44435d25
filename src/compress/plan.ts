import type { LayerOption, QuantizeSettings } from './options.ts';
import type { LevelStorage, Scheme } from './scheme.ts';

/** What is done to a model: plain JSON. `compress` with it does the same again. */
export interface Plan {
  version: 1;
  /** Settings that hold for layers which are not listed; null where nothing is quantized. */
  quantize: QuantizeSettings | null;
  seed: number;
  names: 'keep' | 'short';
  /** What is otherwise with layers, by their first outputs, and why. */
  layers: Record<string, { option: LayerOption; why: string }>;
  /** Computed values that stay real, by name, and why. */
  real: Record<string, string>;
  /** Whether weights or biases come of the calibration, too: it takes the same samples to do the same again. */
  needsCalibration: boolean;
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
