import type { Context } from './context.ts';

/** Step 2: exact rewrites of the float model after which more of it can be integers. */
export async function prepare(_context: Context): Promise<void> {}

/** Step 4: exact rewrites of the float model after which quantizing loses less. What changes values makes
 *  `context.statistics.forget()` necessary; what was done goes to `context.recovery`. */
export async function recover(_context: Context): Promise<void> {}
