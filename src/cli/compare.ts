import { compare } from '../compare.ts';
import { layersText } from '../report/conversion-text.ts';
import { explanationText } from '../report/explanation-text.ts';
import { printable } from '../report/printable.ts';
import { comparisonText } from '../report/text.ts';
import { note, print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { openModel } from './model.ts';
import { parse, UsageError, wholeNumber } from './options.ts';
import { chooseRunner } from './runner.ts';
import type { Verb } from './verb.ts';

export const compareVerb: Verb = {
  name: 'compare',
  summary: 'compare two models: weights, sizes, and outputs on the same inputs',
  help: `modelpress compare REFERENCE MODEL [options]

      --samples N         random inputs (4)
      --seed N            of those inputs (0)
      --input NAME=FILE.npy|NUMBER   use this for an input
      --dim NAME=SIZE     size of a symbolic dimension
      --runner RUNNER     modelpress (default), or onnxruntime: onnxruntime-node beside modelpress
      --layers            compare every value on the way to the outputs, too, and say what makes a quantized
                          model differ, with its causes; best with --input of a real sample
      --full              list every weight
      --json              the report as JSON

Example: modelpress compare model.onnx small.onnx --samples 8`,
  async run(args, signal) {
    const { positionals, lists, text, flags } = parse(args, {
      samples: { type: 'string' },
      seed: { type: 'string' },
      input: { type: 'string', multiple: true },
      dim: { type: 'string', multiple: true },
      random: { type: 'boolean' },
      runner: { type: 'string' },
      full: { type: 'boolean' },
      layers: { type: 'boolean' },
    });
    const [reference, other, ...rest] = positionals;
    if (reference === undefined || other === undefined || rest.length > 0) {
      throw new UsageError('compare takes two models: modelpress compare REFERENCE MODEL');
    }
    const quiet = flags.has('quiet');
    const runner = await chooseRunner(text.get('runner'));
    const first = await openModel(reference);
    const second = await openModel(other);
    const isLarge = first.external || second.external;
    if (isLarge) note('models with external data are not run', quiet);
    const report = await compare(first.model, second.model, {
      runner: isLarge ? null : runner,
      samples: wholeNumber('samples', text.get('samples'), 1) ?? 4,
      seed: wholeNumber('seed', text.get('seed')) ?? 0,
      given: parseInputs(first.model, lists.get('input') ?? []),
      bindings: parseDims(lists.get('dim') ?? []),
      layers: flags.has('layers'),
      signal,
    });
    if (flags.has('json')) printJson(report);
    else {
      print(comparisonText(report, { full: flags.has('full') }));
      if (report.layers !== null) print(`\n${layersText(report.layers, { all: true })}`);
      const full = flags.has('full');
      if (report.explanation !== null) print(`\n${explanationText(report.explanation, { full })}`);
      if (report.unexplained !== null) print(`\nNot explained: ${printable(report.unexplained)}`);
    }
    return 0;
  },
};
