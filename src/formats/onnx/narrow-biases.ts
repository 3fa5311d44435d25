import { integerRange } from '../../core/dtype.ts';
import { bytesOf } from '../../core/tensor.ts';
import { constantOf, readConstant } from '../../ir/constant.ts';
import { elementsOf, realsOf } from '../../ir/levels.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs } from '../../ir/walk.ts';

/** Quantized constants of int64 (TFLite's biases beside int16) become int32, which DequantizeLinear takes: the same
 *  levels where they fit, else the real numbers that they stand for. */
export function narrowBiases(model: Model): void {
  const { min, max } = integerRange('int32');
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants) {
      const { constant, quantization } = value;
      if (quantization?.storage !== 'int64' || constant === null) continue;
      if (readConstant(constant) instanceof Promise) continue;
      const levels = elementsOf(constant);
      if (levels.every((level) => level >= min && level <= max)) {
        value.constant = constantOf('int32', constant.shape, bytesOf(Int32Array.from(levels)));
        value.quantization = { ...quantization, storage: 'int32' };
      } else {
        value.constant = realsOf(constant, quantization);
        value.quantization = null;
      }
    }
  }
}
