// Which ONNX files onnxruntime-web's WebAssembly backend loads: a parent process sends them, one after the other.
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

process.on('message', async (bytes: Uint8Array) => {
  let why: string | null = null;
  try {
    const options = { executionProviders: ['wasm'], logSeverityLevel: 4 } as const;
    const session = await ort.InferenceSession.create(bytes, options);
    await session.release();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  process.send!({ why });
});
