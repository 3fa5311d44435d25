import { ModelpressError } from '../../src/core/errors.ts';
import { type Random, random } from '../../src/core/random.ts';

export interface FuzzTarget {
  name: string;
  /** One mutated input. */
  make(random: Random): Uint8Array;
  /** Reads it. May end in any ModelpressError. */
  run(bytes: Uint8Array): void | Promise<void>;
  /** How long a run takes is for the input to say: a model may ask for any amount of work. */
  mayTakeLong?: boolean;
}

export interface FuzzResult {
  runs: number;
  accepted: number;
  /** Inputs by the code of the error they ended in. */
  errors: Map<string, number>;
  slowestMs: number;
  ms: number;
}

const heapBytes = 512 * 2 ** 20;

/** A run that waits for others on the machine is not slow. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Runs a target on mutated inputs. Each run has its own random numbers, so that `--seed S --first N --runs 1`
 *  repeats run N alone.
 *  @throws what the target must not throw, with the run and the input in the message; also for an input that
 *    takes over a second per MB, or a heap that grows without end */
export async function fuzz(
  target: FuzzTarget,
  {
    runs,
    seed,
    first = 0,
    maxMs = Number.POSITIVE_INFINITY,
  }: { runs: number; seed: number; first?: number; maxMs?: number },
): Promise<FuzzResult> {
  const start = performance.now();
  const result: FuzzResult = { runs: 0, accepted: 0, errors: new Map(), slowestMs: 0, ms: 0 };
  for (let run = first; run < first + runs; run++) {
    const bytes = target.make(random(seed + Math.imul(run, 0x9e3779b1)));
    const before = performance.now();
    const cpuBefore = cpuMs();
    try {
      const pending = target.run(bytes);
      if (pending !== undefined) await pending;
      result.accepted++;
    } catch (error) {
      if (!(error instanceof ModelpressError)) throw failure(target, seed, run, bytes, error);
      result.errors.set(error.code, (result.errors.get(error.code) ?? 0) + 1);
    }
    const after = performance.now();
    result.slowestMs = Math.max(result.slowestMs, after - before);
    const allowed = 1000 * Math.max(1, bytes.length / 2 ** 20);
    const busy = cpuMs() - cpuBefore;
    if (target.mayTakeLong !== true && Math.min(after - before, busy) > allowed) {
      throw failure(
        target,
        seed,
        run,
        bytes,
        new Error(`${after - before} ms for ${bytes.length} bytes`),
      );
    }
    if (run % 8192 === 0 && process.memoryUsage().heapUsed > heapBytes) {
      throw failure(target, seed, run, bytes, new Error('the heap has grown past 512 MB'));
    }
    result.runs++;
    if (after - start > maxMs) break;
  }
  result.ms = performance.now() - start;
  return result;
}

function failure(
  target: FuzzTarget,
  seed: number,
  run: number,
  bytes: Uint8Array,
  cause: unknown,
): Error {
  const input = Buffer.from(bytes).toString('base64');
  const message = `${target.name}: run ${run} of seed ${seed}: ${cause}\ninput: ${input.slice(0, 4000)}`;
  return new Error(message, { cause });
}

/** Options of a command line: `--runs 1000000 --seed 1 --first 0`. */
export function fuzzOptions(args: readonly string[]): {
  runs: number;
  seed: number;
  first: number;
} {
  const option = (name: string, otherwise: number): number => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(args[at + 1]);
  };
  return { runs: option('runs', 100_000), seed: option('seed', 1), first: option('first', 0) };
}

export function report(
  target: FuzzTarget,
  { runs, accepted, errors, slowestMs, ms }: FuzzResult,
): string {
  const codes = [...errors].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`);
  const rate = Math.round((1000 * runs) / ms);
  return `${target.name}: ${runs} executions, ${rate}/s, slowest ${slowestMs.toFixed(1)} ms; accepted ${accepted}, ${codes.join(', ')}`;
}
