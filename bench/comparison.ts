// What a comparison of libraries says: how much faster modelpress did a piece of work than each of them.

/** Peers: ourselves, what we must not be slower than (float32 for quantized work, the whole SVD for a truncated one),
 *  and other libraries. */
export type PeerName =
  | 'modelpress'
  | 'own baseline'
  | 'onnxruntime-web'
  | 'tfjs-wasm'
  | 'litert'
  | 'tfjs-tflite'
  | 'ml-matrix'
  | 'numpy'
  | 'numpy, 128-bit';

export interface Time {
  bestMs: number;
  medianMs: number;
  rounds: number;
}

/** How much faster than a peer is the goal; where integer dot products of relaxed SIMD are exact it may be another. */
export type Goal = number | { readonly baseline: number; readonly relaxed: number };

export interface Asked {
  /** Least ratio to a peer. */
  readonly than?: Readonly<Partial<Record<PeerName, Goal>>>;
  /** Most time, ms. */
  readonly ms?: number;
}

export interface Comparison {
  work: string;
  /** Version of the Node. */
  node: string;
  times: Partial<Record<PeerName, Time>>;
  /** Why a peer has no time, other than that it cannot do the work at all. */
  missing: Partial<Record<PeerName, string>>;
  /** Multiply-adds. */
  macs?: number;
  asked?: Asked;
}

/** How much faster ours was: best time of a peer over our best. */
export function ratioTo(peer: PeerName, { times }: Comparison): number | undefined {
  const [ours, theirs] = [times.modelpress, times[peer]];
  return ours === undefined || theirs === undefined ? undefined : theirs.bestMs / ours.bestMs;
}

const order: readonly PeerName[] = [
  'own baseline',
  'litert',
  'tfjs-tflite',
  'onnxruntime-web',
  'tfjs-wasm',
  'ml-matrix',
  'numpy',
  'numpy, 128-bit',
];

/** Peers other than ours that have a time or a reason for none. */
export function peersOf(comparisons: readonly Comparison[]): PeerName[] {
  const names = new Set<PeerName>();
  for (const { times, missing } of comparisons)
    for (const name of [...Object.keys(times), ...Object.keys(missing)])
      names.add(name as PeerName);
  return order.filter((name) => names.has(name));
}

/** A table for people, one row for each work and Node, then what fell short and who was absent. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const peers = peersOf(comparisons);
  const head = ['work', 'Node', 'best ms', 'median', 'GMAC/s', ...peers.map((peer) => `× ${peer}`)];
  const rows = comparisons.map((comparison) => {
    const { work, node, times, macs } = comparison;
    const ours = times.modelpress;
    const rate = ours === undefined || macs === undefined ? undefined : macs / ours.bestMs / 1e6;
    const ratios = peers.map((peer) => number(ratioTo(peer, comparison)));
    return [
      work,
      node.split('.')[0]!,
      ours === undefined ? 'FAILED' : ours.bestMs.toFixed(3),
      ours === undefined ? '' : ours.medianMs.toFixed(3),
      number(rate),
      ...ratios,
    ];
  });
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  '),
  );
  return ['', ...lines, ...shortfalls(comparisons), ...absences(comparisons)].join('\n');
}

/** Engines whose relaxed dot product of u8 and s8 is exact over the whole range. */
const isRelaxed = (node: string): boolean => Number(node.split('.')[0]) >= 24;

/** What took longer than our own unquantized work, and what missed its goal. */
function shortfalls(comparisons: readonly Comparison[]): string[] {
  const compared = comparisons.filter((each) => ratioTo('own baseline', each) !== undefined);
  const slower = compared.filter((each) => ratioTo('own baseline', each)! < 1);
  const lines: string[] = [];
  if (compared.length > 0)
    lines.push('', `slower than own baseline: ${slower.length} of ${compared.length}`);
  for (const each of slower)
    lines.push(`  SLOWER ${number(ratioTo('own baseline', each))}  ${title(each)}`);
  let goals = 0;
  const missed: string[] = [];
  for (const each of comparisons) {
    const { asked, node, times } = each;
    for (const [peer, goal] of Object.entries(asked?.than ?? {}) as [PeerName, Goal][]) {
      const ratio = ratioTo(peer, each);
      if (ratio === undefined) continue;
      goals++;
      const least =
        typeof goal === 'number' ? goal : goal[isRelaxed(node) ? 'relaxed' : 'baseline'];
      if (ratio < least)
        missed.push(`  ${number(ratio)} × ${peer} < ${number(least)}  ${title(each)}`);
    }
    if (asked?.ms === undefined || times.modelpress === undefined) continue;
    goals++;
    if (times.modelpress.bestMs > asked.ms)
      missed.push(`  ${number(times.modelpress.bestMs)} ms > ${asked.ms}  ${title(each)}`);
  }
  if (goals > 0) lines.push('', `goals missed: ${missed.length} of ${goals}`, ...missed);
  return lines;
}

const title = ({ work, node }: Comparison): string => `${work}, Node ${node.split('.')[0]}`;

function absences(comparisons: readonly Comparison[]): string[] {
  const reasons = new Map<string, string>();
  for (const each of comparisons)
    for (const [peer, reason] of Object.entries(each.missing)) {
      const line = `  ${peer}: ${reason}`;
      if (!reasons.has(line)) reasons.set(line, title(each));
    }
  if (reasons.size === 0) return [];
  const lines = [...reasons].map(([line, first]) => `${line} (${first})`);
  return ['', 'without a time:', ...lines];
}

const number = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2));

/** Ratios of all comparisons to a peer as one. */
export function geometricMean(
  peer: PeerName,
  comparisons: readonly Comparison[],
): number | undefined {
  const ratios = comparisons
    .map((each) => ratioTo(peer, each))
    .filter((each) => each !== undefined);
  if (ratios.length === 0) return undefined;
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}
