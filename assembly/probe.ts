/** target[4] = c[4] + dot of a (16 signed bytes) and b (16 bytes whose top bit means what the engine chose).
 *  Operands come from memory so that no compiler folds the engine's choice away. */
export function relaxed_dot(a: usize, b: usize, c: usize, target: usize): void {
  v128.store(target, i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a), v128.load(b), v128.load(c)));
}
