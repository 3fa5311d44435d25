import type { Value } from '../../../ir/graph.ts';
import type { Quantization } from '../../../ir/types.ts';
import type { OperatorReader } from './operator.ts';
import { hasScale } from './quantization.ts';
import { typeOf } from './values.ts';

/** The bias of products of `x` and `weights`, or null. Its integers count in products of their scales where the file
 *  does not say in what.
 *  @throws {UnsupportedError} integers that are computed, or of unknown scale */
export function biasOf(o: OperatorReader, index: number, x: Value, weights: Value): Value | null {
  if (!o.has(index)) return null;
  const { dtype } = typeOf(o.input(index));
  if (dtype !== 'int32' && dtype !== 'int64') return o.input(index);
  const tensor = o.tensor(index);
  const quantization = hasScale(o.reader.tensor(tensor))
    ? o.reader.quantization(tensor)
    : ofProducts(o, dtype, x, weights);
  const value = o.form(index, () => o.reader.real(tensor, quantization));
  if (value === null) throw o.unsupported('a bias of integers that is computed');
  return value;
}

function ofProducts(
  o: OperatorReader,
  storage: 'int32' | 'int64',
  x: Value,
  weights: Value,
): Quantization {
  const [ofX, ofWeights] = [x.quantization?.scale[0], weights.quantization?.scale];
  if (ofX === undefined || ofWeights === undefined)
    throw o.unsupported(`a bias of type ${storage} without a scale`);
  const scale = ofWeights.map((value) => value * ofX);
  const axis = scale.length === 1 ? null : 0;
  return { storage, view: null, scale, zeroPoint: null, axis, blockSize: null };
}
