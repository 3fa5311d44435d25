import { existsSync, readFileSync } from 'node:fs';
import type { Plan } from '../compress/index.ts';
import { parseJson } from '../core/json.ts';
import { UsageError } from './options.ts';

/** The plan of --plan: of --plan-out, or in a report of --dry-run --json.
 *  @throws {UsageError} there is none
 *  @throws {FormatError} the file is no JSON */
export function planOption(path: string | undefined): { plan?: Plan } {
  if (path === undefined) return {};
  if (!existsSync(path)) throw new UsageError(`there is no ${path}`);
  const json = parseJson(readFileSync(path, 'utf8'), { where: path });
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  const plan = isObject ? (json.plan ?? json) : json;
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan) || !('activations' in plan))
    throw new UsageError(`${path} has no plan`);
  // Its parts are checked where they are used.
  return { plan: plan as unknown as Plan };
}
