import { rangeError } from '../../core/errors.ts';
import type { QuantizeSettings } from '../options.ts';
import type { DynamicForm } from './products.ts';

/** What shares a scale under mode `dynamic`: a row where this package runs the model, else the whole tensor, which
 *  runtimes have kernels for. Null for other modes, and for TFLite, whose operators say nothing of it.
 *  @throws {RangeError} settings that don't go with the mode */
export function resolveDynamic(
  { mode, weights, target }: QuantizeSettings,
  format: string,
): DynamicForm | null {
  if (mode !== 'dynamic') return null;
  if (weights !== 'int8') throw rangeError('quantize.weights', 'int8 for mode dynamic', weights);
  const runtime = target ?? (format === 'tflite' ? 'tflite' : 'onnxruntime');
  if (runtime === 'tflite') return null;
  return runtime === 'modelpress' ? 'row' : 'tensor';
}
