import { random } from '../core/random.ts';
import { clone } from '../ir/clone.ts';
import type { Model } from '../ir/model.ts';
import type { MemoryReport, NodeReport } from '../report/run.ts';
import { type Contract, isContract } from '../runtime/contract.ts';
import { type FindOptions, type Found, findInputs } from '../runtime/find-inputs.ts';
import {
  createSession,
  type Feeds,
  loadWeights,
  type NodeProfile,
  type Runnable,
  type Session,
} from '../runtime/index.ts';
import { inputsOf } from '../runtime/inputs.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { openModel } from './model.ts';
import { type OptionTable, type Parsed, UsageError, wholeNumber } from './options.ts';

/** Options of the verbs that run one model. */
export const feedOptions: OptionTable = {
  input: { type: 'string', multiple: true },
  dim: { type: 'string', multiple: true },
  seed: { type: 'string' },
  contract: { type: 'string' },
};

/** Help of these options. */
export const feedHelp: string = `      --input NAME=FILE.npy|NUMBER   use this for an input
      --dim NAME=SIZE     size of a symbolic dimension of random inputs; else one is searched for
      --seed N            of random inputs (0)
      --contract single|reference   how quantized operators round: once (default), or as TFLite's reference kernels`;

/** A model in a session, and what it is fed. */
export interface Loaded {
  session: Session;
  feeds: Feeds;
  /** Names of the inputs that were given. */
  given: ReadonlySet<string>;
  bindings: Record<string, number>;
  /** From the file to the session. */
  loadMs: number;
}

/** Opens a model and makes a session of it and inputs for it.
 *  @param mayBeRandom  whether inputs that are not given are made up
 *  @throws {UsageError} an input is missing, or wrong */
export async function load(
  path: string,
  { lists, text }: Parsed,
  mayBeRandom: boolean,
): Promise<Loaded> {
  const seed = wholeNumber('seed', text.get('seed')) ?? 0;
  const fixed = parseDims(lists.get('dim') ?? []);
  const began = performance.now();
  const { model } = await openModel(path);
  await loadWeights(model);
  const session = createSession(model, { contract: contractOf(text.get('contract')) });
  const loadMs = performance.now() - began;
  const given = parseInputs(model, lists.get('input') ?? []);
  const missing = inputsOf(model).filter(({ name }) => given[name] === undefined);
  if (missing.length > 0 && !mayBeRandom) {
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    throw new UsageError(`no value for ${names}`, 'give --input NAME=FILE.npy, or --random');
  }
  const found = missing.length > 0 ? await search(model, { bindings: fixed, given }) : null;
  return {
    session,
    feeds: found === null ? given : found.make(random(seed)),
    given: new Set(Object.keys(given)),
    bindings: found?.bindings ?? {},
    loadMs,
  };
}

/** @throws {UsageError} no contract */
function contractOf(name = 'single'): Contract {
  if (isContract(name)) return name;
  throw new UsageError(`--contract "${name}" is none`, 'single | reference');
}

/** Finds inputs on a copy of the model, so that the first run of the session stays the first. */
async function search(model: Model, options: FindOptions): Promise<Found> {
  const trial = createSession(clone(model));
  const isSettled = trial.inputs.every(
    ({ type, dims }) =>
      type?.startsWith('float') === true && dims?.every((dim) => typeof dim === 'number') === true,
  );
  const runnable: Runnable = {
    async run(feeds) {
      if (!isSettled) trial.run(feeds);
      return {};
    },
    dispose: async () => trial.dispose(),
  };
  try {
    return await findInputs(runnable, model, options);
  } finally {
    await runnable.dispose();
  }
}

/** A session's memory for a report. */
export function memoryOf(session: Session): MemoryReport {
  return { ...session.memory() };
}

/** A session's profile for a report: of one run. */
export function nodesOf(rows: readonly NodeProfile[]): NodeReport[] {
  return rows.map(({ node, op, kernel, runs, ms, macs }) => ({
    node,
    op,
    kernel,
    runs,
    ms: ms / runs,
    macs,
  }));
}
