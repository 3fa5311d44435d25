import {
  library as libraryBase64,
  relaxed as relaxedBase64,
  simd as simdBase64,
} from './generated/binaries.ts';

// The default of the `#wasm` import: bytes inside the JavaScript, which needs no file, network or bundler setup.

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What quantizing needs, in baseline SIMD. */
export const simd = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => decode(simdBase64);
/** The rest of the library in baseline SIMD. Bundlers drop it where nothing asks for it. */
export const library = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => decode(libraryBase64);
/** Integer dot kernels in relaxed SIMD. */
export const relaxed = (): WebAssembly.Module | Uint8Array<ArrayBuffer> => decode(relaxedBase64);
