// Every kernel in baseline SIMD. All memory belongs to the caller: pointers in, no allocation, no static data.
export * from './reduce';
export * from './quantize';
export * from './dequantize';
export * from './expand';
export * from './nibble';
export * from './float16';
export * from './int8';
export * from './generated/int8-i16';
export * from './block';
