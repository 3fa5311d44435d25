// A peer's side: one process that prepares a task, then runs it whenever it is told to.
import type { Task } from './tasks.ts';

/** Readies a task and gives what runs it once, or null where the peer cannot do it. */
export type Prepare = (task: Task) => Promise<(() => unknown) | null>;

export type Request =
  | { readonly kind: 'prepare'; readonly task: Task; readonly leastMs: number }
  | { readonly kind: 'round' };

export type Answer =
  | { readonly kind: 'ready'; readonly able: boolean }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Answers the benchmark until it disconnects. */
export function serve(prepare: Prepare): void {
  let run: (() => unknown) | null = null;
  let repeats = 1;

  const round = async (count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const result = run!();
      if (result instanceof Promise) await result;
    }
    return (performance.now() - start) / count;
  };

  const answer = async (request: Request): Promise<Answer> => {
    if (request.kind === 'round') return { kind: 'time', ms: await round(repeats) };
    run = await prepare(request.task);
    if (run === null) return { kind: 'ready', able: false };
    // Long enough for the engine to optimize, and to know how often to repeat.
    let ms = await round(1);
    const end = performance.now() + 20 * request.leastMs;
    while (performance.now() < end) ms = Math.min(ms, await round(1));
    repeats = Math.max(1, Math.ceil(request.leastMs / ms));
    return { kind: 'ready', able: true };
  };

  process.on('message', (request: Request) => {
    answer(request).then(
      (reply) => process.send!(reply),
      (error: unknown) => process.send!({ kind: 'failed', message: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}
