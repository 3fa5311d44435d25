// Judges conversions that a parent process sends, one at a time: what crashes or hangs here stops nothing else.
import { type Item, judge } from './judge.ts';

process.on('message', async (item: Item) => {
  process.send?.(await judge(item));
});
process.on('disconnect', () => process.exit());
