import type { Limits } from '../../core/limits.ts';
import type { Graph } from '../../ir/graph.ts';
import type { ReadingTypes } from '../reading-types.ts';
import type { ExternalData } from './external.ts';
import type { GraphProto, SparseTensorProto } from './proto.ts';
import type { Scope } from './scope.ts';
import type { DenseTensor } from './sparse.ts';

/** What reading one file shares. */
export interface Reading {
  opsets: ReadonlyMap<string, number>;
  /** `domain.name` of the model's own functions: their calls are opaque. */
  functions: ReadonlySet<string>;
  external: ExternalData;
  /** Sparse initializers, made dense beforehand: their indices may have to be waited for. */
  dense: ReadonlyMap<SparseTensorProto, DenseTensor>;
  limits: Limits;
  types: ReadingTypes;
  /** Reads the graph of an attribute; it sees the names of the scope. */
  body(proto: GraphProto, scope: Scope, reading: Reading, where: string): Graph;
}
