// The rest of the kernel library, in baseline SIMD: a module of its own, so that who only quantizes need not load it.
export * from './gemm';
export * from './product64';
export * from './eigen';
export * from './secular';
export * from './factor';
export * from './unary';
export * from './unary64';
export * from './binary';
export * from './softmax';
export * from './normalize';
export * from './fold';
export * from './conv';
export * from './int8';
export * from './generated/int8-i16';
export * from './block';
export * from './move';
export * from './pool';
