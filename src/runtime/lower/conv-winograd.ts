import { packWinograd, runWinograd, type WinogradPlan } from '../../kernels/winograd.ts';
import { all, finish, type Job, type Kind, lastWeights, limits, zerosFor } from './conv-job.ts';
import type { Step } from './lowering.ts';

/** Rows of tiles at a time, where something is done to finished pixels while they are in the cache. */
const finishElements = 2 ** 15;

/** 3 × 3 by Winograd's F(4 × 4, 3 × 3). */
export function winograd(job: Job, plan: WinogradPlan): Kind {
  const { c, geometry, bias } = job;
  const { backend } = c;
  const { batch, channels, outChannels } = geometry;
  const { down, outHeight, outWidth, height, width } = plan;
  const weights = c.pack('winograd', [1], plan.weightBytes, (address) => {
    const w = lastWeights(c, outChannels, channels, 9);
    backend.arena.withScratch([w.byteLength, plan.packScratchBytes], (raw, scratch) => {
      backend.arena.views().f32.set(w, raw! >>> 2);
      packWinograd(backend, plan, raw!, address, scratch!);
    });
  });
  const zeros = zerosFor(job);
  const [low, high] = limits(job);
  return {
    kernel: 'f32_winograd',
    scratchBytes: plan.scratchBytes,
    bind({ x, y, addend, scratch }) {
      const steps: Step[] = [];
      const inBytes = 4 * height * width * channels;
      const outBytes = 4 * outHeight * outWidth * outChannels;
      for (let image = 0; image < batch; image++) {
        const places = {
          x: x + image * inBytes,
          weights: weights.address,
          bias: bias.address,
          zeros: zeros.address,
          out: y + image * outBytes,
          scratch,
        };
        const line = outWidth * outChannels;
        const isFinished = finish(job, y, addend, 1) !== null;
        const together = isFinished ? Math.max(1, Math.floor(finishElements / 4 / line)) : down;
        for (let row = 0; row < down; row += together) {
          const rows = Math.min(together, down - row);
          steps.push(() => runWinograd(backend, plan, places, row, rows, low, high));
          const lines = Math.min(4 * rows, outHeight - 4 * row);
          const at = image * outBytes + 16 * row * line;
          const end = finish(job, y + at, addend + at, lines * outWidth);
          if (end !== null) steps.push(end);
        }
      }
      return all(steps);
    },
  };
}
