import type { Rule } from '../rule.ts';
import { affineIntoLinear, padIntoConv } from './affine.ts';
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
import { mergedFactors, mergedSums } from './merge.ts';
import { castOfCast, constantsLast, noOps } from './no-op.ts';
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
}

/** The rules of `simplify`, in the order in which they are tried on a node. */
export function simplifyRules({ evaluate, growth, copyShared }: RuleOptions): Rule[] {
  return [
    constantNodes,
    noOps,
    affineIntoLinear(copyShared, ['BatchNormalization', 'Mul', 'Div', 'Add', 'Sub']),
    padIntoConv,
    knownBranches,
    onlyBranches,
    castOfCast,
    constantsLast,
    mergedFactors,
    mergedSums,
    reshapeChains,
    knownTargets,
    transposeChains,
    idleTransposes,
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
