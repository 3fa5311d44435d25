import { rangeError } from '../../core/errors.ts';
import type { QuantizeSettings, ResolvedQuantize } from '../options.ts';
import { bitsOf } from '../scheme.ts';
import { hasKernel } from '../targets.ts';

/** How ONNX says a matrix in blocks. */
export type BlockForm = 'dequantize' | 'nbits';

/** Fewer weights are not worth a pass over what they are multiplied with.
 *  As TFLite's converter has it. */
export const leastWeights = 1024;

const forms: readonly BlockForm[] = ['dequantize', 'nbits'];

/** What shares a scale under mode `dynamic`: a block of a row where weights have blocks; else a row where this package runs the
 *  model, or the whole tensor, which runtimes have kernels for. TFLite's kernels decide by the weights that they find. Null for
 *  other modes.
 *  @param granularity  that holds, wished or not
 *  @throws {RangeError} settings that don't go together */
export function resolveForm(
  { mode, weights, target, granularity: wished, form }: QuantizeSettings,
  granularity: QuantizeSettings['granularity'],
  format: string,
): Pick<ResolvedQuantize, 'form' | 'dynamic'> {
  if (form !== undefined && !forms.includes(form))
    throw rangeError('quantize.form', forms.join(' | '), form);
  const runtime = target ?? (format === 'tflite' ? 'tflite' : 'onnxruntime');
  const isBlocked = granularity === 'block' && weights !== 'float16';
  const hasBits = (level: string): boolean =>
    isBlocked && hasKernel(runtime, 'com.microsoft.MatMulNBits', `${bitsOf[weights]}${level}`);
  if (form === 'nbits' && !hasBits(''))
    throw rangeError('quantize.form', 'dequantize unless ONNX has weights in blocks', form);
  if (mode !== 'dynamic') return { form: form ?? 'dequantize', dynamic: null };
  if (runtime === 'tflite' && weights === 'int8')
    return { form: 'dequantize', dynamic: wished === undefined ? 'hybrid' : null };
  if (weights === 'float16' || (!isBlocked && weights !== 'int8'))
    throw rangeError(
      'quantize.weights',
      'int8, or 4 or 8 bits in blocks, for mode dynamic',
      weights,
    );
  if (form === 'dequantize') throw rangeError('quantize.form', 'nbits for mode dynamic', form);
  if (hasBits(' level 4')) return { form: 'nbits', dynamic: 'block' };
  return { form: 'dequantize', dynamic: runtime === 'modelpress' ? 'row' : 'tensor' };
}
