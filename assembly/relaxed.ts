// Only what relaxed SIMD makes faster and a value probe makes safe: integer dot products.
export * from './probe';
export * from './generated/int8-dot';
export * from './block-dot';
export * from './depthwise-dot';
