import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Comparison,
  comparisonTable,
  geometricMean,
  peersOf,
  ratioTo,
} from '../../bench/comparison.ts';

const x = suite('comparisons of the benchmark');

const time = (bestMs: number) => ({ bestMs, medianMs: bestMs, rounds: 3 });
const comparison = (node: string, times: Comparison['times']): Comparison => ({
  work: 'product',
  node,
  times,
  missing: { numpy: 'no numpy' },
  macs: 2e6,
  asked: {
    than: { 'onnxruntime-web': { baseline: 0.95, relaxed: 2 }, 'own baseline': 1 },
    ms: 3,
  },
});

x('ratios are how much faster than a peer', () => {
  const each = comparison('20.1.0', { modelpress: time(2), 'onnxruntime-web': time(3) });
  assert.is(ratioTo('onnxruntime-web', each), 1.5);
  assert.is(ratioTo('ml-matrix', each), undefined);
  assert.equal(peersOf([each]), ['onnxruntime-web', 'numpy']);
  const half = comparison('20.1.0', { modelpress: time(4), 'onnxruntime-web': time(2) });
  const twice = comparison('20.1.0', { modelpress: time(2), 'onnxruntime-web': time(4) });
  assert.ok(Math.abs(geometricMean('onnxruntime-web', [half, twice])! - 1) < 1e-12);
  assert.is(geometricMean('tfjs-wasm', [half]), undefined);
});

x('the table names what is slower, what misses its goal on which Node, and who is absent', () => {
  const times = { modelpress: time(2), 'onnxruntime-web': time(3), 'own baseline': time(1) };
  const text = comparisonTable([
    comparison('20.1.0', times),
    comparison('26.1.0', { ...times, 'own baseline': time(5) }),
  ]);
  assert.match(text, /slower than own baseline: 1 of 2\n {2}SLOWER 0\.50 {2}product, Node 20/);
  assert.match(text, /goals missed: 2 of 6/);
  assert.match(text, /1\.50 × onnxruntime-web < 2\.00 {2}product, Node 26/);
  assert.not.match(text, /< 0\.95/);
  assert.match(text, /numpy: no numpy/);
  assert.match(text, /1\.00/);
});

x('a failure of our own is loud', () => {
  assert.match(comparisonTable([comparison('20.1.0', { 'ml-matrix': time(1) })]), /FAILED/);
});

x.run();
