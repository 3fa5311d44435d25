import type { ExplanationReport } from './explanation.ts';
import type { AttemptReport, JudgeReport } from './judge.ts';
import type { LayersReport } from './layers.ts';
import type { RecoveryStep } from './recovery.ts';

/** Reports are plain data: what was done, what it cost and why. Text and HTML are made from them. */

/** One weight that was compressed. */
export interface LayerReport {
  /** The constant's name. */
  weight: string;
  /** Operators that use it: `Conv "conv_3"`. */
  layers: string[];
  shape: readonly number[];
  from: string;
  /** `int8 per channel` */
  to: string;
  bytesBefore: number;
  bytesAfter: number;
  /** Signal-to-noise ratio of the weight, dB; null when it is exact. */
  sqnrDb: number | null;
  /** How its levels were chosen, where not each is the nearest one. */
  rounding?: LayerRounding;
}

/** What choosing a weight's levels on samples gained. */
export interface LayerRounding {
  /** `gptq` or `adaround` */
  method: string;
  /** Signal-to-noise ratios of the layer's output on the samples, with what it reads from layers before that are
   *  quantized already: as it would be with nearest levels, and as it is; null for no noise. */
  nearestDb: number | null;
  outputDb: number | null;
}

/** One constant that stayed as it was, and why. */
export interface KeptReport {
  weight: string;
  layers: string[];
  shape: readonly number[];
  dtype: string;
  bytes: number;
  /** Stable: `bias`, `small`, `not-a-weight`, `loses`, `not-finite`, `dtype`, `output`, `overridable`, `no-gain`, `opaque`,
   *  `kept-float`. */
  code: string;
  reason: string;
}

/** What a model computes with integers. */
export interface ActivationsReport {
  /** `int8` or `uint8`. */
  storage: string;
  /** Runtime whose operators on integers were counted on. */
  target: string;
  /** How many values have levels, and how many operators run on them. */
  values: number;
  operators: number;
  /** Products with weights that stay with real numbers, and why. */
  real: { layer: string; reason: string }[];
}

export interface CompressReport {
  kind: 'compress';
  version: 1;
  format: string;
  /** `int8 per channel`, `lossless` … */
  method: string;
  bytesBefore: number;
  /** Size of the written file; null until it has been written. */
  bytesAfter: number | null;
  parameters: number;
  layers: LayerReport[];
  kept: KeptReport[];
  /** Computed values that are integers; null where all stay real. */
  activations: ActivationsReport | null;
  /** What was done so that layers lose less. */
  recovery: RecoveryStep[];
  /** How far the outputs are from the original's, and what was put back for that; null where nothing was run. */
  judge: JudgeReport | null;
  /** Where the error of the outputs comes from; null where that was not asked for. */
  explanation: ExplanationReport | null;
  /** Ways that were tried, under `quantize: 'auto'`; empty otherwise. */
  attempts: AttemptReport[];
  /** Changes that lose nothing, one sentence each. */
  lossless: string[];
  warnings: string[];
  proof: CompareReport | null;
}

/** How one output differs between two models on the same inputs. */
export interface OutputReport {
  output: string;
  elements: number;
  /** Largest absolute difference, and the largest absolute value of the reference. */
  maxDifference: number;
  maxReference: number;
  /** Signal-to-noise ratio, dB; null when the outputs are identical. */
  sqnrDb: number | null;
  /** Cosine of the angle between the two, over all elements; null where one of them is all zero. */
  cosine: number | null;
  /** For integers: how many levels they are apart; null for real numbers. */
  levels: LevelReport | null;
  /** Share of rows (last axis) whose largest element is at the same place; null without such rows. */
  top1: number | null;
}

/** How many elements are how many levels (least steps of an integer type) apart. */
export interface LevelReport {
  same: number;
  one: number;
  two: number;
  more: number;
  /** Largest distance. */
  most: number;
}

/** How a weight of one model stands in another. */
export interface WeightReport {
  weight: string;
  shape: readonly number[];
  bytesBefore: number;
  /** Integers, scales and zero points. */
  bytesAfter: number;
  /** Element type of the stored numbers. */
  stored: string;
  /** Signal-to-noise ratio, dB; null when the weights are identical. */
  sqnrDb: number | null;
}

/** Two models side by side, weights and outputs. */
export interface ComparisonReport {
  kind: 'comparison';
  version: 1;
  bytesBefore: number;
  bytesAfter: number;
  /** Weights that are stored otherwise, in the order of the reference. */
  weights: WeightReport[];
  /** Constants that are the same in both. */
  kept: { constants: number; bytes: number };
  /** Weights of the reference that the other model does not have under the same name and shape. */
  missing: string[];
  /** null where nothing could run the models. */
  outputs: CompareReport | null;
  /** Value by value on the way to the outputs; null where that was not asked for. */
  layers: LayersReport | null;
  /** Where the difference comes from, for a quantized model whose layers were compared; null otherwise, and why where
   *  it could not be told. */
  explanation: ExplanationReport | null;
  unexplained: string | null;
}

export interface CompareReport {
  kind: 'compare';
  version: 1;
  /** What ran the models: `onnxruntime-node 1.30.0`. */
  runner: string;
  samples: number;
  /** `random, seed 0`, or the files. */
  inputs: string;
  /** Sizes that symbolic dimensions were given. */
  bindings: Record<string, number>;
  outputs: OutputReport[];
}
