import { prepareForIntegers } from '../prepare/index.ts';
import type { Context } from './context.ts';

/** Step 2: exact rewrites of the float model after which more of it can be integers. Returns what was done, one sentence
 *  each. */
export async function prepare(context: Context): Promise<string[]> {
  if (!mayRewrite(context)) return [];
  const done = await prepareForIntegers(context.model);
  context.statistics.forget();
  return done;
}

/** Parameters that are given by name, or are to be those of another converter, are of the model as it is. */
function mayRewrite({ samples, given, isPlanned, settings: { activations } }: Context): boolean {
  if ((samples === null && !isPlanned) || activations === null) return false;
  return activations.scheme === null && given.ranges === undefined;
}

/** Step 4: exact rewrites of the float model after which quantizing loses less. What changes values makes
 *  `context.statistics.forget()` necessary; what was done goes to `context.recovery`. */
export async function recover(_context: Context): Promise<void> {}
