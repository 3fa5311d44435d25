import type { RecoveryStep } from './recovery.ts';

/** Why a quantized model's outputs differ from those of the model that it was made of: plain data. */

/** What is at fault. */
export type CauseCode =
  /** One channel of a value spans much more than the others, which have few levels left. */
  | 'outlier-channel'
  /** Weights of very different channels share one scale. */
  | 'per-tensor-weights'
  /** Channels of which the weights are all but zero. */
  | 'dead-channel'
  /** A bias that int32 can't hold in the steps that it has. */
  | 'bias-clamp'
  /** Levels span much more than the value takes. */
  | 'skewed-range'
  /** Values are cut off: ranges that are too narrow, everywhere alike. */
  | 'clipping'
  /** Values are cut off here and there: the samples that ranges come of were not like those that are run. */
  | 'few-samples'
  /** What is added or joined has very different ranges, or has to share them. */
  | 'residual-mismatch'
  /** Inputs that are not as the model was trained: scale, mean, layout, order of channels. */
  | 'preprocessing'
  /** A BatchNormalization that is not part of the product before it. */
  | 'unfolded-batchnorm'
  /** Integers that stand for other numbers: a wrong scale or zero point. */
  | 'wrong-levels'
  /** Signed integers taken for unsigned ones, or the reverse. */
  | 'sign-mix-up'
  /** None of these: as many bits as there are. */
  | 'few-bits';

export interface Cause {
  code: CauseCode;
  /** Whether accuracy is lost, or there is only something to gain. */
  severity: 'fault' | 'hint';
  /** Name of the layer or value; null for the whole model. */
  layer: string | null;
  /** Part of the outputs' error that arises there; null where it is not known. */
  share: number | null;
  /** What mending it would gain there, dB; null where it is not known. */
  gainDb: number | null;
  /** One sentence with the evidence. */
  text: string;
}

/** Parts of the outputs' error power, by what made them. A part may be negative: it cancels some of the others. */
export interface NoiseShares {
  weights: number;
  /** Computed values that are rounded to levels. */
  rounding: number;
  /** Computed values beyond the first or the last level. */
  clipping: number;
  bias: number;
}

export interface ExplainedLayer {
  /** Name of what it makes, in the reference. */
  layer: string;
  operator: string;
  shares: NoiseShares;
  /** Sum of them. */
  share: number;
  /** Signal-to-noise ratio of what it makes, with all noise up to there, dB; null where there is none. */
  sqnrDb: number | null;
}

export interface ExplanationReport {
  kind: 'explanation';
  version: 1;
  samples: number;
  /** Measured, with the kernels that run the quantized model; dB, null where it is exact. In front of a last Softmax. */
  outputs: { output: string; sqnrDb: number | null }[];
  /** The least of them. */
  sqnrDb: number | null;
  shares: NoiseShares;
  /** Sum of all shares: how much of the measured error the sources account for; 1 is all of it. */
  explained: number;
  /** In the order in which the model computes. */
  layers: ExplainedLayer[];
  /** Worst first. */
  causes: Cause[];
  /** What was done against it, and what it gained. */
  tried: RecoveryStep[];
  /** What the figures don't cover, one sentence each. */
  notes: string[];
}
