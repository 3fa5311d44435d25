// npm run bench -- [--quick] [--write-readme] [--json FILE] [--node FILE]… [NAME …]: tables on stdout; all figures as JSON in FILE.
// Comparisons with other libraries run on each given Node.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { integersBench } from './integers.bench.ts';
import { kernelsBench } from './kernels.bench.ts';
import { type Bench, type Group, slowerThanFloat32, table } from './lib.ts';
import { linalgBench } from './linalg.bench.ts';
import { nodeAt } from './nodes.ts';
import { productsBench } from './products.bench.ts';
import { writeReadme } from './readme.ts';

const benches: Readonly<Record<string, Bench>> = {
  products: productsBench,
  integers: integersBench,
  linalg: linalgBench,
  kernels: kernelsBench,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    'write-readme': { type: 'boolean', default: false },
    node: { type: 'string', multiple: true },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const results: Record<string, Group[]> = {};
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) {
    console.error(`no benchmark "${name}": there are ${Object.keys(benches).join(', ')}`);
    process.exit(2);
  }
  const groups = await bench.run({
    quick: values.quick,
    ...(values.node === undefined ? {} : { nodes: values.node.map(nodeAt) }),
  });
  results[bench.name] = groups;
  console.log(`${bench.name}${table(groups)}${slowerThanFloat32(groups)}`);
}
if (values['write-readme']) writeReadme('README.md', Object.values(results).flat());
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ runtime: process.version, results }, null, 2)}\n`);
}
