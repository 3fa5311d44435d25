export type { ConverterScheme } from './activations/converter.ts';
export type { GivenRange } from './activations/given.ts';
export type { TargetRuntime } from './activations/roles.ts';
export { rangesLike } from './activations/twin.ts';
export {
  type CalibrateOptions,
  type CalibrationMethod,
  calibrate,
} from './calibration/index.ts';
export { type CompressResult, compress } from './compress.ts';
export { type ExplainOptions, explain } from './explain/explain.ts';
export {
  type EvaluatedOutput,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
} from './judge/index.ts';
export type {
  CompressOptions,
  LayerOption,
  Progress,
  QuantizeOption,
  QuantizeSettings,
} from './options.ts';
export type { Plan, PlannedActivation, PlannedWeight } from './plan.ts';
export type { Rounding } from './rounding/round.ts';
export type { Granularity, Scheme, Storage } from './scheme.ts';
export { type Gain, type GainOptions, type Gains, measureGains } from './sensitivity/gain.ts';
export { type WeightOption, weightOptions } from './sensitivity/options.ts';
export {
  type Choice,
  measureSensitivity,
  type OptionNoise,
  type PlaceSensitivity,
  predict,
  type Sensitivity,
  type SensitivityOptions,
} from './sensitivity/sensitivity.ts';
