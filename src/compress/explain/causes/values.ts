import type { Cause } from '../../../report/explanation.ts';
import { formatDecibels, formatNumber, formatShare } from '../../../report/units.ts';
import type { Grid } from '../../sensitivity/rounding.ts';
import type { Observation } from '../observe.ts';
import type { Place } from '../sources.ts';
import {
  amplitudeDb,
  channelsText,
  type Evidence,
  median,
  severityOf,
  shareOf,
} from './evidence.ts';

/** The first and the last level. */
export function spanOf({ scale, min, max, zeroPoint }: Grid): { low: number; high: number } {
  return { low: (min - zeroPoint) * scale, high: (max - zeroPoint) * scale };
}

const takes = ({ min, max }: Observation): string => `${formatNumber(min)} … ${formatNumber(max)}`;
const spans = (grid: Grid): string => {
  const { low, high } = spanOf(grid);
  return `${formatNumber(low)} … ${formatNumber(high)}`;
};

/** Why rounding a value to its levels makes so much noise. */
export function roundingCauses(evidence: Evidence, place: Place): Cause[] {
  const { name, grid } = place;
  const seen = evidence.observed.get(name);
  if (grid === null || seen === undefined) return [];
  const share = shareOf(evidence, name, ['rounding']);
  const severity = severityOf(evidence, share);
  if (severity === null) return [];
  const found = unusedRange(place, grid, seen) ?? outlier(name, seen) ?? skewed(name, grid, seen);
  return found === null ? [] : [{ ...found, severity, layer: name, share }];
}

type Found = Pick<Cause, 'code' | 'gainDb' | 'text'>;

/** Levels beyond what the value takes: nobody needs them, or another value does. */
function unusedRange({ name, other }: Place, grid: Grid, seen: Observation): Found | null {
  const { low, high } = spanOf(grid);
  const own = Math.max(seen.max, 0) - Math.min(seen.min, 0);
  if (!(high - low > 2.5 * own) || own === 0) return null;
  const gainDb = amplitudeDb(high - low, own);
  const partner = sharesWith(other);
  const levels = `levels of "${name}" span ${spans(grid)}, it takes ${takes(seen)}`;
  if (partner !== null) {
    return {
      code: 'residual-mismatch',
      gainDb,
      text: `${levels}: it has to share them with "${partner}"; levels of its own would gain ${formatDecibels(gainDb)} there`,
    };
  }
  const gain = `the range that it takes would gain ${formatDecibels(gainDb)} there`;
  return { code: 'skewed-range', gainDb, text: `${levels}: most of the range is unused; ${gain}` };
}

/** Another value with the same levels, that is joined with it or that it is made of. */
function sharesWith(value: Place['other']): string | null {
  if (value === null || value.quantization === null) return null;
  const { scale, zeroPoint } = value.quantization;
  const isSame = (other: Place['other']): boolean =>
    other != null &&
    other !== value &&
    other.constant === null &&
    other.quantization?.scale[0] === scale[0] &&
    (other.quantization?.zeroPoint?.[0] ?? 0) === (zeroPoint?.[0] ?? 0);
  for (const { user } of value.uses) {
    if (!('op' in user)) continue;
    const near = [...user.outputs, ...user.inputs].find((other) => isSame(other));
    if (near != null) return near.name;
  }
  return value.producer?.inputs.find((other) => isSame(other))?.name ?? null;
}

/** A few channels span much more than the others. */
function outlier(name: string, { channels }: Observation): Found | null {
  const sizes = Array.from(channels.min, (low, at) => Math.max(-low, channels.max[at]!, 0));
  if (sizes.length < 4) return null;
  const middle = median(sizes.filter((size) => size > 0));
  const widest = sizes.reduce((a, b) => Math.max(a, b), 0);
  if (middle === 0 || widest < 6 * middle) return null;
  const far = [...sizes.keys()].filter((at) => sizes[at]! > 0.4 * widest);
  if (far.length > Math.max(1, sizes.length / 8)) return null;
  const rest = sizes.reduce((a, b, at) => (far.includes(at) ? a : Math.max(a, b)), 0);
  const gainDb = amplitudeDb(widest, rest);
  if (gainDb < 6) return null;
  return {
    code: 'outlier-channel',
    gainDb,
    text: `${channelsText(far)} of "${name}" ${far.length === 1 ? 'spans' : 'span'} ${formatNumber(widest / middle)} times the median channel: without that, levels of the others would be ${formatDecibels(gainDb)} finer; equalization moves this into the weights`,
  };
}

/** Nearly all of the numbers are near 0, and few levels are there. */
function skewed(name: string, grid: Grid, seen: Observation): Found | null {
  const rms = Math.sqrt(seen.power);
  const most = Math.max(-seen.min, seen.max);
  if (seen.smallShare < 0.99 || rms > 8 * grid.scale) return null;
  const gainDb = amplitudeDb(most, most / 16);
  return {
    code: 'skewed-range',
    gainDb,
    text: `${formatShare(seen.smallShare)} of "${name}" lie within a sixteenth of its range ${takes(seen)}, and its root mean square is ${formatNumber(rms / grid.scale)} levels: a range without the few largest would gain up to ${formatDecibels(gainDb)} there`,
  };
}

/** Operands of a sum of which one is rounded more coarsely than the other is large. */
export function residualCauses(evidence: Evidence): Cause[] {
  const byName = new Map(evidence.places.map((place) => [place.name, place]));
  return evidence.sides.reference.model.graph.nodes.flatMap((node): Cause[] => {
    if (node.op !== 'Add' && node.op !== 'Concat') return [];
    const operands = node.inputs.flatMap((value) => {
      const seen = value === null ? undefined : evidence.observed.get(value.name);
      return value === null || seen === undefined ? [] : [{ value, seen }];
    });
    if (operands.length < 2) return [];
    const bySize = [...operands].sort((a, b) => sizeOf(b.seen) - sizeOf(a.seen));
    const [wide, narrow] = [bySize[0]!, bySize.at(-1)!];
    const ratio = sizeOf(wide.seen) / Math.max(sizeOf(narrow.seen), 2 ** -100);
    if (ratio < 12 || narrow.seen.power === 0) return [];
    const output = node.outputs[0]!.name;
    const names = [wide.value.name, narrow.value.name, output];
    const share = names.reduce((sum, name) => sum + shareOf(evidence, name, ['rounding']), 0);
    const severity = severityOf(evidence, share);
    const step = byName.get(wide.value.name)?.grid?.scale ?? byName.get(output)?.grid?.scale;
    if (severity === null || step === undefined) return [];
    const rms = Math.sqrt(narrow.seen.power);
    const verb = node.op === 'Add' ? 'adds' : 'joins';
    return [
      {
        code: 'residual-mismatch',
        severity,
        layer: output,
        share,
        gainDb: null,
        text: `"${output}" ${verb} "${wide.value.name}", which takes ${takes(wide.seen)}, and "${narrow.value.name}", which takes ${takes(narrow.seen)}: one step of the levels is ${formatShare(step / rms)} of the narrower one's root mean square; real numbers here, or scales moved into the weights before, would help`,
      },
    ];
  });
}

const sizeOf = ({ min, max }: Observation): number => Math.max(-min, max, 0);
