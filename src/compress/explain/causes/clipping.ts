import type { Cause } from '../../../report/explanation.ts';
import { formatNumber, formatShare } from '../../../report/units.ts';
import type { Grid } from '../../sensitivity/rounding.ts';
import type { Observation } from '../observe.ts';
import { hypotheses } from '../preprocessing.ts';
import type { Place } from '../sources.ts';
import { type Evidence, median, severityOf } from './evidence.ts';
import { spanOf } from './values.ts';

/** A value of which some numbers are beyond its levels. */
interface Clipped {
  place: Place;
  grid: Grid;
  seen: Observation;
  /** How much wider it is than its levels, ≥ 1. */
  excess: number;
}

/** Ranges that don't hold what the samples have: for one reason, most often. */
export function clippingCauses(evidence: Evidence): Cause[] {
  const { shares, observed, places } = evidence;
  const cut = shares.sources.filter(({ kind }) => kind === 'clipping');
  const share = cut.reduce((sum, source) => sum + source.share, 0);
  const all = places.flatMap((place): Clipped[] => {
    const seen = observed.get(place.name);
    const { grid } = place;
    if (grid === null || seen === undefined) return [];
    return [{ place, grid, seen, excess: excessOf(grid, seen) }];
  });
  const clipped = all.filter(({ excess }) => excess > 1.02);
  const middle = median(clipped.map(({ excess }) => excess));
  const input = inputCause(evidence, share);
  if (input !== null) return [input];
  // A method of calibration cuts all values alike: by one factor, or as many elements of each.
  const isAlike =
    clipped.length >= 0.8 * all.length &&
    (isNear(
      clipped.map(({ excess }) => excess),
      1.4,
    ) ||
      isNear(
        clipped.map(({ seen }) => seen.beyond),
        3,
      ));
  const severity = severityOf(evidence, share);
  const [first] = clipped;
  if (severity === null || first === undefined) return [];
  const worst = cut.reduce((a, b) => (b.share > a.share ? b : a));
  const { place, seen, grid } =
    clipped.find((other) => other.place.name === worst.place.name) ?? first;
  const { low, high } = spanOf(grid);
  const where = `"${place.name}" takes ${formatNumber(seen.min)} … ${formatNumber(seen.max)}, its levels end at ${formatNumber(low)} and ${formatNumber(high)}`;
  const many = `${clipped.length} of ${all.length} values are wider than their levels, by ${formatNumber(middle)} times in the middle`;
  const text = isAlike
    ? `values are cut off everywhere alike: ${many} (${where}): the method of calibration clips too hard; minmax would not`
    : `the ranges don't hold what these samples have: ${many} (${where}): the calibration samples were too few, or unlike these`;
  const code = isAlike ? 'clipping' : 'few-samples';
  return [{ code, severity, layer: place.name, share, gainDb: null, text }];
}

/** Whether most numbers are within a factor of their median. */
function isNear(numbers: readonly number[], factor: number): boolean {
  const middle = median(numbers);
  const near = numbers.filter((x) => x < factor * middle && x > middle / factor);
  return near.length >= 0.8 * numbers.length;
}

function excessOf(grid: Grid, { min, max }: Observation): number {
  const { low, high } = spanOf(grid);
  const up = max > 0 ? max / Math.max(high, grid.scale) : 1;
  const down = min < 0 ? min / Math.min(low, -grid.scale) : 1;
  return Math.max(up, down, 1);
}

/** The input's levels are those of images in another form. */
function inputCause(evidence: Evidence, share: number): Cause | null {
  const { reference } = evidence.sides;
  const inputs = new Set(reference.model.graph.inputs.map(({ name }) => name));
  for (const { name, grid } of evidence.places) {
    const seen = evidence.observed.get(name);
    if (!inputs.has(name) || grid === null || seen === undefined) continue;
    const { low, high } = spanOf(grid);
    const ratio = (high - low) / Math.max(seen.max - seen.min, 2 ** -100);
    const isOff = ratio > 8 || ratio < 1 / 1.6;
    if (!isOff) continue;
    const fault = formOf({ low, high }, seen);
    // Without a form that fits, narrow levels may be those of unlike images as well.
    if (fault === '' && ratio < 1) continue;
    const severity = severityOf(evidence, share) ?? (ratio > 8 ? 'fault' : null);
    if (severity === null) continue;
    return {
      code: 'preprocessing',
      severity,
      layer: name,
      share,
      gainDb: null,
      text: `levels of the input "${name}" span ${formatNumber(low)} … ${formatNumber(high)}, these samples take ${formatNumber(seen.min)} … ${formatNumber(seen.max)}, ${formatShare(1 / ratio)} of it: calibration samples were not prepared as these are${fault}`,
    };
  }
  return null;
}

/** What was forgotten, if the ranges tell. */
function formOf(levels: { low: number; high: number }, { min, max }: Observation): string {
  for (const { name, fault } of hypotheses) {
    if (/channels/.test(name)) continue;
    const ends = endsOf(name, levels);
    if (ends === null) continue;
    const width = Math.max(max - min, 2 ** -100);
    const isNear =
      Math.abs(ends.low - min) < 0.12 * width && Math.abs(ends.high - max) < 0.12 * width;
    if (isNear) return `: it seems that ${fault}`;
  }
  return '';
}

/** Where the ends would be in the right form: of the first channel. */
function endsOf(
  name: string,
  { low, high }: { low: number; high: number },
): { low: number; high: number } | null {
  const hypothesis = hypotheses.find((other) => other.name === name);
  if (hypothesis?.line === undefined) return null;
  const { factor, offset } = hypothesis.line;
  return { low: factor * low + offset, high: factor * high + offset };
}
