export { type CompareOptions, compareBytes } from './compare.ts';
export type { Feeds, Runnable, Runner, ValueInfo } from './runner.ts';
