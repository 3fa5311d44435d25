import { binaryReferences } from './binary.ts';
import { blockReferences } from './block.ts';
import { convReferences } from './conv.ts';
import { convertReferences } from './convert.ts';
import { foldReferences } from './fold.ts';
import { gemmReferences } from './gemm.ts';
import { image8References } from './image8.ts';
import { int8References } from './int8.ts';
import { levelReferences } from './levels.ts';
import { linalgReferences } from './linalg.ts';
import { moveReferences } from './move.ts';
import { normalizeReferences } from './normalize.ts';
import { poolReferences } from './pool.ts';
import { quantizeReferences } from './quantize.ts';
import { reduceReferences } from './reduce.ts';
import type { References } from './types.ts';
import { unaryReferences } from './unary.ts';
import { winogradReferences } from './winograd.ts';
import { winograd8References } from './winograd8.ts';

export const references: References = {
  ...reduceReferences,
  ...quantizeReferences,
  ...convertReferences,
  ...int8References,
  ...blockReferences,
  ...gemmReferences,
  ...linalgReferences,
  ...unaryReferences,
  ...binaryReferences,
  ...normalizeReferences,
  ...foldReferences,
  ...moveReferences,
  ...poolReferences,
  ...levelReferences,
  ...image8References,
  ...convReferences,
  ...winogradReferences,
  ...winograd8References,
};
