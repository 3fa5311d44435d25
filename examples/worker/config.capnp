using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "digits.onnx", data = embed "digits.onnx"),
    (name = "kernels.simd.wasm", wasm = embed "kernels.simd.wasm"),
    (name = "kernels.library.wasm", wasm = embed "kernels.library.wasm"),
    (name = "kernels.relaxed.wasm", wasm = embed "kernels.relaxed.wasm"),
  ],
);
