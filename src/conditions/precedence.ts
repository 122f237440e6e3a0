import type { BinaryOperator } from './syntax-tree.ts'

/** Levels of CEL's grammar from the weakest; relations are one level. */
export const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  in: 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
}

export function isBinaryOperator(symbol: string): symbol is BinaryOperator {
  return Object.hasOwn(PRECEDENCE, symbol)
}
