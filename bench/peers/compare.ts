// Libraries against each other, one process each, so that none shares another's memory, tiering or garbage. They
// take turns, round by round.
import type { Comparison, PeerName, Time } from '../comparison.ts';
import { type BenchOptions, median } from '../lib.ts';
import type { NodeBinary } from '../nodes.ts';
import { absence, type Peer, start } from './start.ts';
import type { NamedTask } from './tasks.ts';

interface Effort {
  readonly warmMs: number;
  readonly leastMs: number;
  readonly rounds: number;
  /** No peer spends more on a task, but for `leastRounds`. */
  readonly mostMs: number;
  readonly leastRounds: number;
}

const full: Effort = { warmMs: 400, leastMs: 25, rounds: 25, mostMs: 5000, leastRounds: 3 };
const short: Effort = { warmMs: 40, leastMs: 6, rounds: 7, mostMs: 200, leastRounds: 2 };

/** Best and median times of tasks in each peer, on each Node. */
export async function comparePeers(
  tasks: readonly NamedTask[],
  names: readonly PeerName[],
  { quick, nodes }: BenchOptions,
): Promise<Comparison[]> {
  const chosen = tasks.filter(({ slow }) => !(quick && slow));
  const comparisons: Comparison[] = [];
  for (const node of nodes) {
    const present = names.filter((name) => absence(name) === null);
    const peers = new Map(present.map((name) => [name, start(name, node)]));
    try {
      const effort = quick ? short : full;
      for (const [i, task] of chosen.entries()) {
        // Engines compile a new process's code badly at first, and a large library's for long.
        const more = i === 0 ? 10 : task.task.op === 'model' ? 4 : 1;
        const warmMs = Math.min(2000, more * effort.warmMs);
        comparisons.push(await compareOne(task, names, peers, node, { ...effort, warmMs }));
      }
    } finally {
      for (const peer of peers.values()) peer.stop();
    }
  }
  return comparisons;
}

async function compareOne(
  { name, task, macs, asked }: NamedTask,
  names: readonly PeerName[],
  peers: Map<PeerName, Peer>,
  node: NodeBinary,
  effort: Effort,
): Promise<Comparison> {
  const { warmMs, leastMs } = effort;
  const missing: Comparison['missing'] = {};
  const able: { peer: Peer; rounds: number; times: number[] }[] = [];
  const fail = (peer: PeerName, error: unknown): void => {
    missing[peer] = String(error instanceof Error ? error.message : error).slice(0, 200);
  };
  for (const each of names) {
    const peer = peers.get(each);
    if (peer === undefined) {
      missing[each] = absence(each) ?? 'ended before';
      continue;
    }
    try {
      const answer = await peer.ask({ kind: 'prepare', task, warmMs, leastMs });
      if (answer.kind === 'failed') fail(each, answer.message);
      if (answer.kind !== 'ready') continue;
      const affordable = Math.floor(effort.mostMs / Math.max(answer.ms, leastMs));
      const rounds = Math.max(effort.leastRounds, Math.min(effort.rounds, affordable));
      // What takes seconds has warmed up on the way, and counts as a round.
      if (answer.ms > 1000) able.push({ peer, rounds: rounds - 1, times: [answer.ms] });
      else able.push({ peer, rounds, times: [] });
    } catch (error) {
      // It ended; the other tasks of this Node go on without it.
      peers.delete(each);
      fail(each, error);
    }
  }
  for (let round = 0; round < effort.rounds; round++) {
    for (const { peer, rounds, times } of able) {
      if (round >= rounds) continue;
      const answer = await peer.ask({ kind: 'round' }).catch((error: unknown) => {
        peers.delete(peer.name);
        return { kind: 'failed' as const, message: String(error) };
      });
      if (answer.kind === 'time') times.push(answer.ms);
      else if (answer.kind === 'failed') fail(peer.name, answer.message);
    }
  }
  const times: Comparison['times'] = {};
  for (const { peer, times: seen } of able) {
    if (missing[peer.name] === undefined) times[peer.name] = timeOf(seen);
  }
  return {
    work: name,
    node: node.version,
    times,
    missing,
    ...(macs === undefined ? {} : { macs }),
    ...(asked === undefined ? {} : { asked }),
  };
}

export const timeOf = (seen: readonly number[]): Time => ({
  bestMs: Math.min(...seen),
  medianMs: median(seen),
  rounds: seen.length,
});
