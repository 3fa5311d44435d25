export type { InspectReport, LayerCost } from './inspect.ts';
export { inspectText } from './inspect-text.ts';
export type {
  CompareReport,
  CompressReport,
  KeptReport,
  LayerReport,
  OutputReport,
} from './report.ts';
export { type Column, formatTable } from './table.ts';
export { compareText, compressText } from './text.ts';
export { formatBytes, formatCount, formatDecibels, formatNumber, formatShare } from './units.ts';
