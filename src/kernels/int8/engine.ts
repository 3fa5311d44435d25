import { rangeError } from '../../core/errors.ts';
import type { LibraryKernels, RelaxedKernels } from '../../wasm/kernels.ts';
import { type LibraryBackend, libraryBackend } from '../../wasm/library.ts';
import { backend } from '../../wasm/load.ts';
import type { Int8Mode } from '../../wasm/probe.ts';

/** The tiled product, by whichever dot product is exact here; parameters as in the kernel table. */
export type Igemm = LibraryKernels['q8_igemm_i16'];

/** The same to levels at once. */
export type LevelGemm = LibraryKernels['q8_levels_i16'];

/** Depthwise convolutions by a relaxed dot product. */
export type DepthwiseDot = RelaxedKernels['q8_depthwise_dot'];

/** The product with block-quantized weights, by the same dot product. */
export type BlockGemm = RelaxedKernels['q8_block_gemm_dot'];

export type IntegerKernels = Pick<Engine, 'igemm' | 'levelGemm' | 'blockGemm'>;

/** How integer products are computed here. */
export interface Engine {
  readonly mode: Int8Mode;
  readonly backend: LibraryBackend;
  /** Values of k that a step of a panel holds. */
  readonly group: 2 | 4;
  /** Bytes of an activation as the product reads it. */
  readonly activationBytes: 1 | 2;
  /** Whether 8-bit activations must be unsigned; null where they are widened to 16 bits. */
  readonly unsigned: boolean | null;
  readonly igemm: Igemm;
  readonly levelGemm: LevelGemm;
  readonly blockGemm: BlockGemm;
  /** null where sums are of 16-bit products. */
  readonly depthwiseDot: DepthwiseDot | null;
}

let forced: Engine | undefined;

/** The engine that the probe chose. */
export function engine(): Engine {
  return forced ?? engineOf(backend().int8);
}

function engineOf(mode: Int8Mode, simulated?: IntegerKernels): Engine {
  const loaded = libraryBackend();
  const { simd, relaxed } = loaded;
  if (mode === 'i16') {
    return {
      mode,
      backend: loaded,
      group: 2,
      activationBytes: 2,
      unsigned: null,
      depthwiseDot: null,
      ...(simulated ?? {
        igemm: simd.q8_igemm_i16,
        levelGemm: simd.q8_levels_i16,
        blockGemm: simd.q8_block_gemm_i16,
      }),
    };
  }
  let kernels = simulated;
  let depthwiseDot: DepthwiseDot | null = null;
  if (kernels === undefined && relaxed !== null && loaded.int8 === mode) {
    depthwiseDot = relaxed.q8_depthwise_dot;
    kernels = {
      igemm: relaxed.q8_igemm_dot,
      levelGemm: relaxed.q8_levels_dot,
      blockGemm: relaxed.q8_block_gemm_dot,
    };
  }
  if (kernels === undefined) throw rangeError('mode', `"i16" or "${loaded.int8}" here`, mode);
  return {
    mode,
    backend: loaded,
    group: 4,
    activationBytes: 1,
    unsigned: mode === 'usdot',
    depthwiseDot,
    ...kernels,
  };
}

/** For tests: products go another way than the probe's, until called without a mode.
 *  @param simulated  computes what the kernel of that mode would, where this machine cannot
 *  @throws {RangeError} a mode that this machine cannot do and that is not simulated */
export function forceInt8Mode(mode?: Int8Mode, simulated?: IntegerKernels): void {
  forced = mode === undefined ? undefined : engineOf(mode, simulated);
}
