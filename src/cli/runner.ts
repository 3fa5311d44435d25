import { UnsupportedError } from '../core/errors.ts';
import { readModel } from '../formats/index.ts';
import { findOnnxRuntime } from '../host/onnxruntime.ts';
import { ownRunner } from '../runtime/own-runner.ts';
import type { Runner } from '../runtime/runner.ts';
import { oneOf } from './options.ts';

/** What runs the models, by `--runner`; without it modelpress.
 *  @throws {UsageError} another word
 *  @throws {UnsupportedError} onnxruntime-node is not installed */
export async function chooseRunner(text: string | undefined): Promise<Runner> {
  if (oneOf('runner', text, ['modelpress', 'onnxruntime']) !== 'onnxruntime')
    return ownRunner(readModel);
  const runner = await findOnnxRuntime();
  if (runner !== null) return runner;
  throw new UnsupportedError('onnxruntime-node is not installed', {
    code: 'E_NO_RUNNER',
    hint: 'install it beside modelpress, or leave --runner out',
  });
}
