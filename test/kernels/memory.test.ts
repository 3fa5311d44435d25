import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// In processes of their own, where memory starts small and nothing is loaded.
const test = suite('kernels in a fresh process');

function run(flags: string[], script: string): unknown {
  const source = `import * as kernels from './dist/kernels/index.js';
    import { backend } from './dist/wasm/load.js';
    const print = (value) => console.log(JSON.stringify(value));
    ${script}`;
  const output = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

test('out of memory is a MemoryError at every step of growth, and the kernels work afterwards', () => {
  const script = `
    const { arena } = backend();
    const x = Float32Array.from({ length: 70000 }, (_, i) => i % 100);
    const jobs = {
      quantize: () => kernels.quantize(x, { scale: new Float32Array(35000).fill(1), shape: [35000, 2], axis: 0, type: 'int4' }),
      dequantize: () => kernels.dequantize(new Int16Array(70000), { scale: 1 }),
      minMaxAxis: () => kernels.minMaxAxis(x, { shape: [7000, 10], axis: 1 }).max,
      absHistogram: () => kernels.absHistogram(x, { bins: 5000 }),
      float16: () => kernels.float32ToFloat16(x),
      svd: () => kernels.svd(x.subarray(0, 4000), 80, 50).s,
      tucker: () => kernels.tucker(x.subarray(0, 3600), [20, 20, 9], [5, 4]).core,
    };
    const seen = [];
    for (let pages = 1; pages < 64; pages++) {
      arena.limitBytes = pages * 65536;
      for (const [name, job] of Object.entries(jobs)) {
        const before = arena.mark();
        try {
          seen.push([pages, name, job().length]);
        } catch (error) {
          seen.push([pages, name, error.name, error.code]);
        }
        const after = arena.mark();
        if (after.used !== 0) seen.push([pages, name, 'scratch is not given back', before, after]);
      }
    }
    print(seen);`;
  const seen = run([], script) as [number, string, number | string, string?][];
  const lengths: Record<string, number> = {
    quantize: 35000,
    dequantize: 70000,
    minMaxAxis: 10,
    absHistogram: 5000,
    float16: 70000,
    svd: 50,
    tucker: 180,
  };
  const working = new Set<string>();
  let refused = 0;
  for (const [pages, name, result, code] of seen) {
    if (result === lengths[name]) working.add(name);
    else {
      assert.is(result, 'MemoryError', `${pages} pages, ${name}`);
      assert.is(code, 'E_MEMORY');
      assert.not.ok(working.has(name), `${name} worked with less than ${pages} pages`);
      refused += 1;
    }
  }
  assert.is(working.size, Object.keys(lengths).length);
  assert.ok(refused > 20, `${refused} refusals`);
});

test('works without code generation from strings', () => {
  const script = `print([...kernels.quantize(Float32Array.of(1, 2.5), { scale: 1, type: 'int8' })]);`;
  assert.equal(run(['--disallow-code-generation-from-strings'], script), [1, 2]);
});

test('init: with the bytes within, with a compiled module, after loading', () => {
  const script = `
    import { readFileSync } from 'node:fs';
    await kernels.init(new WebAssembly.Module(readFileSync('dist/wasm/kernels.simd.wasm')));
    const { arena } = backend();
    await kernels.init();
    await kernels.init(new Uint8Array(3));
    print([backend().arena === arena, kernels.minMax(Float32Array.of(4, 5)).max]);`;
  assert.equal(run([], script), [true, 5]);
  assert.equal(run([], `await kernels.init(); print(kernels.backendInfo().simd);`), true);
});

test('an engine that refuses the module is an UnsupportedError with a way out', () => {
  const script = `
    const errors = [];
    await kernels.init(new Uint8Array([1, 2, 3])).catch((error) => errors.push(error));
    WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('no'); } };
    try { kernels.minMax(new Float32Array(1)); } catch (error) { errors.push(error); }
    print(errors.map(({ name, code, hint }) => [name, code, /init/.test(hint)]));`;
  const expected = ['UnsupportedError', 'E_WASM', true];
  assert.equal(run([], script), [expected, expected]);
});

test('every mode is one that the kernels bear out, also where relaxed SIMD is switched on by a flag', () => {
  // Node 20 has a relaxed dot behind a flag that is wrong even in range; later ones have it by default.
  const { v8 } = process.versions;
  const flags = Number.parseInt(v8, 10) < 12 ? ['--experimental-wasm-relaxed-simd'] : [];
  const script = `print({ ...kernels.backendInfo(), memoryBytes: 0 });`;
  const info = run(flags, script) as { relaxed: boolean; int8: string };
  assert.is(info.relaxed, true);
  if (flags.length > 0) assert.is(info.int8, 'i16');
  else assert.ok(['usdot', 'sdot', 'i16'].includes(info.int8));
});

test.run();
