import { copyStep, rowMajor } from './copy.ts';
import type { LowerContext, Lowered, Step } from './lowering.ts';
import { align } from './operands.ts';

/** Sizes of images before and after. */
export interface Images {
  readonly batch: number;
  readonly channels: number;
  readonly pixels: number;
  readonly outChannels: number;
  readonly outPixels: number;
}

/** What runs on images with channels last. */
interface OnChannelsLast {
  readonly kernel: string;
  readonly scratchBytes: number;
  bind(x: number, y: number, scratch: number): Step;
}

/** Runs on float32 images whose channels come first: turns them around in scratch, there and back. */
export function turned(c: LowerContext, images: Images, kind: OnChannelsLast): Lowered {
  const { batch, channels, outChannels, pixels, outPixels } = images;
  const xBytes = align(4 * batch * pixels * channels);
  const yBytes = align(4 * batch * outPixels * outChannels);
  return {
    kernel: `${kind.kernel} turned`,
    reads: [0],
    scratchBytes: xBytes + yBytes + kind.scratchBytes,
    bind(at) {
      const [x, y, scratch] = [at.scratch, at.scratch + xBytes, at.scratch + xBytes + yBytes];
      const last = {
        sizes: [batch, pixels, channels],
        from: [pixels * channels, 1, pixels],
        to: rowMajor([batch, pixels, channels]),
      };
      const first = {
        sizes: [batch, outChannels, outPixels],
        from: [outPixels * outChannels, 1, outChannels],
        to: rowMajor([batch, outChannels, outPixels]),
      };
      const before = copyStep(c.backend, 4, last, at.input(0), x);
      const run = kind.bind(x, y, scratch);
      const after = copyStep(c.backend, 4, first, y, at.output(0));
      return () => {
        before();
        run();
        after();
      };
    },
  };
}
