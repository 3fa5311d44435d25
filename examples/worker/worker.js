// Classifies a digit at the edge: POST 28 × 28 bytes, white on black, get JSON.
import { createSession, readModel } from 'modelpress';
import model from './digits.onnx';

const pixels = 28 * 28;
let session;

export default {
  async fetch(request) {
    if (request.method !== 'POST') return new Response('POST a picture\n', { status: 405 });
    const image = new Uint8Array(await request.arrayBuffer());
    if (image.length !== pixels)
      return new Response(`${pixels} bytes expected, got ${image.length}\n`, { status: 400 });
    session ??= createSession(await readModel(model));
    const data = Float32Array.from(image, (value) => value / 255);
    const { probabilities } = session.run({
      image: { type: 'float32', data, dims: [1, 1, 28, 28] },
    });
    const list = [...probabilities.data];
    return Response.json({ digit: list.indexOf(Math.max(...list)), probabilities: list });
  },
};
