import { readFileSync } from 'node:fs';
import { readModel, writeModel } from '/work/main/src/formats/index.ts';
import { verify, print } from '/work/main/src/ir/index.ts';
for (const f of process.argv.slice(2)) {
  const b = new Uint8Array(readFileSync(f));
  try { const t=performance.now(); const m = await readModel(b); verify(m); const t1=performance.now(); const o = await writeModel(m); 
  console.log(f.split('/').pop(), b.length, o.length, Buffer.compare(b,o)===0?'IDENTICAL':'differs', (t1-t).toFixed(0)+'ms', m.graph.nodes.filter(n=>n.domain==='ai.onnx.legacy').map(n=>n.op).join());
  } catch (e) { console.log(f.split('/').pop(), e.name, e.message, e.code, e.where, e.stack.split('\n').slice(1,4).join('|')); }
}
