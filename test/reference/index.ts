import { blockReferences } from './block.ts';
import { convertReferences } from './convert.ts';
import { int8References } from './int8.ts';
import { quantizeReferences } from './quantize.ts';
import { reduceReferences } from './reduce.ts';
import type { References } from './types.ts';

export const references: References = {
  ...reduceReferences,
  ...quantizeReferences,
  ...convertReferences,
  ...int8References,
  ...blockReferences,
};
