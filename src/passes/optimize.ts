import type { Model } from '../ir/model.ts';
import { affineBeforeLinear } from './rules/affine-before.ts';
import type { Growth } from './rules/constants.ts';
import { fileRules, fuseRules, simplifyRules } from './rules/index.ts';
import { oneHotProducts } from './rules/one-hot.ts';
import { quantizedConstants } from './rules/quantized-constants.ts';
import { splitActivations } from './rules/split-activations.ts';
import { runRules, type SimplifyOptions, type SimplifyResult } from './simplify.ts';

/** Room for constants that are made once instead of at every run. */
const growth: Growth = { each: 2 ** 28, total: 2 ** 29 };

/** Rewrites a model for running: `simplify`, with room for folded constants. Layout is a pass of its own. Results agree
 *  but for rounding. Time is about linear in nodes and rewrites; constants must be readable without waiting. */
export function optimizeForRuntime(model: Model, options: SimplifyOptions): SimplifyResult {
  const rules = simplifyRules({
    evaluate: options.evaluate ?? null,
    growth: options.growth ?? growth,
    copyShared: options.copyShared ?? true,
    liftAttention: false,
  });
  const more = [
    splitActivations,
    quantizedConstants,
    oneHotProducts,
    affineBeforeLinear(options.copyShared ?? true),
  ];
  return runRules(model, 'optimize', [...rules, ...more], { ...options, opset: Infinity });
}

/** Lets operators of domain `mp` do what the nodes around them do: activations, sums with another value, biases,
 *  transposes and factors of products. For running only, after the layout is chosen: convolutions take part as
 *  `mp.Conv`. Results agree but for rounding. Time is about linear in nodes. */
export function fuseForRuntime(model: Model, options: SimplifyOptions): SimplifyResult {
  return runRules(model, 'fuse', fuseRules, { ...options, opset: Infinity });
}

/** Rewrites a model for a file of another format than ONNX: what constants give is folded, patterns become the
 *  operators of the newest operator set, and no constant is copied. Results agree but for rounding. */
export function optimizeForFile(model: Model, options: SimplifyOptions): SimplifyResult {
  const rules = simplifyRules({
    evaluate: options.evaluate ?? null,
    growth: options.growth ?? { each: 2 ** 24, total: 2 ** 27 },
    copyShared: options.copyShared ?? true,
    liftAttention: false,
  });
  return runRules(model, 'optimize', rules, { ...options, opset: Infinity });
}

/** The fusions of `fuseForRuntime` that formats with activations in their operators have too. */
export function fuseForFile(model: Model, options: SimplifyOptions): SimplifyResult {
  return runRules(model, 'fuse', fileRules, { ...options, opset: Infinity });
}
