// Functions of f64 numbers, element by element; x and y may be the same.
import { sine1 } from './circular64';
import { erf1, exp1, log1, pow1, tanh1 } from './math64';

// @ts-ignore: decorator
@inline
function canonical(v: f64): f64 {
  return v == v ? v : reinterpret<f64>(0x7ff8000000000000);
}

export function f64_exp(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(exp1(load<f64>(x + (i << 3)), 0)));
}

export function f64_log(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(log1(load<f64>(x + (i << 3)))));
}

export function f64_tanh(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(tanh1(load<f64>(x + (i << 3)))));
}

export function f64_erf(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(erf1(load<f64>(x + (i << 3)))));
}

export function f64_sin(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(sine1(load<f64>(x + (i << 3)), 0)));
}

export function f64_cos(x: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) store<f64>(y + (i << 3), canonical(sine1(load<f64>(x + (i << 3)), 1)));
}

/** z = a^b. */
export function f64_pow(a: usize, b: usize, y: usize, count: u32): void {
  for (let i: usize = 0; i < count; i++) {
    store<f64>(y + (i << 3), canonical(pow1(load<f64>(a + (i << 3)), load<f64>(b + (i << 3)))));
  }
}
