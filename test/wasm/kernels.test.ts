import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import * as binary from '../../src/wasm/binary.inline.ts';
import { kernelTable } from '../../src/wasm/kernels.ts';
import type { KernelRow } from '../../src/wasm/table/row.ts';
import { references } from '../reference/index.ts';
import {
  arrays,
  canaryBytes,
  evaluate,
  fill,
  fillPointers,
  fillRows,
  type NumberArray,
  type Placed,
  place,
  type Trial,
  trialsOf,
} from './trial.ts';

type AnyReference = (
  buffers: Record<string, NumberArray>,
  values: Record<string, number>,
  after: Record<string, NumberArray>,
  result: number | undefined,
) => number | Record<string, number[]> | string | null | undefined;

const test = suite('kernel table');
const bytesOf = {
  simd: binary.simd(),
  library: binary.library(),
  relaxed: binary.relaxed(),
} as Record<string, Uint8Array<ArrayBuffer>>;
const memory = new WebAssembly.Memory({ initial: 64 });
const u8 = new Uint8Array(memory.buffer);
const base = 1024;
const canary = 0xc7;
/** Bytes that would be a visible mistake in an output: a pattern, and NaN in f32 and f64. */
const poisons = [0xa5, 0xff];

const modules = new Map<string, WebAssembly.Module>();
const exports = new Map<string, WebAssembly.Exports>();
for (const [name, bytes] of Object.entries(bytesOf)) {
  if (!WebAssembly.validate(bytes)) continue;
  const module = new WebAssembly.Module(bytes);
  modules.set(name, module);
  exports.set(name, new WebAssembly.Instance(module, { env: { memory } }).exports);
}

function copyOut({ parameter, address, bytes }: Placed): NumberArray {
  return new arrays[parameter.type](u8.slice(address, address + bytes).buffer);
}

