import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plainText, quantizedTable, type Way } from '../../bench/quantize/table.ts';

const x = suite('table of quantized models');

const way = (sqnrDb: number, size: number): Way => ({
  size,
  sqnrDb,
  top1: null,
  kept: 0,
  faster: 2,
  fasterThere: null,
});

x('what is not better than the defaults is listed', () => {
  const rows = [
    { model: 'better', bytes: 1000, top1: 0.5, ours: way(30, 0.28), defaults: way(20, 0.26) },
    { model: 'worse', bytes: 1000, top1: null, ours: way(20, 0.25), defaults: way(21, 0.25) },
    { model: 'larger', bytes: 1000, top1: null, ours: way(Infinity, 0.3), defaults: way(9, 0.2) },
  ];
  const table = quantizedTable(rows, 'here');
  assert.equal(
    table.notes.map((note) => note.split(':')[0]),
    ['worse', 'larger'],
  );
  assert.ok(table.rows.every(({ length }) => length === table.head.length));
  const text = plainText(table);
  assert.match(text, /fell short: 2/);
  assert.match(text, /50\.00/);
  assert.match(text, /∞/);
});

x.run();
