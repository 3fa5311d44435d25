#!/usr/bin/env node
import { createRequire } from 'node:module';
import { benchVerb } from './bench.ts';
import { compareVerb } from './compare.ts';
import { compressVerb } from './compress.ts';
import { complain, print } from './console.ts';
import { convertVerb } from './convert.ts';
import { inspectVerb } from './inspect.ts';
import { nearest, UsageError } from './options.ts';
import { runVerb } from './run.ts';
import type { Verb } from './verb.ts';

const verbs: readonly Verb[] = [
  inspectVerb,
  convertVerb,
  compressVerb,
  compareVerb,
  runVerb,
  benchVerb,
];

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const verb = verbs.find((known) => known.name === rest[0]);
    print(verb?.help ?? overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    const require = createRequire(import.meta.url);
    print((require('modelpress/package.json') as { version: string }).version);
    return 0;
  }
  const verb = verbs.find((known) => known.name === name);
  if (verb === undefined) {
    const near = nearest(
      name,
      verbs.map((known) => known.name),
    );
    const hint =
      near === null
        ? `verbs: ${verbs.map((known) => known.name).join(', ')}`
        : `did you mean ${near}?`;
    throw new UsageError(`there is no verb "${name}"`, hint);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    print(verb.help);
    return 0;
  }
  const stop = new AbortController();
  process.on('SIGINT', () => {
    // The second time the user means it: the exit handlers still remove temporary files.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
  process.on('SIGTERM', () => stop.abort());
  const code = await verb.run(rest, stop.signal);
  return code;
}

function overview(): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  const list = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `modelpress: smaller neural-network models, and the proof

${list.join('\n')}

modelpress VERB --help tells more. Exit codes: 0 ok, 1 failure, 2 wrong usage, 3 target not met.
Example: modelpress compress model.onnx -o small.onnx --quantize int8`;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = complain(error);
}
