import { FormatError } from '../../../core/errors.ts';
import type { ModelRecord, OperatorCodeRecord, OperatorRecord } from '../records.ts';
import { builtinOperators } from '../schema-table.ts';

/** An operator's name (a custom operator's own name, after `CUSTOM:`) and the record of its code. */
export function opcodeOf(
  operator: OperatorRecord,
  { operatorCodes }: ModelRecord,
  where: string,
): { name: string; code: OperatorCodeRecord } {
  const code = operatorCodes?.[operator.opcodeIndex ?? 0];
  if (code === undefined) {
    throw new FormatError(`there is no operator code ${operator.opcodeIndex ?? 0}`, {
      code: 'E_TFLITE_OPCODE',
      where,
    });
  }
  const number = builtinNumber(code);
  const name = builtinOperators[number] ?? `BUILTIN_${number}`;
  return { name: name === 'CUSTOM' ? `CUSTOM:${code.customCode ?? ''}` : name, code };
}

/** Codes above 127 are only in the newer field; older files have only the other one (schema.fbs, OperatorCode). */
function builtinNumber({ deprecatedBuiltinCode = 0, builtinCode = 0 }: OperatorCodeRecord): number {
  return Math.max(deprecatedBuiltinCode, builtinCode);
}
