import type { Tolerance } from '../checked-document.ts'

/** Parses `tolerate`: a number of items, or a share such as `10%`. */
export function parseTolerance(tolerate: number | string): Tolerance {
  return typeof tolerate === 'number' ? { count: tolerate } : { share: Number(tolerate.slice(0, -1)) / 100 }
}

/** Number of items that may fail. A share is rounded down: 10% of 25 items are 2. */
export function countTolerated(tolerance: Tolerance, items: number): number {
  if ('count' in tolerance) return tolerance.count
  // 29% of 100 items are 28.999999999999996 in doubles.
  return Math.floor(tolerance.share * items + 1e-9)
}

/** The form of a document. */
export function describeTolerance(tolerance: Tolerance): number | string {
  // Rounded for the same reason: 0.07 is 7.000000000000001%.
  return 'count' in tolerance ? tolerance.count : `${Number((tolerance.share * 100).toPrecision(12))}%`
}
