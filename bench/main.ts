// npm run bench -- [--quick] [--write-readme] [--json FILE] [--node FILE]… [NAME …]: tables on stdout; all figures as JSON in FILE.
// Everything runs on each given Node: by default the running one and the newest that is installed.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { comparisonTable, geometricMean, ratioTo } from './comparison.ts';
import { firstResultBench } from './first-result.bench.ts';
import { integersBench } from './integers.bench.ts';
import { kernelsBench } from './kernels.bench.ts';
import { type Bench, type Outcome, table } from './lib.ts';
import { linalgBench } from './linalg.bench.ts';
import { machine } from './machine.ts';
import { modelsBench } from './models.bench.ts';
import { nodeAt, nodes } from './nodes.ts';
import { productsBench } from './products.bench.ts';
import { plainText } from './quantize/table.ts';
import { quantizeBench } from './quantize.bench.ts';
import { writeReadme } from './readme.ts';
import { roundingBench } from './rounding.bench.ts';
import { tfliteBench } from './tflite.bench.ts';

const benches: Readonly<Record<string, Bench>> = {
  products: productsBench,
  integers: integersBench,
  linalg: linalgBench,
  models: modelsBench,
  tflite: tfliteBench,
  quantize: quantizeBench,
  rounding: roundingBench,
  'first-result': firstResultBench,
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
const unknown = names.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`no benchmark "${unknown}": there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const on = values.node === undefined ? nodes() : values.node.map(nodeAt);
console.log(`${machine()}; Node ${on.map(({ version }) => version).join(' and ')}`);
const busy = loadavg()[0]!;
if (busy > 1)
  console.log(`load average ${busy.toFixed(1)}: the machine has other work; trust ratios only`);
if (on.length === 1 && values.node === undefined)
  console.log('no newer Node is installed: (cd bench && npm ci) gets one, with the libraries');

/** What lessens the figures. */
const how: string[] = [];
if (values.quick) how.push('a quick run');
if (busy > 1) how.push('the machine had other work');

const outcomes: Record<string, Outcome> = {};
const started = performance.now();
for (const name of names) {
  const bench = benches[name]!;
  const outcome = await bench.run({ quick: values.quick, nodes: on });
  outcomes[bench.name] = outcome;
  const { comparisons, groups } = outcome;
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\n${bench.name} (${seconds} s so far)`);
  if (comparisons.length > 0) console.log(comparisonTable(comparisons));
  if (groups.length > 0) console.log(table(groups));
  for (const each of outcome.tables ?? []) console.log(plainText(each));
  if (bench === modelsBench) {
    for (const { version } of on) {
      const floats = comparisons.filter(
        (each) => each.node === version && ratioTo('own baseline', each) === undefined,
      );
      const mean = geometricMean('onnxruntime-web', floats);
      if (mean !== undefined)
        console.log(`geometric mean × onnxruntime-web, Node ${version}: ${mean.toFixed(2)}`);
    }
  }
}
if (values['write-readme']) writeReadme('README.md', outcomes, how);
if (values.json !== undefined) {
  const results = {
    machine: machine(),
    date: new Date().toISOString(),
    load: busy,
    quick: values.quick,
    outcomes,
  };
  writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
