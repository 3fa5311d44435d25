export { collectMoments, linearLayers, type MomentOptions } from './collect.ts';
export type { Moments } from './sum.ts';
