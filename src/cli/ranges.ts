import { readFileSync } from 'node:fs';
import { type CompressOptions, type GivenRange, rangesLike } from '../compress/index.ts';
import { type Json, parseJson } from '../core/json.ts';
import type { Model } from '../ir/model.ts';
import { openModel } from './model.ts';
import { UsageError } from './options.ts';

/** Options with the ranges that --like names: levels of a quantized model of the same operators, or those of a JSON file:
 *  a report with its plan (`--dry-run --json`), a plan, or ranges by name.
 *  @throws {UsageError} neither */
export async function withRanges(
  options: CompressOptions,
  path: string | undefined,
  model: Model,
): Promise<CompressOptions> {
  const { quantize } = options;
  if (path === undefined || typeof quantize !== 'object' || quantize.weights === 'auto')
    return options;
  const ranges = path.endsWith('.json')
    ? rangesOf(parseJson(readFileSync(path, 'utf8'), { where: path }), path)
    : await rangesLike((await openModel(path)).model, model).catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
        throw new UsageError(`${path} has no quantized values for operators of the model`);
      });
  return { ...options, quantize: { ...quantize, ranges } };
}

function rangesOf(json: Json, path: string): Record<string, GivenRange> {
  const plan = member(json, 'plan') ?? json;
  const planned = member(plan, 'activations');
  if (Array.isArray(planned))
    return Object.fromEntries(planned.map((item) => [String(member(item, 'value')), given(item)]));
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UsageError(`${path} has neither a plan nor ranges by name`);
  return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, given(item)]));
}

/** Numbers that are none are refused where ranges are checked. */
function given(item: Json): GivenRange {
  const number = (name: string): number => Number(member(item, name) ?? Number.NaN);
  return member(item, 'scale') === undefined
    ? { min: number('min'), max: number('max') }
    : { scale: number('scale'), zeroPoint: number('zeroPoint') };
}

function member(json: Json, name: string): Json | undefined {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject ? json[name] : undefined;
}
