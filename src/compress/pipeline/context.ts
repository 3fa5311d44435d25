import type { Model } from '../../ir/model.ts';
import type { RecoveryStep } from '../../report/recovery.ts';
import { type CalibrateOptions, calibrate, type Range } from '../calibration/index.ts';
import type { Progress, QuantizeSettings, ResolvedQuantize } from '../options.ts';
import { Samples } from './samples.ts';

/** What the steps of quantization share. Steps before `choose` change the float model through Edits; steps after it work
 *  on copies, so that the model can be quantized again with other decisions at no new cost of calibration. */
export interface Context {
  /** The float model: lossless, prepared, recovered. Never quantized itself. */
  readonly model: Model;
  /** As the caller gave them, and as they hold for layers without settings of their own. */
  readonly given: QuantizeSettings;
  readonly settings: ResolvedQuantize;
  /** null without calibration. */
  readonly samples: Samples | null;
  readonly seed: number;
  /** Whether a plan says what is done: the model is rewritten as it was when that was made. */
  readonly isPlanned: boolean;
  readonly statistics: Statistics;
  /** What was done to lose less. */
  readonly recovery: RecoveryStep[];
  /** What candidates' biases get to make up for what rounding shifts; filled by a step. */
  readonly corrections: Map<string, Float64Array>;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

export interface ContextOptions {
  given: QuantizeSettings;
  settings: ResolvedQuantize;
  calibration?: Parameters<typeof calibrate>[1] | undefined;
  /** In place of the calibration's own. */
  samples?: Samples | null | undefined;
  isPlanned?: boolean | undefined;
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** @param model  lossless already; it is changed by steps */
export function contextOf(model: Model, options: ContextOptions): Context {
  const { given, settings, calibration, seed = 0, isPlanned = false, signal, onProgress } = options;
  // A scheme's ranges are those of all samples.
  const isHeldBack = settings.scheme === null;
  const own = calibration === undefined ? null : new Samples(model, calibration, isHeldBack);
  const samples = options.samples ?? own;
  return {
    model,
    given,
    settings,
    samples,
    seed,
    isPlanned,
    statistics: new Statistics(model, samples, { signal, onProgress }),
    recovery: [],
    corrections: new Map(),
    signal,
    onProgress,
  };
}

/** The same with another float model, which nothing is known about. */
export function withModel(context: Context, model: Model): Context {
  const { samples, signal, onProgress } = context;
  const statistics = new Statistics(model, samples, { signal, onProgress });
  return { ...context, model, statistics };
}

/** What was found out on the samples, kept: what is asked for again costs nothing. */
export class Statistics {
  readonly #model: Model;
  readonly #samples: Samples | null;
  readonly #watch: Pick<ContextOptions, 'signal' | 'onProgress'>;
  readonly #ranges: Map<string, Map<string, Range>> = new Map();

  constructor(
    model: Model,
    samples: Samples | null,
    watch: Pick<ContextOptions, 'signal' | 'onProgress'>,
  ) {
    this.#model = model;
    this.#samples = samples;
    this.#watch = watch;
  }

  /** Ranges of values; those without one stay out.
   *  Cost: a pass over the samples for the values that were not asked for before. */
  async ranges(
    values: readonly string[],
    options: Pick<CalibrateOptions, 'method' | 'target'>,
  ): Promise<ReadonlyMap<string, Range>> {
    const key = JSON.stringify(options);
    const known = this.#ranges.get(key) ?? new Map<string, Range>();
    this.#ranges.set(key, known);
    const missing = values.filter((value) => !known.has(value));
    if (missing.length > 0 && this.#samples !== null) {
      const { signal, onProgress } = this.#watch;
      const found = await calibrate(this.#model, this.#samples.statistics(), missing, {
        ...options,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      for (const [value, range] of found) known.set(value, range);
    }
    return known;
  }

  /** Forgets everything: the float model was changed. */
  forget(): void {
    this.#ranges.clear();
  }
}