function bitsOf(array: NumberArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const isOutput = ({ parameter: { kind } }: Placed): boolean => kind === 'out' || kind === 'inout';

/** Canonical NaN, so that a reference's bits can be compared. */
function canonical(array: NumberArray): NumberArray {
  if (array instanceof Float32Array || array instanceof Float64Array) {
    for (let i = 0; i < array.length; i++) if (Number.isNaN(array[i]!)) array[i] = Number.NaN;
  }
  return array;
}

function runTrial(row: KernelRow, trial: Trial, seed: number): void {
  const where = `${row.name} ${JSON.stringify(trial)}`;
  const placed = place(row, trial, base);
  const end = placed.at(-1)!.end;
  const before = new Map<Placed, NumberArray>();
  const indices = new Map<string, NumberArray>();
  const draw = random(seed);
  for (const buffer of placed) {
    const { kind, type, domain, below, to, reach } = buffer.parameter;
    const data = new arrays[type](buffer.bytes / arrays[type].BYTES_PER_ELEMENT);
    const read = placed.find(({ parameter }) => parameter.name === to);
    if (read !== undefined && reach !== undefined) {
      const size = arrays[read.parameter.type].BYTES_PER_ELEMENT;
      fillPointers(data, read.bytes / size, trial.values[reach]!, draw);
      indices.set(buffer.parameter.name, data.slice());
      for (let i = 0; i < data.length; i++) data[i] = read.address + data[i]! * size;
    } else if (below !== undefined) fillRows(data, evaluate(below, trial.values), draw);
    else if (kind === 'in' || kind === 'inout') fill(data, domain, draw);
    before.set(buffer, data);
  }
  const kernel = exports.get(row.module)![row.name] as (...values: number[]) => number;
  const passed = row.parameters.map((parameter) =>
    'length' in parameter
      ? placed.find((buffer) => buffer.parameter === parameter)!.address
      : trial.values[parameter.name]!,
  );

  const results = poisons.map((poison) => {
    u8.fill(canary, base, end + canaryBytes);
    for (const buffer of placed) {
      const { kind } = buffer.parameter;
      if (kind === 'in' || kind === 'inout') u8.set(bitsOf(before.get(buffer)!), buffer.address);
      else u8.fill(poison, buffer.address, buffer.address + buffer.bytes);
    }
    const result = kernel(...passed);
    let at = base;
    for (const buffer of placed) {
      assert.ok(isFilled(at, buffer.address), `${where}: wrote before ${buffer.parameter.name}`);
      at = buffer.address + buffer.bytes;
      assert.ok(isFilled(at, buffer.end), `${where}: wrote after ${buffer.parameter.name}`);
      at = buffer.end;
      if (buffer.parameter.kind === 'in') {
        const same = equalBytes(bitsOf(copyOut(buffer)), bitsOf(before.get(buffer)!));
        assert.ok(same, `${where}: changed its input ${buffer.parameter.name}`);
      }
    }
    return {
      result: row.result === null ? undefined : result,
      outputs: placed.filter(isOutput).map(copyOut),
    };
  });
  const [first, second] = results as [(typeof results)[0], (typeof results)[0]];
  assert.is(first.result, second.result, `${where}: result depends on stale memory`);
  first.outputs.forEach((output, i) => {
    const same = equalBytes(bitsOf(output), bitsOf(second.outputs[i]!));
    assert.ok(same, `${where}: an output depends on stale memory`);
  });

  const buffers: Record<string, NumberArray> = {};
  for (const buffer of placed) {
    const { name } = buffer.parameter;
    buffers[name] = indices.get(name) ?? before.get(buffer)!;
  }
  const reference = references[row.name as keyof typeof references] as AnyReference;
  const after: Record<string, NumberArray> = { ...buffers };
  placed.filter(isOutput).forEach((buffer, i) => {
    after[buffer.parameter.name] = first.outputs[i]!;
  });
  const expected = reference(buffers, trial.values, after, first.result);
  if (row.contract === 'checked') {
    assert.is(expected, null, `${where}: ${expected}`);
    return;
  }
  if (row.contract === 'exact') assert.is(first.result, expected, `${where}: result`);
  placed.filter(isOutput).forEach((buffer, i) => {
    const { name } = buffer.parameter;
    const got = first.outputs[i]!;
    const want = canonical(buffers[name]!);
    if (row.contract === 'exact') {
      for (let k = 0; k < got.length; k++) {
        if (!Object.is(got[k], want[k]))
          assert.unreachable(`${where}: ${name}[${k}] is ${got[k]}, not ${want[k]}`);
      }
      assert.ok(equalBytes(bitsOf(got), bitsOf(want)), `${where}: ${name} has other bits`);
    } else {
      const bounds = (expected as Record<string, number[]>)[name]!;
      for (let k = 0; k < got.length; k++) {
        const near = Object.is(got[k], want[k]) || Math.abs(got[k]! - want[k]!) <= bounds[k]!;
        if (!near)
          assert.unreachable(`${where}: ${name}[${k}] is ${got[k]}, not ${want[k]} ± ${bounds[k]}`);
      }
    }
  });
}

function isFilled(from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (u8[i] !== canary) return false;
  return true;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

test('every export has a row of its arity, and every row an export', () => {
  for (const [name, instance] of exports) {
    const functions = Object.entries(instance).filter(([, value]) => typeof value === 'function');
    const arity = Object.fromEntries(
      functions.map(([key, value]) => [key, (value as () => void).length]),
    );
    const rows = kernelTable.filter((row) => row.module === name);
    assert.equal(arity, Object.fromEntries(rows.map((row) => [row.name, row.parameters.length])));
  }
});

test('modules import nothing but the memory and hold no data of their own', () => {
  for (const [name, module] of modules) {
    assert.equal(
      WebAssembly.Module.imports(module),
      [{ module: 'env', name: 'memory', kind: 'memory' }],
      name,
    );
    assert.not.ok(sectionsOf(bytesOf[name]!).includes(11), `${name} has a data section`);
  }
});

function sectionsOf(bytes: Uint8Array): number[] {
  const sections: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    sections.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return sections;
}

for (const row of kernelTable) {
  test(`${row.name}: ${row.contract}, in bounds, no stale memory`, () => {
    // An engine without relaxed SIMD never calls such a kernel; test/runtimes/ has engines with it.
    if (!exports.has(row.module)) return;
    let seed = 1;
    for (const trial of trialsOf(row)) runTrial(row, trial, seed++);
  });
}

test.run();
