import { exp, log1p, tanh } from './functions.ts';

/** A function of one number. */
export type Scalar = (x: number) => number;

const one = (f: (x: Float64Array) => Float64Array): Scalar => {
  return (x) => f(Float64Array.of(x))[0]!;
};

/** Activations of recurrent cells, one number at a time. */
export const tanhOf: Scalar = one(tanh);
const expOf: Scalar = one(exp);
const log1pOf: Scalar = one(log1p);

export const sigmoidOf: Scalar = (x) => {
  const power = expOf(-Math.abs(x));
  return x >= 0 ? 1 / (1 + power) : power / (1 + power);
};
export const softsign: Scalar = (x) => x / (1 + Math.abs(x));
export const softplusOf: Scalar = (x) => Math.max(x, 0) + log1pOf(expOf(-Math.abs(x)));

/** x below 0 times a slope. */
export const leaky =
  (slope: number): Scalar =>
  (x) =>
    x >= 0 ? x : slope * x;

/** 0 up to a threshold. */
export const thresholded =
  (threshold: number): Scalar =>
  (x) =>
    x > threshold ? x : 0;

/** alpha · tanh(beta · x) */
export const scaledTanh =
  (alpha: number, beta: number): Scalar =>
  (x) =>
    alpha * tanhOf(beta * x);

/** A line within [0, 1]. */
export const hardSigmoid =
  (alpha: number, beta: number): Scalar =>
  (x) =>
    Math.max(0, Math.min(1, alpha * x + beta));

/** alpha · (e^x − 1) below 0. */
export const elu =
  (alpha: number): Scalar =>
  (x) =>
    x >= 0 ? x : alpha * (expOf(x) - 1);
