import type { BenchReport, ModelTimes } from '../report/run.ts';
import { benchText } from '../report/run-text.ts';
import { ProgressLine, print, printJson } from './console.ts';
import { feedHelp, feedOptions, type Loaded, load, memoryOf, nodesOf } from './loaded.ts';
import { parse, UsageError, wholeNumber } from './options.ts';
import type { Verb } from './verb.ts';

/** Without --runs: as many runs of a model as fit into this time, within bounds. */
const budgetMs = 2000;
const fewestRuns = 5;
const mostRuns = 1000;

export const benchVerb: Verb = {
  name: 'bench',
  summary: 'measure how long models take, node by node, and what memory they need',
  help: `modelpress bench MODEL... [options]

      --runs N            how often each model runs (as often as fits into 2 s, 5 to 1000 times)
${feedHelp}
      --full              list every node
      --json              the report as JSON
  -q, --quiet             no progress

Inputs that are not given are random. Models take turns. One thread.
Example: modelpress bench model.onnx small.onnx --runs 100`,
  async run(args, signal) {
    const parsed = parse(args, {
      ...feedOptions,
      runs: { type: 'string' },
      full: { type: 'boolean' },
    });
    const { positionals, flags, text } = parsed;
    if (positionals.length === 0)
      throw new UsageError('bench takes models: modelpress bench MODEL...');
    const fixedRuns = wholeNumber('runs', text.get('runs'), 1);
    const trials: Trial[] = [];
    for (const path of positionals) trials.push(await begin(path, await load(path, parsed, true)));
    const most = fixedRuns ?? Math.max(...trials.map(runsInBudget));
    const progress = new ProgressLine(flags.has('quiet'));
    for (let round = 0; round < most; round++) {
      for (const trial of trials) {
        if (round < (fixedRuns ?? runsInBudget(trial))) await time(trial, signal);
      }
      progress.show('run', round + 1, most, '');
    }
    progress.clear();
    const report: BenchReport = { kind: 'bench', version: 1, models: trials.map(timesOf) };
    for (const { loaded } of trials) loaded.session.dispose();
    if (flags.has('json')) printJson(report);
    else print(benchText(report, { full: flags.has('full') }));
    return 0;
  },
};

interface Trial {
  path: string;
  loaded: Loaded;
  firstMs: number;
  secondMs: number;
  times: number[];
}

async function begin(path: string, loaded: Loaded): Promise<Trial> {
  const { session, feeds } = loaded;
  const times = [0, 0].map(() => {
    const began = performance.now();
    session.run(feeds);
    return performance.now() - began;
  });
  return { path, loaded, firstMs: times[0]!, secondMs: times[1]!, times: [] };
}

function runsInBudget({ secondMs }: Trial): number {
  return Math.min(Math.max(Math.ceil(budgetMs / Math.max(secondMs, 0.001)), fewestRuns), mostRuns);
}

/** Synchronous runs are what programs see; the event loop turns between them, so that an interrupt is heard. */
async function time({ loaded: { session, feeds }, times }: Trial, signal: AbortSignal) {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
  const began = performance.now();
  session.run(feeds);
  times.push(performance.now() - began);
}

function timesOf({ path, loaded, firstMs, times }: Trial): ModelTimes {
  const { session, feeds, bindings, loadMs } = loaded;
  const sorted = [...times].sort((a, b) => a - b);
  const nodes = nodesOf(session.profile(feeds, Math.min(times.length, 20)));
  return {
    model: path,
    bindings,
    loadMs,
    firstMs,
    bestMs: sorted[0]!,
    medianMs: sorted[Math.floor(sorted.length / 2)]!,
    runs: times.length,
    macs: nodes.reduce((sum, { macs }) => sum + macs, 0),
    memory: memoryOf(session),
    nodes,
  };
}
