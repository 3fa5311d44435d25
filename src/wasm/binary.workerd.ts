import libraryModule from './kernels.library.wasm';
import relaxedModule from './kernels.relaxed.wasm';
import simdModule from './kernels.simd.wasm';

// `#wasm` under the `workerd` condition: the runtime refuses to compile bytes, but imports compiled modules.

export const simd = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => simdModule;
export const relaxed = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => relaxedModule;
export const library = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => libraryModule;
