// Every kernel in baseline SIMD. All memory belongs to the caller: pointers in, no allocation, no static data.
export * from './reduce';
export * from './quantize';
export * from './dequantize';
export * from './expand';
export * from './nibble';
export * from './float16';
export * from './gemm';
export * from './product64';
export * from './eigen';
export * from './factor';
export * from './unary';
export * from './unary64';
export * from './binary';
export * from './softmax';
export * from './normalize';
export * from './fold';
export * from './conv';
