import { decibels } from '../../../core/decibels.ts';
import type { Cause } from '../../../report/explanation.ts';
import type { Observation } from '../observe.ts';
import type { Shares, SourceKind } from '../shares.ts';
import type { Sides } from '../sides.ts';
import type { Place } from '../sources.ts';

/** All that causes are found in. */
export interface Evidence {
  readonly sides: Sides;
  readonly places: readonly Place[];
  readonly shares: Shares;
  readonly observed: ReadonlyMap<string, Observation>;
  /** Signal-to-noise ratio of the outputs, dB. */
  readonly sqnrDb: number;
  /** Layers whose biases were moved on purpose. */
  readonly movedBiases: ReadonlySet<string>;
}

/** A place is at fault if the outputs would be below this with its noise alone, dB. */
const faultDb = 20;
/** Less of the error is not worth a sentence. */
const leastShare = 0.05;

/** How much of the error a place's sources of some kinds make. */
export function shareOf({ shares }: Evidence, place: string, kinds: readonly SourceKind[]): number {
  let sum = 0;
  for (const source of shares.sources)
    if (source.place.name === place && kinds.includes(source.kind)) sum += source.share;
  return sum;
}

/** Whether a part of the error is worth naming, and how bad it is; null where it is not. */
export function severityOf({ sqnrDb }: Evidence, share: number): Cause['severity'] | null {
  if (!(share >= leastShare)) return null;
  return sqnrDb - decibels(share, 1) < faultDb ? 'fault' : 'hint';
}

/** `channel 17`; `channels 3, 9 and 4 more` */
export function channelsText(channels: readonly number[]): string {
  if (channels.length === 1) return `channel ${channels[0]}`;
  const more = channels.length - 3;
  const shown = channels.slice(0, 3).join(', ');
  return more > 0 ? `channels ${shown} and ${more} more` : `channels ${shown}`;
}

/** Of numbers; 0 of none. */
export function median(numbers: Iterable<number>): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.floor((sorted.length - 1) / 2)]!;
}

/** The ratio of two amplitudes, dB. */
export function amplitudeDb(a: number, b: number): number {
  return decibels(a * a, b * b);
}
