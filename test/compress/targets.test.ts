import { type ChildProcess, fork } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TargetRuntime } from '../../src/compress/activations/roles.ts';
import { type KernelRow, kernelRows, missingRows } from '../../src/compress/targets.ts';
import { readModel } from '../../src/formats/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { runner } from '../ort.ts';
import { onnxWith } from './runtime-kernels.ts';

const targets = suite('what runtimes have kernels for');

/** Why a file does not load, or null. */
type Load = (bytes: Uint8Array) => Promise<string | null>;

let web: ChildProcess | null = null;

targets.after(() => {
  web?.kill('SIGKILL');
});

const message = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);

const loaders: Partial<Record<TargetRuntime, Load>> = {
  async onnxruntime(bytes) {
    try {
      await (await runner.load(bytes)).dispose();
      return null;
    } catch (error) {
      return message(error);
    }
  },
  'onnxruntime-web'(bytes) {
    web ??= fork(new URL('../peers/onnxruntime-web.ts', import.meta.url), {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const child = web;
    return new Promise((resolve) => {
      child.once('message', (answer) => resolve((answer as { why: string | null }).why));
      child.send(bytes);
    });
  },
  async modelpress(bytes) {
    try {
      createSession(await readModel(bytes)).dispose();
      return null;
    } catch (error) {
      return message(error);
    }
  },
};

async function check(rows: readonly KernelRow[], target: TargetRuntime): Promise<number> {
  let count = 0;
  for (const { operator, types, runtimes } of rows) {
    for (const type of types) {
      const bytes = onnxWith(operator, type);
      if (bytes === null) continue;
      count++;
      const why = await loaders[target]!(bytes);
      const name = `${operator} ${type} in ${target}`;
      if (runtimes.includes(target)) assert.is(why, null, name);
      else if (rows === missingRows) assert.is.not(why, null, name);
    }
  }
  return count;
}

for (const target of ['onnxruntime', 'onnxruntime-web', 'modelpress'] as const) {
  targets(`${target}: every row loads`, async () => {
    assert.ok((await check(kernelRows, target)) > 50);
  });
}

for (const target of ['onnxruntime', 'onnxruntime-web'] as const) {
  targets(`${target}: nothing loads that is not in the table`, async () => {
    assert.is(await check(missingRows, target), 6);
  });
}

targets.run();
