import { instantiateSync } from '@assemblyscript/loader';
import * as binary from '#wasm';
import { UnsupportedError } from '../core/errors.ts';
import { Arena } from './arena.ts';
import type { RelaxedKernels, SimdKernels } from './kernels.ts';
import { type Int8Mode, probeInt8 } from './probe.ts';

/** A compiled module, or the bytes of one. */
export type ModuleSource = WebAssembly.Module | BufferSource;

/** What the kernels run on. */
export interface BackendInfo {
  /** Baseline 128-bit SIMD: always there, as nothing runs without. */
  simd: true;
  /** Whether the engine has relaxed SIMD. */
  relaxed: boolean;
  /** The integer dot product that a probe of values found to be exact. */
  int8: Int8Mode;
  /** Bytes of WebAssembly memory at present. */
  memoryBytes: number;
}

/** The kernels at work: both modules on one memory. */
export interface Backend {
  readonly arena: Arena;
  readonly simd: SimdKernels;
  /** Null where relaxed SIMD is not to be had. */
  readonly relaxed: RelaxedKernels | null;
  readonly int8: Int8Mode;
}

let loaded: Backend | undefined;

/** The kernels, compiled at the first call, synchronously.
 *  @throws {UnsupportedError} no WebAssembly SIMD here, or compiling bytes is forbidden */
export function backend(): Backend {
  loaded ??= load(binary.simd(), undefined);
  return loaded;
}

/** Compiles the kernels ahead of use. Needed only where the engine refuses to compile synchronously, or to
 *  compile bytes at all: pass modules compiled elsewhere. Does nothing when the kernels are loaded already.
 *  @param simd     kernels.simd.wasm (`modelpress/kernels.wasm`), compiled or as bytes; default the bytes within
 *  @param relaxed  kernels.relaxed.wasm likewise; left out, it is compiled if that is possible
 *  @throws {UnsupportedError} the engine refuses the module */
export async function init(simd?: ModuleSource, relaxed?: ModuleSource): Promise<void> {
  if (loaded !== undefined) return;
  let module: WebAssembly.Module;
  try {
    module = await compile(simd ?? binary.simd());
  } catch (cause) {
    throw refused(cause);
  }
  let extra: WebAssembly.Module | undefined;
  try {
    extra = await compile(relaxed ?? binary.relaxed());
  } catch {
    // Without relaxed SIMD the baseline kernels do.
  }
  loaded ??= load(module, extra);
}

/** What the kernels run on; loads them. */
export function backendInfo(): BackendInfo {
  const { arena, relaxed, int8 } = backend();
  return {
    simd: true,
    relaxed: relaxed !== null,
    int8,
    memoryBytes: arena.memory.buffer.byteLength,
  };
}

/** A module of bytes, without blocking. */
export async function compile(source: ModuleSource): Promise<WebAssembly.Module> {
  return source instanceof WebAssembly.Module ? source : WebAssembly.compile(source);
}

function load(simd: ModuleSource, relaxed: ModuleSource | undefined): Backend {
  let backend: Backend;
  try {
    const arena = new Arena(new WebAssembly.Memory({ initial: 1 }));
    backend = { arena, simd: instantiate(simd, arena) as SimdKernels, relaxed: null, int8: 'i16' };
  } catch (cause) {
    throw refused(cause);
  }
  return withRelaxed(backend, relaxed);
}

/** Adds the relaxed module where the engine takes it. Refusal is an answer, not an error. */
function withRelaxed(backend: Backend, given: ModuleSource | undefined): Backend {
  try {
    const source = given ?? binary.relaxed();
    if (!(source instanceof WebAssembly.Module) && !WebAssembly.validate(source)) return backend;
    const relaxed = instantiate(source, backend.arena) as RelaxedKernels;
    return { ...backend, relaxed, int8: probeInt8(relaxed, backend.arena) };
  } catch {
    return backend;
  }
}

/** The raw exports: the loader's own wrappers cost several times a short kernel. */
export function instantiate(source: ModuleSource, arena: Arena): WebAssembly.Exports {
  return instantiateSync(source, { env: { memory: arena.memory } }).instance.exports;
}

/** The error of an engine that does not take a module. */
export function refused(cause: unknown): UnsupportedError {
  return new UnsupportedError('the engine refuses the WebAssembly kernels', {
    code: 'E_WASM',
    hint: 'WebAssembly SIMD is needed; where compiling bytes is forbidden, pass compiled modules to init()',
    cause,
  });
}
