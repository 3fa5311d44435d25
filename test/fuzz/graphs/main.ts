import { fuzzOptions } from '../fuzz.ts';
import { runGraphs } from './run.ts';

/** `npm run fuzz:graphs -- --runs 20000 --seed 1`: random graphs by the naive reference, sessions and passes. */

const args = process.argv.slice(2);
const at = args.indexOf('--failures');
const { graphs, operators, failures, ms } = runGraphs({
  ...fuzzOptions(args),
  maxFailures: at < 0 ? 1 : Number(args[at + 1]),
});
for (const failure of failures) console.log(`${failure}\n`);
const counts = [...operators].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${op} ${count}`);
console.log(`${counts.join(', ')}`);
console.log(
  `${graphs} graphs, ${operators.size} operators, ${Math.round(ms / 1000)} s, ${failures.length} failures`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
