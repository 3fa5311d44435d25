import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type DType, dtypes } from '../core/dtype.ts';
import { Tensor } from '../core/tensor.ts';
import { type NpyStream, streamNpy } from '../formats/npy-stream.ts';
import { readZip } from '../formats/zip/read.ts';
import { openFile } from '../host/files.ts';
import type { Feeds, ValueInfo } from '../runtime/runner.ts';
import { UsageError } from './options.ts';

/** Samples of a model's inputs, one by one: of an .npz file with an array for each input, samples first (`y`, the labels,
 *  is passed over); for a model with one input an .npy file, too; or of all such files of a folder, in the order of their
 *  names. Read as they are needed. Inputs that say how many samples they take get so many; what is left over at the end
 *  of a file is left out.
 *  @param limit  samples at most
 *  @throws {UsageError} no such files, other names, sizes or types than the model's */
export async function* readSamples(
  path: string,
  inputs: readonly ValueInfo[],
  limit: number,
): AsyncGenerator<Feeds> {
  let left = limit;
  for (const file of filesOf(path)) {
    const streams = await openArrays(file, inputs);
    try {
      const rows = rowsOf(file, streams);
      while (rows <= left) {
        const feeds: Feeds = {};
        for (const { input, stream } of streams) {
          const tensor = await stream.next(rows);
          if (tensor !== null && tensor.dims[0] === rows)
            feeds[input.name] = fit(tensor, input, file);
        }
        if (Object.keys(feeds).length < streams.length) break;
        left -= rows;
        yield feeds;
      }
    } finally {
      for (const { stream } of streams) await stream.close();
    }
  }
}

interface InputStream {
  input: ValueInfo;
  stream: NpyStream;
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) throw new UsageError(`there is no ${path}`);
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => /\.np[yz]$/.test(name));
  if (names.length === 0) throw new UsageError(`${path} has no .npz or .npy files`);
  return names.sort().map((name) => join(path, name));
}

async function openArrays(file: string, inputs: readonly ValueInfo[]): Promise<InputStream[]> {
  const source = openFile(file);
  const [only] = inputs;
  if (file.endsWith('.npy')) {
    if (only === undefined || inputs.length > 1)
      throw new UsageError(
        `${file} is one array, for a model of ${inputs.length} inputs`,
        'use .npz',
      );
    const all = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (let at = 0; at < source.size; at += 2 ** 18)
          yield await source.read(at, Math.min(2 ** 18, source.size - at));
      } finally {
        source.close();
      }
    };
    return [{ input: only, stream: await streamNpy(all(), source.size, file) }];
  }
  const arrays = new Map(
    (await readZip(source)).map((entry) => [entry.name.replace(/\.npy$/, ''), entry]),
  );
  const others = [...arrays.keys()].filter((name) => name !== 'y');
  const streams: InputStream[] = [];
  for (const input of inputs) {
    const isOnly = inputs.length === 1 && others.length === 1;
    const entry = arrays.get(input.name) ?? (isOnly ? arrays.get(others[0]!) : undefined);
    if (entry === undefined)
      throw new UsageError(
        `${file} has no array "${input.name}"`,
        `it has ${[...arrays.keys()].join(', ')}`,
      );
    const where = `${basename(file)}, ${entry.name}`;
    streams.push({ input, stream: await streamNpy(entry.read(), entry.size, where) });
  }
  return streams;
}

/** Samples that the model takes at once. */
function rowsOf(file: string, streams: readonly InputStream[]): number {
  const counts = new Set<number>();
  let samples: number | undefined;
  for (const { input, stream } of streams) {
    const { dims } = stream.header;
    if (samples !== undefined && dims[0] !== samples)
      throw new UsageError(`the arrays of ${file} have different numbers of samples`);
    samples = dims[0];
    const first = input.dims?.[0];
    counts.add(typeof first === 'number' && dims.length === input.dims?.length ? first : 1);
  }
  const [rows = 1] = counts;
  if (counts.size > 1 || rows < 1)
    throw new UsageError('the inputs of the model take different numbers of samples');
  return rows;
}

/** A sample as the input takes it: without the axis of samples where the input has none, numbers of another width as
 *  its own. Integers don't become real numbers: how they are scaled is for the model's maker to say. */
function fit(tensor: Tensor, { name, type, dims }: ValueInfo, file: string): Tensor {
  const { dims: sizes } = tensor;
  const shape = dims !== null && sizes.length === dims.length + 1 ? sizes.slice(1) : sizes;
  const fits =
    dims === null ||
    (shape.length === dims.length &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim === shape[axis]));
  if (!fits) {
    const wanted = dims.map((dim) => dim ?? '?').join(', ');
    throw new UsageError(
      `${file}: samples of [${shape.join(', ')}], but "${name}" takes [${wanted}]`,
    );
  }
  return new Tensor(type ?? tensor.type, elements(tensor, type ?? tensor.type, name, file), shape);
}

function elements(tensor: Tensor, type: DType, name: string, file: string): Tensor['data'] {
  if (tensor.type === type) return tensor.data;
  const [from, to] = [dtypes[tensor.type], dtypes[type]];
  if (type === 'float32' && tensor.data instanceof Float64Array)
    return Float32Array.from(tensor.data);
  const isWhole = (kind: string): boolean => kind === 'int' || kind === 'uint';
  if (isWhole(from.kind) && isWhole(to.kind) && to.array !== null && !Array.isArray(tensor.data)) {
    const numbers = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
    return new Tensor(type, numbers, [numbers.length]).data;
  }
  throw new UsageError(
    `${file}: elements of ${tensor.type}, but "${name}" takes ${type}`,
    to.kind === 'float'
      ? 'prepare the samples as the model was trained: scaled, as float32'
      : undefined,
  );
}
