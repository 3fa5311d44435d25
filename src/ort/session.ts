import type { DType } from '../core/dtype.ts';
import { rangeError, typeError, UnsupportedError } from '../core/errors.ts';
import { type ByteSource, bufferSource, toSource } from '../core/source.ts';
import { Tensor as OwnTensor } from '../core/tensor.ts';
import { readModel } from '../formats/index.ts';
import { readPath } from '../host/read-path.ts';
import { createSession, type Data, loadWeights, type Session } from '../runtime/index.ts';
import type { ValueInfo } from '../runtime/runner.ts';
import { fromOwn, type Tensor, type TensorType, toOwn } from './tensor.ts';

/** Options of onnxruntime: those that choose how to run (providers, threads, graph optimization) change nothing. */
export interface SessionOptions {
  /** Files with weights that the model names: what it calls them, and bytes, a Blob, or a path or URL. */
  externalData?: readonly (string | { path: string; data: Uint8Array | Blob | string })[];
  readonly [option: string]: unknown;
}

/** Options of one run; none changes a result. */
export type RunOptions = Readonly<Record<string, unknown>>;

export type OnnxValue = Tensor;
export type FeedsType = Readonly<Record<string, OnnxValue>>;
/** Names of the wanted outputs; or an object of them, with a tensor to write to or null. */
export type FetchesType = readonly string[] | Readonly<Record<string, OnnxValue | null>>;
export type ReturnType = Record<string, OnnxValue>;

export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: TensorType;
      readonly shape: readonly (number | string)[];
    };

/** A loaded model, as onnxruntime has it. */
export class InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  readonly #session: Session;
  /** Inputs that are scalars: onnxruntime takes one element of any rank for them, as [1]. */
  readonly #scalars: ReadonlySet<string>;

  /** Use `InferenceSession.create`. */
  constructor(session: Session) {
    this.#session = session;
    const scalars = session.inputs.filter(({ dims }) => dims?.length === 0);
    this.#scalars = new Set(scalars.map(({ name }) => name));
    this.inputNames = session.inputs.map(({ name }) => name);
    this.outputNames = session.outputs.map(({ name }) => name);
    this.inputMetadata = session.inputs.map(metadataOf);
    this.outputMetadata = session.outputs.map(metadataOf);
  }

  /** Loads a model.
   *  @param model  a path or URL, or the bytes of an .onnx file
   *  @throws {FormatError | UnsupportedError | LimitError} what can't be read or run */
  static create(
    model: string | ArrayBufferLike | Uint8Array,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  /** Loads a model from a part of a buffer. */
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    source: string | ArrayBufferLike | Uint8Array,
    second: SessionOptions | number = {},
    byteLength?: number | SessionOptions,
    fourth?: SessionOptions,
  ): Promise<InferenceSession> {
    const offset = typeof second === 'number' ? second : 0;
    const length = typeof byteLength === 'number' ? byteLength : undefined;
    const options =
      typeof second === 'object' ? second : typeof byteLength === 'object' ? byteLength : fourth;
    const bytes =
      typeof source === 'string' ? await readPath(source) : view(source, offset, length);
    const external = await externalFiles(options?.externalData ?? []);
    const model = await readModel(bytes, { format: 'onnx', external });
    await loadWeights(model);
    return new InferenceSession(createSession(model));
  }

  /** Runs the model.
   *  @param feeds    a tensor for each input
   *  @param fetches  the outputs that are wanted; default all
   *  @returns        tensors by name
   *  @throws {TypeError | RangeError | ShapeError | UnsupportedError} as `Session.run` */
  run(feeds: FeedsType, options?: RunOptions): Promise<ReturnType>;
  run(feeds: FeedsType, fetches: FetchesType, options?: RunOptions): Promise<ReturnType>;
  async run(feeds: FeedsType, second?: FetchesType | RunOptions): Promise<ReturnType> {
    if (typeof feeds !== 'object' || feeds === null || isTensorLike(feeds) || Array.isArray(feeds))
      throw typeError('feeds', 'an object of tensors by name', feeds);
    const wanted = this.#wanted(second);
    const own: Record<string, OwnTensor> = {};
    for (const [name, value] of Object.entries(feeds)) {
      if (!isTensorLike(value)) throw typeError(`feeds.${name}`, 'a Tensor', value);
      own[name] = this.#scalars.has(name)
        ? toOwn({ type: value.type, data: value.data, dims: [] })
        : toOwn(value);
    }
    const results = this.#session.run(own, { outputs: [...wanted.keys()] }) as Record<string, Data>;
    const returned: ReturnType = {};
    for (const [name, target] of wanted) {
      const data = results[name];
      if (!(data instanceof OwnTensor)) {
        throw new UnsupportedError(`output "${name}" is no tensor`, {
          code: 'E_OUTPUT_KIND',
          hint: 'use createSession of modelpress',
        });
      }
      const result = fromOwn(data);
      returned[name] = target === null ? result : copied(name, result, target);
    }
    return returned;
  }

  /** Gives its memory back. */
  async release(): Promise<void> {
    this.#session.dispose();
  }

  /** Does nothing: `Session.profile` of modelpress says what nodes cost. */
  startProfiling(): void {}

  /** Does nothing. */
  endProfiling(): void {}

  #wanted(second: FetchesType | RunOptions | undefined): Map<string, Tensor | null> {
    if (second !== undefined && (typeof second !== 'object' || second === null))
      throw typeError('fetches', 'names, or an object', second);
    if (isTensorLike(second)) throw typeError('fetches', 'names, or an object', second);
    const wanted = new Map<string, Tensor | null>();
    if (Array.isArray(second)) {
      if (second.length === 0) throw typeError('fetches', 'at least one name', second);
      for (const name of second as unknown[]) {
        if (typeof name !== 'string') throw typeError('fetches', 'names', name);
        if (!this.outputNames.includes(name))
          throw rangeError('fetches', this.outputNames.join(' | '), name);
        wanted.set(name, null);
      }
      return wanted;
    }
    // An object without an output's name is options.
    for (const [name, value] of Object.entries(second ?? {})) {
      if (!this.outputNames.includes(name)) continue;
      if (value === null || isTensorLike(value)) wanted.set(name, value);
    }
    if (wanted.size === 0) for (const name of this.outputNames) wanted.set(name, null);
    return wanted;
  }
}

