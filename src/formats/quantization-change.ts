/** What the rules of TFLite's quantized operators changed in a model, as data for reports. */
export interface QuantizationChange {
  /** The node, or the value, that it is about. */
  readonly where: string;
  readonly kind: ChangeKind;
  /** One sentence. */
  readonly what: string;
  /** Largest possible difference of a real number that comes of it; 0 where it is exact. */
  readonly error: number;
}

/** - `shifted`: uint8 is int8 with another zero point;
 *  - `bias`: a bias in other steps;
 *  - `weights`: weights in other steps, as those that were there are not symmetric;
 *  - `requantized`: a value is quantized twice, first as the operator must have it;
 *  - `constant`: a number becomes integers;
 *  - `reshaped`: another operator that does the same;
 *  - `real`: the node computes with real numbers between DEQUANTIZE and QUANTIZE. */
export type ChangeKind =
  | 'shifted'
  | 'bias'
  | 'weights'
  | 'requantized'
  | 'constant'
  | 'reshaped'
  | 'real';
