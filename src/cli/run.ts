import { Tensor } from '../core/tensor.ts';
import type { RunOutput, RunReport } from '../report/run.ts';
import { runText } from '../report/run-text.ts';
import type { Data } from '../runtime/data.ts';
import { numbersOf } from '../runtime/generic/elements.ts';
import { note, print, printJson } from './console.ts';
import { feedHelp, feedOptions, load, memoryOf, nodesOf } from './loaded.ts';
import { parse, UsageError } from './options.ts';
import type { Verb } from './verb.ts';
import { fileNames, type NamedTensor, refuseExisting, writeTensors } from './write-tensors.ts';

export const runVerb: Verb = {
  name: 'run',
  summary: 'run a model, and show or save what comes out',
  help: `modelpress run MODEL [options]

${feedHelp}
      --random            make up the inputs that are not given
      --output-dir DIR    write every output as DIR/NAME.npy
  -f, --force             overwrite these files
      --profile           what each node cost
      --full              list every node
      --json              the report as JSON
  -q, --quiet             no notes

Example: modelpress run model.onnx --input x=picture.npy --output-dir results`,
  async run(args, signal) {
    const parsed = parse(args, {
      ...feedOptions,
      random: { type: 'boolean' },
      'output-dir': { type: 'string' },
      force: { type: 'boolean', short: 'f' },
      profile: { type: 'boolean' },
      full: { type: 'boolean' },
    });
    const { positionals, flags, text } = parsed;
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0)
      throw new UsageError('run takes one model: modelpress run MODEL');
    const folder = text.get('output-dir');
    const { session, feeds, given, bindings } = await load(path, parsed, flags.has('random'));
    const began = performance.now();
    const results = await session.runAsync(feeds, { signal });
    const ms = performance.now() - began;
    const tensors = tensorsOf(results);
    const report: RunReport = {
      kind: 'run',
      version: 1,
      inputs: Object.entries(feeds).map(([name, { type, dims }]) => ({
        name,
        type,
        dims,
        from: given.has(name) ? 'given' : 'random',
      })),
      bindings,
      outputs: Object.entries(results).flatMap(([name, data]) => describeAll(name, data)),
      ms,
      memory: memoryOf(session),
      nodes: flags.has('profile') ? nodesOf(session.profile(feeds)) : [],
    };
    if (folder !== undefined) {
      const files = fileNames(folder, tensors);
      if (!flags.has('force')) refuseExisting(files.values());
      const { skipped } = await writeTensors(folder, files, signal);
      for (const output of report.outputs) {
        for (const [{ name }, file] of files)
          if (name === output.name && !skipped.has(name)) output.file = file;
      }
      for (const [name, why] of skipped) note(`${name} is not written: ${why}`, flags.has('quiet'));
    }
    session.dispose();
    if (flags.has('json')) printJson(report);
    else print(runText(report, { full: flags.has('full') }));
    return 0;
  },
};

/** Outputs, and elements of those that are sequences as `NAME.0`, `NAME.1`… */
function tensorsOf(results: Readonly<Record<string, Data>>): NamedTensor[] {
  const flat = (name: string, data: Data): NamedTensor[] => {
    if (data instanceof Tensor) return [{ name, tensor: data }];
    return (data ?? []).flatMap((item, index) => flat(`${name}.${index}`, item));
  };
  return Object.entries(results).flatMap(([name, data]) => flat(name, data));
}

function describeAll(name: string, data: Data): RunOutput[] {
  if (data instanceof Tensor) return [describeTensor(name, data)];
  const own = emptyOutput(name, data === null ? 'empty optional' : 'sequence');
  const items = (data ?? []).flatMap((item, index) => describeAll(`${name}.${index}`, item));
  return [{ ...own, dims: data === null ? null : [data.length] }, ...items];
}

function emptyOutput(name: string, type: string): RunOutput {
  const nothing = { min: null, max: null, mean: null, notANumber: 0, largest: null, file: null };
  return { name, type, dims: null, ...nothing };
}

function describeTensor(name: string, tensor: Tensor): RunOutput {
  const output = { ...emptyOutput(name, tensor.type), dims: tensor.dims };
  if (tensor.type === 'string' || tensor.type.startsWith('complex')) return output;
  const numbers = numbersOf(tensor);
  let sum = 0;
  let count = 0;
  let at = -1;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    if (Number.isNaN(value)) {
      output.notANumber++;
      continue;
    }
    if (output.min === null || value < output.min) output.min = value;
    if (output.max === null || value > output.max) {
      output.max = value;
      at = i;
    }
    sum += value;
    count++;
  }
  if (count > 0) output.mean = sum / count;
  const isRow = numbers.length > 1 && tensor.dims.at(-1) === numbers.length;
  return { ...output, largest: isRow && at >= 0 ? at : null };
}
