import { UnsupportedError } from '../core/errors.ts';
import { findOnnxRuntime } from '../host/onnxruntime.ts';
import { compareText } from '../report/text.ts';
import { compareBytes } from '../runtime/compare.ts';
import { print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { openModel } from './model.ts';
import { parse, UsageError, wholeNumber } from './options.ts';
import type { Verb } from './verb.ts';

export const compareVerb: Verb = {
  name: 'compare',
  summary: 'run two models on the same inputs and say how far apart they are',
  help: `modelpress compare REFERENCE MODEL [options]

      --samples N         random inputs (4)
      --seed N            of those inputs (0)
      --input NAME=FILE.npy|NUMBER   use this for an input
      --dim NAME=SIZE     size of a symbolic dimension
      --json              the report as JSON

Needs onnxruntime-node beside modelpress: it runs the models.
Example: modelpress compare model.onnx small.onnx --samples 8`,
  async run(args, signal) {
    const { positionals, lists, text, flags } = parse(args, {
      samples: { type: 'string' },
      seed: { type: 'string' },
      input: { type: 'string', multiple: true },
      dim: { type: 'string', multiple: true },
      random: { type: 'boolean' },
    });
    const [reference, other, ...rest] = positionals;
    if (reference === undefined || other === undefined || rest.length > 0) {
      throw new UsageError('compare takes two models: modelpress compare REFERENCE MODEL');
    }
    const first = await openModel(reference);
    const second = await openModel(other);
    const runner = await findOnnxRuntime();
    if (runner === null) {
      throw new UnsupportedError('there is nothing that could run the models', {
        code: 'E_NO_RUNNER',
        hint: 'npm install onnxruntime-node',
      });
    }
    const report = await compareBytes(
      { model: first.model, bytes: await first.source.read(0, first.source.size) },
      await second.source.read(0, second.source.size),
      {
        runner,
        samples: wholeNumber('samples', text.get('samples'), 1) ?? 4,
        seed: wholeNumber('seed', text.get('seed')) ?? 0,
        given: parseInputs(first.model, lists.get('input') ?? []),
        bindings: parseDims(lists.get('dim') ?? []),
        signal,
      },
    );
    if (flags.has('json')) printJson(report);
    else print(compareText(report));
    return 0;
  },
};
