export type {
  AdaptedNode,
  ConversionReport,
  QuantizationNote,
  TransposeCount,
} from './conversion.ts';
export { conversionText, layersText } from './conversion-text.ts';
export type {
  Cause,
  CauseCode,
  ExplainedLayer,
  ExplanationReport,
  NoiseShares,
} from './explanation.ts';
export { explanationText } from './explanation-text.ts';
export type { InspectReport, LayerCost } from './inspect.ts';
export { inspectText } from './inspect-text.ts';
export type { AttemptReport, JudgedOutput, JudgeReport, RestoredReport } from './judge.ts';
export type { LayerDifference, LayersReport } from './layers.ts';
export type { GraphCount, OptimizedReport, Rewrite } from './optimized.ts';
export { optimizedText } from './optimized-text.ts';
export type { RecoveryStep } from './recovery.ts';
export type {
  ActivationsReport,
  CompareReport,
  ComparisonReport,
  CompressReport,
  KeptReport,
  LayerReport,
  LevelReport,
  OutputReport,
  WeightReport,
} from './report.ts';
export type {
  BenchReport,
  MemoryReport,
  ModelTimes,
  NodeReport,
  RunOutput,
  RunReport,
} from './run.ts';
export { benchText, runText } from './run-text.ts';
export { type Column, formatTable } from './table.ts';
export { compareText, comparisonText, compressText } from './text.ts';
export {
  formatBytes,
  formatCount,
  formatDecibels,
  formatMs,
  formatNumber,
  formatShare,
} from './units.ts';
