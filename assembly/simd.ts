// What quantizing needs, in baseline SIMD. All memory belongs to the caller: pointers in, no allocation, no static data.
export * from './reduce';
export * from './quantize';
export * from './dequantize';
export * from './expand';
export * from './nibble';
export * from './float16';
