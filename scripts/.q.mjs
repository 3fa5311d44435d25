import { readFileSync, writeFileSync } from 'node:fs';
import { readModel, writeModel } from '/work/main/src/formats/index.ts';
import { compress } from '/work/main/src/compress/index.ts';
import { verify } from '/work/main/src/ir/index.ts';
import { compressText } from '/work/main/src/report/index.ts';
import * as ort from 'onnxruntime-node';
const q = JSON.parse(process.env.Q ?? '"int8"');
for (const f of process.argv.slice(2)) {
  const b = new Uint8Array(readFileSync(f));
  try { const t=performance.now(); const m = await readModel(b); const r = await compress(m, {quantize: q}); verify(r.model); verify(m); const o = await writeModel(r.model); const ms = performance.now()-t;
   r.report.bytesAfter = o.length;
   if (process.env.V) console.log(compressText(r.report));
   writeFileSync('/tmp/out.onnx', o);
   let s='not run'; try { const sess = await ort.InferenceSession.create(o, {logSeverityLevel: 3}); s='loads'; } catch (e) { s = 'ORT: ' + e.message.slice(0,300); }
   const again = await writeModel(await readModel(o));
   console.log(f.split('/').pop(), b.length, o.length, (o.length/b.length).toFixed(3), ms.toFixed(0)+'ms', s, Math.min(...r.report.layers.map(l=>l.sqnrDb)).toFixed(1), Buffer.compare(again,o)===0, JSON.stringify(Object.entries(Object.groupBy?.(r.report.kept, k=>k.code) ?? r.report.kept.reduce((a,k)=>(a[k.code]=(a[k.code]??0)+1,a),{}))));
  } catch (e) { console.log(f.split('/').pop(), e.name, e.message, e.code, e.where, e.stack.split('\n').slice(1,4).join('|')); }
}
