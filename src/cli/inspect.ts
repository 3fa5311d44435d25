import { inspect } from '../passes/inspect.ts';
import { inspectText } from '../report/inspect-text.ts';
import { optimizedText } from '../report/optimized-text.ts';
import { inspectOptimized } from '../runtime/inspect-optimized.ts';
import { print, printJson } from './console.ts';
import { parseDims } from './feeds.ts';
import { openModel } from './model.ts';
import { parse, UsageError } from './options.ts';
import type { Verb } from './verb.ts';

export const inspectVerb: Verb = {
  name: 'inspect',
  summary: 'say what a model is made of: operators, parameters, MACs, types, what is large',
  help: `modelpress inspect MODEL [options]

      --dim NAME=SIZE     count for this size of a symbolic dimension (1)
      --full              every layer
      --optimized         what a session makes of the graph: operators before and after, rewrites, and why not
      --json              the report as JSON

Example: modelpress inspect model.onnx --dim batch=8`,
  async run(args) {
    const { positionals, flags, lists } = parse(args, {
      dim: { type: 'string', multiple: true },
      full: { type: 'boolean' },
      optimized: { type: 'boolean' },
    });
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0)
      throw new UsageError('inspect takes one model: modelpress inspect MODEL');
    const { model } = await openModel(path);
    const report = inspect(model, { bindings: parseDims(lists.get('dim') ?? []) });
    const full = flags.has('full');
    const optimized = flags.has('optimized') ? inspectOptimized(model) : null;
    if (flags.has('json')) printJson(optimized === null ? report : { ...report, optimized });
    else {
      print(inspectText(report, { full }));
      if (optimized !== null) print(`\n${optimizedText(optimized, { full })}`);
    }
    return 0;
  },
};
