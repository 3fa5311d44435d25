import * as binary from '#wasm';
import type { LibraryKernels } from './kernels.ts';
import { type Backend, backend, compile, instantiate, type ModuleSource, refused } from './load.ts';

/** The backend with all kernels in baseline SIMD. */
export interface LibraryBackend extends Omit<Backend, 'simd'> {
  readonly simd: LibraryKernels;
}

let loaded: LibraryBackend | undefined;

/** The whole library, compiled at the first call, synchronously. Apart from `backend`, so that a bundle that only
 *  quantizes does not carry it.
 *  @throws {UnsupportedError} no WebAssembly SIMD here, or compiling bytes is forbidden */
export function libraryBackend(): LibraryBackend {
  loaded ??= join(binary.library());
  return loaded;
}

/** Compiles the library ahead of use; see `init`. Does nothing when it is loaded already.
 *  @param library  kernels.library.wasm, compiled or as bytes; default the bytes within
 *  @throws {UnsupportedError} the engine refuses the module */
export async function initLibrary(library?: ModuleSource): Promise<void> {
  if (loaded !== undefined) return;
  let module: WebAssembly.Module;
  try {
    module = await compile(library ?? binary.library());
  } catch (cause) {
    throw refused(cause);
  }
  loaded ??= join(module);
}

function join(source: ModuleSource): LibraryBackend {
  const core = backend();
  try {
    const more = instantiate(source, core.arena) as LibraryKernels;
    return { ...core, simd: { ...core.simd, ...more } };
  } catch (cause) {
    throw refused(cause);
  }
}
