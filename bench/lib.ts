// Contenders take turns, so that a busy machine is busy for all; best-of-N says what is possible, the median what
// was seen. Compare ratios of bests: absolute times of a shared machine mean little.

import type { Comparison } from './comparison.ts';
import type { NodeBinary } from './nodes.ts';
import type { PlainTable } from './quantize/table.ts';

export interface Contender {
  name: string;
  /** One measured piece of work. */
  run(): void;
  /** Bytes read plus bytes written. */
  bytes?: number;
  /** Multiply-adds. */
  macs?: number;
}

export interface Measurement {
  name: string;
  bestMs: number;
  medianMs: number;
  /** Best time of the first over best time of this: how much faster. */
  ratio?: number;
  gigabytesPerSecond?: number;
  gigamacsPerSecond?: number;
}

export interface BenchOptions {
  /** Fewer and shorter rounds, and the shapes that say most: for a look, not for a record. */
  quick: boolean;
  /** What everything runs on. */
  nodes: readonly NodeBinary[];
}

/** Contenders of one process. */
export interface Group {
  title: string;
  measurements: Measurement[];
}

export interface Outcome {
  /** Libraries against each other. */
  comparisons: Comparison[];
  /** Kernels against what memory allows. */
  groups: Group[];
  /** What is no time. */
  tables?: readonly PlainTable[];
}

export interface Bench {
  name: string;
  run(options: BenchOptions): Promise<Outcome>;
}

/** Measures contenders in turns; ratios are to the first. */
export function measure(
  title: string,
  contenders: readonly Contender[],
  { quick }: Pick<BenchOptions, 'quick'>,
): Group {
  const rounds = quick ? 3 : 25;
  // What takes longer goes once, so that it does not find its own data in the caches.
  const leastMs = quick ? 0.1 : 0.5;
  const repeats = contenders.map((contender) => calibrate(contender, leastMs));
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    contenders.forEach((contender, i) => {
      const count = repeats[i]!;
      const start = performance.now();
      for (let k = 0; k < count; k++) contender.run();
      times[i]!.push((performance.now() - start) / count);
    });
  }
  const bests = times.map((each) => Math.min(...each));
  const measurements = contenders.map(({ name, bytes, macs }, i) => ({
    name,
    bestMs: bests[i]!,
    medianMs: median(times[i]!),
    ratio: bests[0]! / bests[i]!,
    ...(bytes === undefined ? {} : { gigabytesPerSecond: bytes / bests[i]! / 1e6 }),
    ...(macs === undefined ? {} : { gigamacsPerSecond: macs / bests[i]! / 1e6 }),
  }));
  return { title, measurements };
}

/** Warms a contender up and says how often to repeat it in a round. */
function calibrate({ run }: Contender, leastMs: number): number {
  const start = performance.now();
  let count = 0;
  do {
    run();
    count++;
  } while (performance.now() - start < 2 * leastMs);
  return Math.max(1, Math.ceil(count / 2));
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Groups as a table for people. */
export function table(groups: readonly Group[]): string {
  const lines: string[] = [];
  for (const { title, measurements } of groups) {
    const width = Math.max(24, ...measurements.map(({ name }) => name.length));
    lines.push('', title, `  ${'best ms'.padStart(width + 10)}  median   ratio    GB/s  GMAC/s`);
    for (const item of measurements) {
      const cells = [
        `  ${item.name.padEnd(width)}`,
        item.bestMs.toFixed(3).padStart(9),
        item.medianMs.toFixed(3).padStart(7),
        number(item.ratio).padStart(7),
        number(item.gigabytesPerSecond).padStart(7),
        number(item.gigamacsPerSecond).padStart(7),
      ];
      lines.push(cells.join(' ').trimEnd());
    }
  }
  return lines.join('\n');
}

const number = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2));

/** A contender that moves as many bytes as others do, half of them read and half written: what memory allows.
 *  Both arrays exist and have been touched. */
export function memoryCopy(bytes: number): Contender {
  const source = new Uint8Array(Math.ceil(bytes / 2)).fill(1);
  const target = new Uint8Array(source.length).fill(2);
  return { name: 'memory copy of the same bytes', run: () => target.set(source), bytes };
}
