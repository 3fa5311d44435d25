/** Reasons of what was skipped, printed at the end of the run. */
export const loudSkips: string[] = [];

/** Whether a test that needs something absent may be left out: never in CI, where that is a failure. */
export function skipLoudly(reason: string): void {
  if (process.env.CI === 'true') throw new Error(`CI must not skip: ${reason}`);
  if (!loudSkips.includes(reason)) loudSkips.push(reason);
}
