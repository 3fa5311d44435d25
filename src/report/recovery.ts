/** One thing that was done so that layers lose less when they are quantized: plain data. */
export interface RecoveryStep {
  /** `equalize`, `smooth`, `dead-channels`, `bias-correction` … */
  kind: string;
  /** Layers that it changed, by their first outputs. */
  layers: string[];
  /** What it gained, dB of the outputs' signal-to-noise ratio; null where that was not measured. */
  gainDb: number | null;
  /** One sentence for the reader of the report. */
  note: string;
}
