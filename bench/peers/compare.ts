// Libraries against each other, one process each, so that none shares another's memory, tiering or garbage. They
// take turns, round by round.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchOptions, Group, Measurement } from '../lib.ts';
import type { Answer, Request } from './serve.ts';
import type { NamedTask } from './tasks.ts';

/** Programs in this folder. */
export type PeerName = 'modelpress' | 'modelpress-float32' | 'onnxruntime-web';

interface Peer {
  readonly name: PeerName;
  ask(request: Request): Promise<Answer>;
  stop(): void;
}

/** Best and median times of tasks in each peer; ratios are how much faster than the last peer.
 *  @param node  the Node to run all of them on */
export async function comparePeers(
  tasks: readonly NamedTask[],
  names: readonly PeerName[],
  node: { path: string; version: string },
  { quick }: BenchOptions,
): Promise<Group[]> {
  const groups: Group[] = [];
  for (const { name, task, macs } of tasks) {
    const peers = names.map((peer) => start(peer, node.path));
    try {
      const title = `${name}, Node ${node.version}`;
      const able: Peer[] = [];
      for (const peer of peers) {
        const answer = await peer.ask({ kind: 'prepare', task, leastMs: quick ? 10 : 30 });
        if (answer.kind === 'failed') throw new Error(`${peer.name}, ${title}: ${answer.message}`);
        if (answer.kind === 'ready' && answer.able) able.push(peer);
      }
      const times = able.map((): number[] => []);
      for (let round = 0; round < (quick ? 9 : 25); round++) {
        for (const [i, peer] of able.entries()) {
          const answer = await peer.ask({ kind: 'round' });
          if (answer.kind !== 'time') throw new Error(`${peer.name}, ${title}: no time`);
          times[i]!.push(answer.ms);
        }
      }
      const base = Math.min(...times.at(-1)!);
      groups.push({
        title,
        measurements: able.map((peer, i): Measurement => {
          const sorted = times[i]!.sort((a, b) => a - b);
          const bestMs = sorted[0]!;
          return {
            name: peer.name,
            bestMs,
            medianMs: sorted[sorted.length >> 1]!,
            ratio: base / bestMs,
            gigamacsPerSecond: macs / bestMs / 1e6,
          };
        }),
      });
    } finally {
      for (const peer of peers) peer.stop();
    }
  }
  return groups;
}

function start(name: PeerName, execPath: string): Peer {
  const child: ChildProcess = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), [], {
    execPath,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return {
    name,
    ask: (request) =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null): void =>
          reject(new Error(`${name} ended with ${code}`));
        child.once('exit', ended);
        child.once('message', (answer) => {
          child.off('exit', ended);
          resolve(answer as Answer);
        });
        child.send(request);
      }),
    stop: () => child.disconnect(),
  };
}
