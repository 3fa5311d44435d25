import { breather } from '../core/breathe.ts';
import { dtypes } from '../core/dtype.ts';
import { checkAborted, rangeError, typeError } from '../core/errors.ts';
import { random } from '../core/random.ts';
import { formatShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { ops } from '../ops/index.ts';
import { libraryBackend } from '../wasm/library.ts';
import { type Contract, loweringsOf } from './contract.ts';
import type { Data } from './data.ts';
import { evaluators } from './generic/index.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type NodeProfile, Profile } from './profile.ts';
import { Program, type Watch } from './program.ts';
import type { ActivationBlock } from './resources.ts';
import type { ValueInfo } from './runner.ts';
import { States } from './states.ts';

/** What a session takes for an input, and gives for an output. */
export type RunFeeds = Readonly<Record<string, Data | TensorLike>>;

/** A tensor of another library, as onnxruntime-common's. */
export interface TensorLike {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface SessionOptions {
  /** For operators that draw random numbers without a seed of their own; default 0. */
  seed?: number;
  /** How quantized operators round; default 'single'. 'reference' is slower, and gives the bits of TFLite's reference
   *  kernels: for comparing with a microcontroller, or with files of their results. */
  contract?: Contract;
}

export interface RunOptions {
  /** Names of the outputs that are wanted; default all but the states. */
  outputs?: readonly string[];
}

export interface RunAsyncOptions extends RunOptions {
  /** Looked at between steps. */
  signal?: AbortSignal;
}

/** Kernel memory of a session, bytes. */
export interface SessionMemory {
  /** Weights of the model, shared by all of its sessions. */
  weights: number;
  /** The block in which it runs. */
  activations: number;
}

/** A model that runs.
 *  @param model    from `readModel`; its weights in memory (see `loadWeights`). It is not changed, and may be
 *                  compressed or written while sessions of it live
 *  @throws {UnsupportedError} no WebAssembly SIMD here
 *  @throws {RangeError} an option is none
 *  Cost: rewrites the graph once for all sessions of the model; plans and weights are made at the first run. */
export function createSession(model: Model, options: SessionOptions = {}): Session {
  return new Session(model, options);
}

/** Runs a model on tensors. `createSession` makes them; `dispose` gives their memory back. */
export class Session {
  /** Without the states. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #prepared: Prepared;
  readonly #program: Program;
  readonly #activations: Activations = new Activations();
  readonly #inputValues: Map<string, Value> = new Map();
  readonly #outputNames: readonly string[];
  readonly #aliases: Model['aliases'];
  readonly #states: States;
  #disposed = false;
  #busy = false;

  /** Use `createSession`. */
  constructor(model: Model, { seed = 0, contract = 'single' }: SessionOptions) {
    libraryBackend();
    const lowerings = loweringsOf(contract);
    this.#prepared = prepare(model, contract);
    this.#prepared.users++;
    const { graph } = this.#prepared.model;
    for (const value of graph.inputs) this.#inputValues.set(value.name, value);
    const states = new States(this.#prepared.model);
    this.#states = states;
    this.#aliases = this.#prepared.model.aliases;
    this.#outputNames = graph.outputs.map(({ name }) => name);
    this.inputs = graph.inputs.filter(({ name }) => !states.inputs.has(name)).map(infoOf);
    this.outputs = graph.outputs.filter(({ name }) => !states.outputs.has(name)).map(infoOf);
    this.#program = new Program(graph, {
      ops,
      tables: { lowerings, evaluators },
      store: this.#prepared.store,
      random: random(seed),
      activations: this.#activations,
    });
  }

  /** Runs the model once. What it remembers (`Model.states`) is zeros at first, then as the run before left it, unless
   *  it is fed.
   *  @param feeds  a tensor for each input, by name, or as the signature calls it that the model was read for; a
   *                sequence is an array, an empty optional is null
   *  @returns      a tensor for each output, by name, in memory of its own
   *  @throws {TypeError} an input is missing, unknown or of another type; the session is disposed of or running
   *  @throws {RangeError} sizes that are not the declared ones
   *  @throws {ShapeError} sizes that operators can't take
   *  @throws {UnsupportedError} an operator that doesn't run
   *  @throws {MemoryError} no room
   *  Deterministic: the same bits in every runtime. */
  run(feeds: RunFeeds, options: RunOptions = {}): Record<string, Tensor> {
    return this.#run(feeds, options, {});
  }

  /** The same, letting others run in between.
   *  @throws {AbortError} the signal was aborted */
  async runAsync(feeds: RunFeeds, options: RunAsyncOptions = {}): Promise<Record<string, Tensor>> {
    const given = this.#begin(feeds);
    const breathe = breather();
    try {
      const steps = this.#program.steps(given, () => undefined, {});
      let step = steps.next();
      while (!step.done) {
        checkAborted(options.signal);
        await breathe();
        if (this.#disposed)
          throw typeError('session', 'one that lives until it has run', 'disposed');
        step = steps.next();
      }
      return this.#results(step.value, options);
    } finally {
      this.#busy = false;
    }
  }

  /** Runs the model, and says what each node cost.
   *  @param runs  how often, default 1: times are added up */
  profile(feeds: RunFeeds, runs = 1): NodeProfile[] {
    const profile = new Profile();
    for (let run = 0; run < runs; run++) this.#run(feeds, {}, { profile });
    return profile.rows();
  }

  /** Forgets what the model remembers: the next run is as the first. */
  reset(): void {
    if (this.#busy) throw typeError('session', 'one that is not running', 'running');
    this.#states.reset();
  }

  /** Kernel memory that it holds at present. */
  memory(): SessionMemory {
    return { weights: this.#prepared.store.bytes, activations: this.#activations.bytes };
  }

  /** Gives its memory back; the weights' when it is the last session of its model. Twice is fine. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#activations.free();
    this.#prepared.users--;
    if (this.#prepared.users === 0) this.#prepared.store.free();
  }

  #run(feeds: RunFeeds, options: RunOptions, watch: Watch): Record<string, Tensor> {
    const given = this.#begin(feeds);
    try {
      return this.#results(
        this.#program.run(given, () => undefined, watch),
        options,
      );
    } finally {
      this.#busy = false;
    }
  }

  #begin(feeds: RunFeeds): Map<Value, Data> {
    if (this.#disposed) throw typeError('session', 'one that lives', 'disposed');
    if (this.#busy) throw typeError('session', 'one that is not running', 'running');
    const given = new Map<Value, Data>();
    for (const [name, data] of Object.entries(feeds)) {
      const own = this.#inputValues.has(name) ? name : this.#aliases.inputs.get(name);
      const value = own === undefined ? undefined : this.#inputValues.get(own);
      if (value === undefined) {
        const names = [...this.#inputValues.keys()].join(' | ');
        throw typeError('feeds', `inputs ${names}`, name);
      }
      given.set(value, checked(name, value, data));
    }
    this.#states.feed(given);
    for (const [name, value] of this.#inputValues) {
      if (!given.has(value)) throw typeError(`feeds.${name}`, 'a tensor', undefined);
    }
    this.#busy = true;
    return given;
  }

  #results(data: readonly Data[], { outputs }: RunOptions): Record<string, Tensor> {
    const results: Record<string, Tensor> = {};
    const wanted = outputs ?? this.#outputNames.filter((name) => !this.#states.outputs.has(name));
    for (const name of wanted) {
      const own = this.#outputNames.includes(name) ? name : this.#aliases.outputs.get(name);
      const index = own === undefined ? -1 : this.#outputNames.indexOf(own);
      if (index < 0) throw typeError('outputs', this.#outputNames.join(' | '), name);
      results[name] = data[index] as Tensor;
    }
    this.#states.keep(data);
    return results;
  }
}

function infoOf({ name, type }: Value): ValueInfo {
  return type?.kind === 'tensor'
    ? { name, type: type.dtype, dims: type.shape }
    : { name, type: null, dims: null };
}

/** What was fed, checked against what the input declares. */
function checked(name: string, { type }: Value, data: RunFeeds[string]): Data {
  if (data === null || Array.isArray(data)) {
    if (type === null || type.kind === 'sequence' || type.kind === 'optional') return data as Data;
    throw typeError(`feeds.${name}`, `a ${type.kind}`, data);
  }
  const tensor = asTensor(name, data as Tensor | TensorLike);
  if (type?.kind !== 'tensor') return tensor;
  if (type.dtype !== null && type.dtype !== tensor.type)
    throw typeError(`feeds.${name}`, `a tensor of ${type.dtype}`, tensor.type);
  const { shape } = type;
  const fits =
    shape === null ||
    (shape.length === tensor.dims.length &&
      shape.every((dim, axis) => typeof dim !== 'number' || dim === tensor.dims[axis]));
  if (!fits)
    throw rangeError(`feeds.${name}`, `sizes ${formatShape(shape)}`, `[${tensor.dims.join(', ')}]`);
  return tensor;
}

function asTensor(name: string, data: Tensor | TensorLike): Tensor {
  if (data instanceof Tensor) return data;
  if (typeof data !== 'object' || !(data.type in dtypes))
    throw typeError(`feeds.${name}`, 'a Tensor', data);
  return new Tensor(data.type as Tensor['type'], data.data as Tensor['data'], data.dims);
}

/** The block in which a session's plans run, one at a time. */
class Activations implements ActivationBlock {
  #address = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  atLeast(bytes: number): number {
    if (this.#address !== 0 && bytes <= this.#bytes) return this.#address;
    const { arena } = libraryBackend();
    this.free();
    this.#address = arena.allocate('activations', bytes);
    this.#bytes = bytes;
    return this.#address;
  }

  free(): void {
    if (this.#address !== 0) libraryBackend().arena.free(this.#address);
    this.#address = 0;
    this.#bytes = 0;
  }
}
