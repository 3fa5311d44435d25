/** `node --import tsx test/sweep/run.ts [NAME …]`: every float32 there is through exp, tanh and erf, against the
 *  engine's own functions in float64. Prints the largest error of each in ulp; fails beyond 2. Takes minutes. */
import { erf, exp, tanh } from '../../src/kernels/index.ts';
import * as plain from '../reference/functions.ts';

const functions: Record<string, [(x: Float32Array) => Float32Array, (x: number) => number]> = {
  exp: [exp, Math.exp],
  tanh: [tanh, Math.tanh],
  erf: [erf, plain.erf],
};
const part = 2 ** 20;
const bits = new Uint32Array(part);
const x = new Float32Array(bits.buffer);
const names = process.argv.slice(2);

for (const name of names.length > 0 ? names : Object.keys(functions)) {
  const [ours, reference] = functions[name]!;
  let worst = 0;
  let at = 0;
  for (let start = 0; start < 2 ** 32; start += part) {
    for (let i = 0; i < part; i++) bits[i] = start + i;
    const got = ours(x);
    for (let i = 0; i < part; i++) {
      const want = reference(x[i]!);
      const rounded = Math.fround(want);
      if (rounded === got[i] || (Number.isNaN(rounded) && Number.isNaN(got[i]!))) continue;
      const off = Math.abs(want - got[i]!) / plain.ulp32(want);
      if (off <= worst) continue;
      worst = off;
      at = x[i]!;
    }
  }
  console.log(`${name}: at most ${worst.toFixed(3)} ulp, at ${at}`);
  if (!(worst <= 2)) process.exitCode = 1;
}
