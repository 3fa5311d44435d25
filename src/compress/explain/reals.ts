import { type Constant, constantOfValue, floatsNow } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import { realsOf } from '../../ir/levels.ts';
import type { LinearLayer } from '../sensitivity/linear.ts';
import { weightOf } from '../weight-of.ts';

/** The real numbers that a constant stands for, however it is stored; null for anything else. In memory. */
export async function realNumbers(value: Value | null): Promise<Float32Array | null> {
  const constant = value === null ? null : constantOfValue(value);
  if (value === null) return null;
  if (constant !== null && value.quantization !== null)
    return floatsNow(realsOf(constant, value.quantization) as Constant);
  return (await weightOf(value)?.read()) ?? null;
}

/** The same of a product's weights. */
export function realWeights({ weight }: LinearLayer): Promise<Float32Array | null> {
  return realNumbers(weight);
}
