import { type DType, dtypes } from '../core/dtype.ts';
import { Tensor } from '../core/tensor.ts';
import { readNpy } from '../formats/npy.ts';
import { readInput } from '../host/files.ts';
import type { Model } from '../ir/model.ts';
import { inputsOf } from '../runtime/inputs.ts';
import type { Feeds } from '../runtime/runner.ts';
import { nearest, UsageError } from './options.ts';

/** Inputs from `--input NAME=FILE.npy` or `--input NAME=NUMBER`.
 *  @throws {UsageError} not of that form, or no such input */
export function parseInputs(model: Model, list: readonly string[]): Feeds {
  const feeds: Feeds = {};
  const inputs = inputsOf(model);
  for (const text of list) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--input takes NAME=FILE.npy or NAME=NUMBER, not "${text}"`);
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    const input = inputs.find((known) => known.name === name);
    if (input === undefined) {
      const near = nearest(
        name,
        inputs.map((known) => known.name),
      );
      throw new UsageError(
        `the model has no input "${name}"`,
        near === null
          ? `it has ${inputs.map((known) => known.name).join(', ')}`
          : `did you mean ${near}?`,
      );
    }
    feeds[name] = /^-?\d+(\.\d+)?(e-?\d+)?$/.test(value)
      ? scalar(input.type ?? 'float32', value)
      : readNpy(readInput(value), value);
  }
  return feeds;
}

function scalar(type: DType, text: string): Tensor {
  const wide = dtypes[type].bits === 64 && dtypes[type].kind !== 'float';
  return new Tensor(type, wide ? [BigInt(text)] : [Number(text)], []);
}

/** Sizes from `--dim NAME=SIZE`.
 *  @throws {UsageError} not of that form */
export function parseDims(list: readonly string[]): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const text of list) {
    const match = /^(.+)=(\d{1,9})$/.exec(text);
    if (match === null) throw new UsageError(`--dim takes NAME=SIZE, not "${text}"`);
    dims[match[1]!] = Number(match[2]);
  }
  return dims;
}
