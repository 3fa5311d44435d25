// npm run bench -- [--quick] [--json FILE] [NAME …]: tables on stdout; all figures as JSON in FILE.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { kernelsBench } from './kernels.bench.ts';
import { type Bench, type Group, table } from './lib.ts';
import { linalgBench } from './linalg.bench.ts';

const benches: Readonly<Record<string, Bench>> = { kernels: kernelsBench, linalg: linalgBench };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const results: Record<string, Group[]> = {};
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) {
    console.error(`no benchmark "${name}": there are ${Object.keys(benches).join(', ')}`);
    process.exit(2);
  }
  const groups = await bench.run({ quick: values.quick });
  results[bench.name] = groups;
  console.log(`${bench.name}${table(groups)}`);
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ runtime: process.version, results }, null, 2)}\n`);
}
