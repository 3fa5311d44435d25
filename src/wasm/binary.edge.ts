import libraryModule from './kernels.library.wasm?module';
import relaxedModule from './kernels.relaxed.wasm?module';
import simdModule from './kernels.simd.wasm?module';

// `#wasm` under the `edge-light` condition, whose bundlers compile what is imported with `?module`.

export const simd = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => simdModule;
export const relaxed = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => relaxedModule;
export const library = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => libraryModule;