/** The names under which onnxruntime-common has these types. */
export declare namespace InferenceSession {
  export type {
    FeedsType,
    FetchesType,
    ReturnType,
    ReturnType as OnnxValueMapType,
    RunOptions,
    SessionOptions,
    ValueMetadata,
  };
}

function view(source: ArrayBufferLike | Uint8Array, offset: number, length?: number): Uint8Array {
  if (source instanceof Uint8Array) return source;
  const isBuffer =
    source instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== 'undefined' && source instanceof SharedArrayBuffer);
  if (!isBuffer) throw typeError('model', 'a path, an ArrayBuffer or a Uint8Array', source);
  return new Uint8Array(source, offset, length ?? source.byteLength - offset);
}

async function externalFiles(
  list: NonNullable<SessionOptions['externalData']>,
): Promise<(member: string) => ByteSource | null> {
  const files = new Map<string, ByteSource>();
  const plain = (path: string): string => path.replace(/^\.\//, '');
  for (const item of list) {
    const { path, data } = typeof item === 'string' ? { path: item, data: item } : item;
    const bytes = typeof data === 'string' ? bufferSource(await readPath(data)) : toSource(data);
    files.set(plain(path), bytes);
    if (typeof item === 'string') files.set(item.slice(item.lastIndexOf('/') + 1), bytes);
  }
  return (member) => files.get(plain(member)) ?? null;
}

function isTensorLike(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'dims' in value && 'type' in value;
}

/** The result in the elements of the tensor that the caller gave. */
function copied(name: string, result: Tensor, target: Tensor): Tensor {
  const fits =
    target.type === result.type &&
    target.dims.length === result.dims.length &&
    target.dims.every((dim, axis) => dim === result.dims[axis]);
  if (!fits || result.type === 'string' || Array.isArray(target.data)) {
    const got = `${target.type} [${target.dims}]`;
    throw rangeError(`fetches.${name}`, `${result.type} [${result.dims}]`, got);
  }
  (target.data as Uint8Array).set(result.data as Uint8Array);
  return target;
}

function metadataOf({ name, type, dims }: ValueInfo): ValueMetadata {
  if (type === null) return { name, isTensor: false };
  // A size without a name is an empty name in onnxruntime.
  const shape = (dims ?? []).map((dim) => dim ?? '');
  return { name, isTensor: true, type: type as DType as TensorType, shape };
}
