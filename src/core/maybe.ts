import type { MaybePromise } from './source.ts';

/** Runs a generator that yields what may be promises: without waiting as long as none is, so that the same
 *  code serves synchronous sources (sessions are synchronous) and asynchronous ones (files, Blobs). */
export function run<R>(steps: Generator<MaybePromise<unknown>, R, unknown>): MaybePromise<R> {
  let step = steps.next();
  while (!step.done) {
    if (step.value instanceof Promise) return finish(steps, step.value);
    step = steps.next(step.value);
  }
  return step.value;
}

async function finish<R>(
  steps: Generator<MaybePromise<unknown>, R, unknown>,
  first: Promise<unknown>,
): Promise<R> {
  let step = steps.next(await first);
  while (!step.done) step = steps.next(await step.value);
  return step.value;
}

/** `const bytes = yield* wait(source.read(…))` inside a generator for `run`. */
export function* wait<T>(value: MaybePromise<T>): Generator<MaybePromise<unknown>, T, unknown> {
  return (yield value) as T;
}
