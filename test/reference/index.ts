import { convertReferences } from './convert.ts';
import { gemmReferences } from './gemm.ts';
import { linalgReferences } from './linalg.ts';
import { quantizeReferences } from './quantize.ts';
import { reduceReferences } from './reduce.ts';
import type { References } from './types.ts';

export const references: References = {
  ...reduceReferences,
  ...quantizeReferences,
  ...convertReferences,
  ...gemmReferences,
  ...linalgReferences,
};
