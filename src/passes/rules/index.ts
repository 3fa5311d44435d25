import type { Rule } from '../rule.ts';
import { affineIntoLinear } from './affine.ts';
import {
  concatChains,
  concatOfZeros,
  sliceChains,
  sliceOfConcat,
  squeezeOfSlice,
  zeroStates,
} from './arrange.ts';
import { knownBranches, onlyBranches } from './branch.ts';
import {
  constantNodes,
  type Evaluate,
  foldConstants,
  type Growth,
  knownElements,
} from './constants.ts';
import {
  activationsIntoProducers,
  addendsIntoConv,
  biasIntoMatMul,
  factorsIntoMatMul,
  transposesIntoMatMul,
} from './fuse.ts';
import { liftedProducts, liftedRamps, liftedSoftplus } from './lift-activations.ts';
import { liftedAttention } from './lift-attention.ts';
import { liftedNorms } from './lift-norms.ts';
import { mergedFactors, mergedSums } from './merge.ts';
import { castOfCast, constantsLast, noOps } from './no-op.ts';
import { padIntoConv } from './pad.ts';
import { regroupedAxes } from './regroup.ts';
import {
  idleExpands,
  idleTransposes,
  knownTargets,
  reshapeChains,
  transposeChains,
} from './reshape.ts';

export interface RuleOptions {
  evaluate: Evaluate | null;
  growth: Growth;
  copyShared: boolean;
  /** Whether attention that is spelled out becomes an operator. */
  liftAttention: boolean;
}

/** The rules of `simplify`, in the order in which they are tried on a node. */
export function simplifyRules({
  evaluate,
  growth,
  copyShared,
  liftAttention,
}: RuleOptions): Rule[] {
  return [
    constantNodes,
    noOps,
    affineIntoLinear(copyShared, ['BatchNormalization', 'Mul', 'Div', 'Add', 'Sub']),
    padIntoConv,
    knownBranches,
    onlyBranches,
    castOfCast,
    constantsLast,
    ...(liftAttention ? [liftedAttention] : []),
    liftedNorms,
    liftedProducts,
    liftedRamps,
    liftedSoftplus,
    mergedFactors,
    mergedSums,
    reshapeChains,
    knownTargets,
    transposeChains,
    idleTransposes,
    regroupedAxes,
    idleExpands,
    sliceOfConcat,
    sliceChains,
    squeezeOfSlice,
    concatChains,
    concatOfZeros,
    zeroStates,
    knownElements,
    ...(evaluate === null ? [] : [foldConstants(evaluate, growth)]),
  ];
}

/** The rules of `fuseForRuntime`: they make nodes of domain `mp`. */
export const fuseRules: readonly Rule[] = [
  noOps,
  transposeChains,
  idleTransposes,
  reshapeChains,
  padIntoConv,
  addendsIntoConv,
  biasIntoMatMul,
  transposesIntoMatMul,
  factorsIntoMatMul,
  activationsIntoProducers,
];

/** The rules of `fuseForFile`. */
export const fileRules: readonly Rule[] = [
  noOps,
  transposeChains,
  idleTransposes,
  reshapeChains,
  biasIntoMatMul,
  transposesIntoMatMul,
  activationsIntoProducers,
];
