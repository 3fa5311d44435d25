import { type ChildProcess, fork } from 'node:child_process';
import { Tensor } from '../../src/core/tensor.ts';
import type { PeerAnswer, PeerRequest, PeerTensor } from './messages.ts';

/** What another TFLite runtime makes of a model. */
export interface TfliteRun {
  /** In the order of the model's outputs. */
  readonly outputs: Tensor[];
  /** Of the outputs. */
  readonly names: string[];
  /** The inputs as the runtime knows them, with what they held. */
  readonly inputs: { name: string; tensor: Tensor }[];
}

/** The runtime refused a model, or failed on it. */
export class TfliteRunError extends Error {
  /** `load`: the file; `run`: an operator, or the feeds; `crash`: it took the process with it, or ran too long. */
  readonly stage: 'load' | 'run' | 'crash';

  constructor(stage: 'load' | 'run' | 'crash', message: string) {
    super(message);
    this.stage = stage;
  }
}

interface Options {
  readonly timeoutMs?: number;
}

/** One process runs this many models: their memory is never given back. */
const modelsPerProcess = 200;
const bytesPerProcess = 200e6;

interface Peer {
  child: ChildProcess;
  models: number;
  bytes: number;
}

let running: Peer | null = null;
let last: Promise<unknown> = Promise.resolve();

/** Runs a TFLite file once, from its first state, in tfjs-tflite, in a process of its own.
 *  @param feeds  tensors in the order of the inputs, or by tensor name; sizes other than the file's are set first
 *  @throws {TfliteRunError} it does not load, fails, crashes, or takes longer than `timeoutMs` (20 s) */
export async function runTflite(
  bytes: Uint8Array,
  feeds: readonly Tensor[] | Readonly<Record<string, Tensor>>,
  options: Options = {},
): Promise<TfliteRun> {
  let ordered = feeds;
  if (!Array.isArray(ordered)) {
    const byName = feeds as Readonly<Record<string, Tensor>>;
    const { inputs } = await loadTflite(bytes, options);
    ordered = inputs.map(({ name }) => {
      const tensor = byName[name];
      if (tensor === undefined) throw new TfliteRunError('run', `no feed for input "${name}"`);
      return tensor;
    });
  }
  const list = (ordered as readonly Tensor[]).map(({ type, dims, data }) => ({ type, dims, data }));
  return ask({ bytes, feeds: list }, options);
}

/** Loads a TFLite file there: its inputs and outputs, before anything ran.
 *  @throws {TfliteRunError} it does not load */
export function loadTflite(bytes: Uint8Array, options: Options = {}): Promise<TfliteRun> {
  return ask({ bytes, feeds: null }, options);
}

/** Ends the process. It also ends with this one. */
export function closeTflite(): void {
  running?.child.removeAllListeners();
  running?.child.kill('SIGKILL');
  running = null;
}

/** One request after the other. */
function ask(request: PeerRequest, options: Options): Promise<TfliteRun> {
  const answer = last.then(() => answerOf(request, options));
  last = answer.catch(() => undefined);
  return answer;
}

async function answerOf(request: PeerRequest, { timeoutMs = 20_000 }: Options): Promise<TfliteRun> {
  running ??= start();
  const peer = running;
  peer.models++;
  peer.bytes += request.bytes.length;
  const answer = await answered(peer, request, timeoutMs);
  if ('failed' in answer) {
    // What failed may have left anything behind.
    closeTflite();
    throw new TfliteRunError(answer.failed, answer.message);
  }
  if (peer.models >= modelsPerProcess || peer.bytes >= bytesPerProcess) closeTflite();
  const tensor = ({ type, dims, data }: PeerTensor): Tensor => new Tensor(type, data, dims);
  return {
    outputs: answer.outputs.map(tensor),
    names: answer.outputs.map(({ name }) => name),
    inputs: answer.inputs.map((item) => ({ name: item.name, tensor: tensor(item) })),
  };
}

function start(): Peer {
  const child = fork(new URL('./tfjs-tflite.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.unref();
  return { child, models: 0, bytes: 0 };
}

function answered({ child }: Peer, request: PeerRequest, timeoutMs: number): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.channel?.unref();
    };
    const crashed = (reason: string): void => {
      done();
      closeTflite();
      reject(new TfliteRunError('crash', reason));
    };
    const timer = setTimeout(() => crashed(`no answer after ${timeoutMs / 1000} s`), timeoutMs);
    child.channel?.ref();
    child.once('message', (answer) => {
      done();
      resolve(answer as PeerAnswer);
    });
    child.once('exit', (code, signal) => crashed(`the process ended with ${signal ?? code}`));
    child.send(request);
  });
}
