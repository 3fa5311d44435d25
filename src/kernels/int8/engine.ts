import { rangeError } from '../../core/errors.ts';
import type { SimdKernels } from '../../wasm/kernels.ts';
import { type Backend, backend } from '../../wasm/load.ts';
import type { Int8Mode } from '../../wasm/probe.ts';

/** The tiled product, by whichever dot product is exact here; parameters as in the kernel table. */
export type Igemm = SimdKernels['q8_igemm_i16'];

/** How integer products are computed here. */
export interface Engine {
  readonly mode: Int8Mode;
  readonly backend: Backend;
  /** Values of k that a step of a panel holds. */
  readonly group: 2 | 4;
  /** Bytes of an activation as the product reads it. */
  readonly activationBytes: 1 | 2;
  /** Whether 8-bit activations must be unsigned; null where they are widened to 16 bits. */
  readonly unsigned: boolean | null;
  readonly igemm: Igemm;
}

let forced: Engine | undefined;

/** The engine that the probe chose. */
export function engine(): Engine {
  return forced ?? engineOf(backend().int8);
}

function engineOf(mode: Int8Mode, simulated?: Igemm): Engine {
  const loaded = backend();
  if (mode === 'i16') {
    return {
      mode,
      backend: loaded,
      group: 2,
      activationBytes: 2,
      unsigned: null,
      igemm: simulated ?? loaded.simd.q8_igemm_i16,
    };
  }
  const real = loaded.int8 === mode ? loaded.relaxed?.q8_igemm_dot : undefined;
  const igemm = simulated ?? real;
  if (igemm === undefined) throw rangeError('mode', `"i16" or "${loaded.int8}" here`, mode);
  return {
    mode,
    backend: loaded,
    group: 4,
    activationBytes: 1,
    unsigned: mode === 'usdot',
    igemm,
  };
}

/** For tests: products go another way than the probe's, until called without a mode.
 *  @param simulated  computes what the kernel of that mode would, where this machine cannot
 *  @throws {RangeError} a mode that this machine cannot do and that is not simulated */
export function forceInt8Mode(mode?: Int8Mode, simulated?: Igemm): void {
  forced = mode === undefined ? undefined : engineOf(mode, simulated);
}
