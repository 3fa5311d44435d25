export { type CompareOptions, compareBytes } from './compare.ts';
export type { Contract } from './contract.ts';
export type { Data } from './data.ts';
export { ownRunner } from './own-runner.ts';
export { loadWeights } from './prepare.ts';
export type { NodeProfile } from './profile.ts';
export type { Feeds, Runnable, Runner, ValueInfo } from './runner.ts';
export {
  createSession,
  type RunAsyncOptions,
  type RunFeeds,
  type RunOptions,
  Session,
  type SessionMemory,
  type SessionOptions,
  type TensorLike,
} from './session.ts';
