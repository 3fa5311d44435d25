// A peer's side: one process that prepares tasks, one after the other, and runs the last one whenever it is told to.
// Requests come as lines of JSON on stdin, answers go as lines on stdout: Python speaks that too (numpy_peer.py).
import { createInterface } from 'node:readline';
import type { Task } from './tasks.ts';

export interface Ready {
  /** Does the task once. */
  run(): unknown;
  /** Gives back what garbage collection does not. */
  dispose?(): unknown;
}

/** Readies a task, or null where the peer cannot do it. */
export type Prepare = (task: Task) => Promise<Ready | null>;

export type Request =
  | {
      readonly kind: 'prepare';
      readonly task: Task;
      /** How long to run it before it counts. */
      readonly warmMs: number;
      /** How long a round is at least. */
      readonly leastMs: number;
    }
  | { readonly kind: 'round' };

export type Answer =
  | { readonly kind: 'ready'; readonly ms: number }
  | { readonly kind: 'unable' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Answers the benchmark until it closes stdin. */
export function serve(prepare: Prepare): void {
  // What a library prints is no answer.
  console.log = console.error;
  let ready: Ready | null = null;
  let repeats = 1;

  const round = async (count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const result = ready!.run();
      if (result instanceof Promise) await result;
    }
    return (performance.now() - start) / count;
  };

  const answer = async (request: Request): Promise<Answer> => {
    if (request.kind === 'round') return { kind: 'time', ms: await round(repeats) };
    await ready?.dispose?.();
    ready = null;
    ready = await prepare(request.task);
    if (ready === null) return { kind: 'unable' };
    // Long enough for the engine to optimize, and to know how often to repeat.
    const end = performance.now() + request.warmMs;
    let ms = await round(1);
    // The first run may do what others need not: one of less than a second is not the only one.
    let calls = 1;
    for (let again = ms < 1000; again; calls++) {
      ms = Math.min(ms, await round(1));
      const now = performance.now();
      // Short work is mostly calls: engines optimize what is called often.
      again = now < end || (ms < 0.2 && calls < 5000 && now < end + 5 * request.warmMs);
    }
    repeats = Math.max(1, Math.ceil(request.leastMs / ms));
    return { kind: 'ready', ms };
  };

  const requests = createInterface({ input: process.stdin });
  requests.on('line', (line) => {
    answer(JSON.parse(line)).then(
      (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`),
      (error: unknown) => {
        const reply: Answer = { kind: 'failed', message: String(error) };
        process.stdout.write(`${JSON.stringify(reply)}\n`);
      },
    );
  });
  requests.on('close', () => process.exit());
}
