import { existsSync } from 'node:fs';
import { convert } from '../convert.ts';
import { formats } from '../formats/index.ts';
import { createFile, filesBeside } from '../host/files.ts';
import { conversionText } from '../report/conversion-text.ts';
import { note, print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { openModel } from './model.ts';
import { type OptionTable, oneOf, parse, UsageError, wholeNumber } from './options.ts';
import { chooseRunner } from './runner.ts';
import type { Verb } from './verb.ts';

const options: OptionTable = {
  output: { type: 'string', short: 'o' },
  to: { type: 'string' },
  opset: { type: 'string' },
  'min-runtime': { type: 'string' },
  layout: { type: 'string' },
  signature: { type: 'string' },
  samples: { type: 'string' },
  seed: { type: 'string' },
  input: { type: 'string', multiple: true },
  dim: { type: 'string', multiple: true },
  'no-proof': { type: 'boolean' },
  runner: { type: 'string' },
  force: { type: 'boolean', short: 'f' },
  full: { type: 'boolean' },
  layers: { type: 'boolean' },
};

export const convertVerb: Verb = {
  name: 'convert',
  summary: 'write a model in another format or operator set, and prove that it computes the same',
  help: `modelpress convert IN -o OUT [options]

  -o, --output FILE       where the new model goes; its ending says the format: .onnx, .tflite
      --to FORMAT         the format where the ending does not say it: onnx or tflite
      --opset N           ONNX: operator set of ai.onnx to write, 7 to 27 (that of IN)
      --min-runtime V     TFLite: oldest release of the runtime that is to load OUT, such as 2.3
      --layout LAYOUT     NCHW or NHWC: where images that come in and go out have their channels (as in IN)
      --signature KEY     TFLite: the signature of IN to convert (the first subgraph)
      --samples N         random inputs that both models run on for the proof (4)
      --seed N            of those inputs (0)
      --input NAME=FILE.npy|NUMBER   use this for an input in the proof
      --dim NAME=SIZE     size of a symbolic dimension in the proof
      --no-proof          don't run the models
      --runner RUNNER     what runs them: modelpress (default), or onnxruntime (onnxruntime-node beside it; ONNX only)
  -f, --force             overwrite OUT
      --full              list every node that was adapted
      --layers            list every value on the way to the outputs, and how far it differs
      --json              the report as JSON

Examples: modelpress convert model.onnx -o model.tflite --layout NHWC
          modelpress convert model.onnx -o older.onnx --opset 13`,
  async run(args, signal) {
    const { positionals, lists, text, flags } = parse(args, options);
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0)
      throw new UsageError('convert takes one model: modelpress convert IN -o OUT');
    const output = text.get('output');
    if (output === undefined) throw new UsageError('where to? give -o OUT');
    if (existsSync(output) && !flags.has('force'))
      throw new UsageError(`${output} exists`, 'use --force to overwrite it');
    const to = formatOf(output, text.get('to'));
    const opset = wholeNumber('opset', text.get('opset'), 1);
    const minRuntime = releaseOf(text.get('min-runtime'));
    const layout = oneOf('layout', text.get('layout'), ['NCHW', 'NHWC']);
    const signature = text.get('signature');
    const runner = flags.has('no-proof') ? null : await chooseRunner(text.get('runner'));
    const { model, source, external } = await openModel(path, signature);
    if (runner !== null && runner.loadModel === undefined && (to ?? 'onnx') !== 'onnx')
      throw new UsageError(`${runner.name} runs no ${to} models`, 'leave --runner out');
    if (external && runner !== null)
      note('models with external data are not run', flags.has('quiet'));
    const { bytes, report } = await convert(source, {
      ...(external ? { external: filesBeside(path) } : {}),
      ...(to === undefined ? {} : { to }),
      ...(opset === undefined ? {} : { opset }),
      ...(minRuntime === undefined ? {} : { minRuntime }),
      ...(layout === undefined ? {} : { layout }),
      ...(signature === undefined ? {} : { signature }),
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
    else print(conversionText(report, { full: flags.has('full'), layers: flags.has('layers') }));
    return 0;
  },
};

/** The format of a file that is to be written: by name, by its ending, or undefined.
 *  @throws {UsageError} no format has that name */
function formatOf(path: string, name: string | undefined): string | undefined {
  const writable = formats.filter(({ write }) => write !== undefined);
  const named = oneOf(
    'to',
    name,
    writable.map((format) => format.name),
  );
  if (named !== undefined) return named;
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase();
  return writable.find(({ extensions }) => extensions.includes(ending ?? ''))?.name;
}

function releaseOf(text: string | undefined): string | undefined {
  if (text === undefined || /^\d+\.\d+(\.\d+)?$/.test(text)) return text;
  throw new UsageError(`--min-runtime takes a release such as 2.3, not "${text}"`);
}
