import { activationAttributes } from './activation.ts';
import { biasOf } from './bias.ts';
import type { OperatorReader, Row } from './operator.ts';
import { rankOf, typeOf } from './values.ts';

/** x · Wᵀ + b with W [out, in]; unless it keeps the number of axes, x is first made [rows, in]. */
const fullyConnected: Row = (o) => {
  const options = o.options('FullyConnectedOptions');
  if ((options.weightsFormat ?? 0) !== 0) throw o.unsupported('shuffled weights');
  let x = o.input(0);
  const w = o.input(1);
  const columns = typeOf(w).shape?.[1];
  if (rankOf(o, w) !== 2 || typeof columns !== 'number')
    throw o.unsupported('weights that are no matrix');
  const shape = typeOf(x).shape;
  const isMatrix = shape?.length === 2 && shape[1] === columns;
  const isKept = options.keepNumDims === true && shape?.at(-1) === columns;
  if (!isMatrix && !isKept) {
    const flat = o.like(x, 'rows');
    o.node('Reshape', [x, o.ints('rows_shape', [-1, columns])], {}, [flat]);
    x = flat;
  }
  o.give('mp.MatMul', [x, w, biasOf(o, 2, o.input(0), w)], {
    transB: 1,
    ...activationAttributes(o, options.fusedActivationFunction),
  });
};

const batchMatmul: Row = (o) => {
  const { adjX = false, adjY = false } = o.options('BatchMatMulOptions');
  if (!adjX && !adjY) {
    o.give('MatMul', [o.input(0), o.input(1)]);
    return;
  }
  o.give('mp.MatMul', [o.input(0), o.input(1)], {
    ...(adjX ? { transA: 1 } : {}),
    ...(adjY ? { transB: 1 } : {}),
  });
};

/** Rows of a table: the table is the second input. */
function embedding(o: OperatorReader): void {
  o.give('Gather', [o.input(1), o.input(0)], { axis: 0 });
}

export const linearRows: Readonly<Record<string, Row>> = {
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatmul,
  EMBEDDING_LOOKUP: embedding,
};
