// One process of scripts/test.mjs: runs the given files as uvu suites and counts.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loudSkips } from '../test/skip.ts';

const files = process.argv.slice(2);
globalThis.UVU_DEFER = 1;
const uvu = await import('uvu');

let passed = 0;
let failed = 0;
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (chunk, ...rest) => {
  // uvu has no other way to tell: its last lines are one write each.
  const [, what, count] = /\n {2}(Total|Passed): +(\d+)/.exec(String(chunk)) ?? [];
  if (what === undefined) return write(chunk, ...rest);
  if (what === 'Total') failed += Number(count);
  else {
    failed -= Number(count);
    passed += Number(count);
  }
  return true;
};

// A file that does not load is a failure that must not hide the others.
for (const [index, file] of files.entries()) {
  globalThis.UVU_QUEUE.push([file]);
  globalThis.UVU_INDEX = index;
  try {
    await import(pathToFileURL(join(process.cwd(), file)).href);
  } catch (error) {
    failed += 1;
    console.error(`${file} does not load:`, error);
  }
}
await uvu.exec(false);
process.stdout.write = write;
// A hook that throws fails no test, but uvu's exit code says so.
if (process.exitCode !== 0 && process.exitCode !== undefined && failed === 0) failed += 1;

for (const reason of loudSkips) console.log(`SKIPPED: ${reason}`);
console.log(
  `\n${passed} passed, ${failed} failed${loudSkips.length > 0 ? `, ${loudSkips.length} skipped` : ''}`,
);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
