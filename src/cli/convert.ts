import { existsSync } from 'node:fs';
import { convert } from '../convert.ts';
import { createFile, filesBeside } from '../host/files.ts';
import { conversionText } from '../report/conversion-text.ts';
import { print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { openModel } from './model.ts';
import { parse, UsageError, wholeNumber } from './options.ts';
import { chooseRunner } from './runner.ts';
import type { Verb } from './verb.ts';

export const convertVerb: Verb = {
  name: 'convert',
  summary: 'write a model in another operator set, and prove that it computes the same',
  help: `modelpress convert IN -o OUT [options]

  -o, --output FILE       where the new model goes
      --opset N           operator set of ai.onnx to write: 7 to 27 (that of IN)
      --samples N         random inputs that both models run on for the proof (4)
      --seed N            of those inputs (0)
      --input NAME=FILE.npy|NUMBER   use this for an input in the proof
      --dim NAME=SIZE     size of a symbolic dimension in the proof
      --no-proof          don't run the models
      --runner RUNNER     what runs them: modelpress (default), or onnxruntime (onnxruntime-node beside it)
  -f, --force             overwrite OUT
      --full              list every node that was adapted
      --json              the report as JSON

Example: modelpress convert model.onnx -o older.onnx --opset 13`,
  async run(args, signal) {
    const { positionals, lists, text, flags } = parse(args, {
      output: { type: 'string', short: 'o' },
      opset: { type: 'string' },
      samples: { type: 'string' },
      seed: { type: 'string' },
      input: { type: 'string', multiple: true },
      dim: { type: 'string', multiple: true },
      'no-proof': { type: 'boolean' },
      runner: { type: 'string' },
      force: { type: 'boolean', short: 'f' },
      full: { type: 'boolean' },
    });
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0)
      throw new UsageError('convert takes one model: modelpress convert IN -o OUT');
    const output = text.get('output');
    if (output === undefined) throw new UsageError('where to? give -o OUT');
    if (existsSync(output) && !flags.has('force'))
      throw new UsageError(`${output} exists`, 'use --force to overwrite it');
    const opset = wholeNumber('opset', text.get('opset'), 1);
    const runner = flags.has('no-proof') ? null : await chooseRunner(text.get('runner'));
    const { model, source, external } = await openModel(path);
    const { bytes, report } = await convert(source, {
      ...(external ? { external: filesBeside(path) } : {}),
      ...(opset === undefined ? {} : { opset }),
      runner: external ? null : runner,
      samples: wholeNumber('samples', text.get('samples'), 1) ?? 4,
      seed: wholeNumber('seed', text.get('seed')) ?? 0,
      given: parseInputs(model, lists.get('input') ?? []),
      bindings: parseDims(lists.get('dim') ?? []),
      signal,
    });
    const file = await createFile(output);
    try {
      await file.sink.write(bytes);
      await file.commit();
    } catch (error) {
      await file.discard();
      throw error;
    }
    if (flags.has('json')) printJson(report);
    else print(conversionText(report, { full: flags.has('full') }));
    return 0;
  },
};
