// Classifies pictures of digits in the browser: no server, no settings, one model file.
import { createSession, readModel } from 'modelpress';

const side = 28;
const bytes = async (file) => new Uint8Array(await (await fetch(file)).arrayBuffer());

const began = performance.now();
const session = createSession(await readModel(await bytes('digits.onnx')));
const samples = await bytes('samples.bin');

/** @param image  28 × 28 bytes, white on black
 *  @returns      the digit and how sure the model is */
function classify(image) {
  const data = Float32Array.from(image, (value) => value / 255);
  const { probabilities } = session.run({
    image: { type: 'float32', data, dims: [1, 1, side, side] },
  });
  const sure = Math.max(...probabilities.data);
  return { digit: probabilities.data.indexOf(sure), sure };
}

const text = ({ digit, sure }) => `${digit} (${Math.round(sure * 100)} %)`;

for (let at = 0; at < samples.length; at += side * side) {
  const image = samples.subarray(at, at + side * side);
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const pixels = Uint8ClampedArray.from({ length: side * side * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : image[i >> 2],
  );
  canvas.getContext('2d').putImageData(new ImageData(pixels, side, side), 0, 0);
  const item = document.createElement('li');
  item.append(canvas, text(classify(image)));
  document.querySelector('#samples').append(item);
}
const ms = Math.round(performance.now() - began);
document.querySelector('#status').textContent =
  `Model loaded and all pictures classified in ${ms} ms.`;

const board = document.querySelector('#board');
const pen = board.getContext('2d', { willReadFrequently: true });
pen.lineWidth = 2.2;
pen.lineCap = 'round';
pen.strokeStyle = '#fff';

/** Where the pointer is, in pixels of the picture. */
function place({ offsetX, offsetY }) {
  const scale = side / board.clientWidth;
  return [offsetX * scale, offsetY * scale];
}

board.addEventListener('pointerdown', (event) => {
  pen.beginPath();
  pen.moveTo(...place(event));
});
board.addEventListener('pointermove', (event) => {
  if (event.buttons === 0) return;
  pen.lineTo(...place(event));
  pen.stroke();
  const { data } = pen.getImageData(0, 0, side, side);
  // White on transparent: how opaque a pixel is says how white it is.
  const image = Uint8Array.from({ length: side * side }, (_, i) => data[i * 4 + 3]);
  document.querySelector('#drawn').textContent = text(classify(image));
});
document.querySelector('#clear').addEventListener('click', () => {
  pen.clearRect(0, 0, side, side);
  document.querySelector('#drawn').textContent = '–';
});
