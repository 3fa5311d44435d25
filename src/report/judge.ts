/** What was left in real numbers so that the outputs stay near the original's: plain data. */
export interface JudgeReport {
  /** How many samples the models were run on, and whether these were kept out of the calibration. */
  samples: number;
  heldBack: boolean;
  /** Of what nothing was given to run on: `random, seed 0`; else `calibration`. */
  inputs: string;
  /** Wished for, dB; null where nothing was. */
  minOutputDb: number | null;
  /** Least signal-to-noise ratio of the outputs, dB, with everything quantized that can be, and with what was chosen; null
   *  where nothing differs. */
  sqnrDb: { before: number | null; after: number | null };
  outputs: JudgedOutput[];
  /** What was put back into real numbers, in the order of what it gains. */
  restored: RestoredReport[];
  /** How many candidates were run. */
  evaluations: number;
}

export interface JudgedOutput {
  output: string;
  sqnrDb: number | null;
  top1: number | null;
}

export interface RestoredReport {
  /** A computed value that stays real, weights that are half floats, or a product that alone is real. */
  kind: 'value' | 'weights' | 'layer';
  /** Name of the value; description of the layer. */
  name: string;
  /** What the outputs' ratio would be with just this quantized, dB; null where it was not measured. */
  aloneDb: number | null;
  reason: string;
}

/** One way in which the whole model was quantized, where several were tried. */
export interface AttemptReport {
  /** `static`, `dynamic` or `weight-only`. */
  mode: string;
  /** Least ratio of the outputs, with what was put back, dB; null where nothing differs or nothing was run. */
  sqnrDb: number | null;
  constantBytes: number;
  /** Operators that run on integers. */
  operators: number;
  restored: number;
  isChosen: boolean;
}
