export type { AdaptedNode, ConversionReport } from './conversion.ts';
export { conversionText } from './conversion-text.ts';
export type { InspectReport, LayerCost } from './inspect.ts';
export { inspectText } from './inspect-text.ts';
export type { GraphCount, OptimizedReport, Rewrite } from './optimized.ts';
export { optimizedText } from './optimized-text.ts';
export type {
  CompareReport,
  ComparisonReport,
  CompressReport,
  KeptReport,
  LayerReport,
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
