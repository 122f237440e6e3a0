import { formatNumber, formatTable } from './tables.mjs'

/**
 * A figure that was stated beforehand: what was measured must not be above the target.
 * @typedef {{ name: string, unit: string, measured: number, target: number }} Figure
 */

/** Whether it keeps what was stated. One that was not measured keeps nothing. @param {Figure} figure */
export function isMet({ measured, target }) {
  return measured <= target
}

/** @param {readonly Figure[]} figures */
export function formatFigures(figures) {
  const rows = figures.map(figure => {
    const { name, unit, measured, target } = figure
    const digits = unit === '×' ? 3 : target < 100 ? 2 : 0
    return [
      name,
      `≤ ${formatNumber(target)} ${unit}`,
      `${measured.toFixed(digits)} ${unit}`,
      isMet(figure) ? 'yes' : '**no**',
    ]
  })
  return formatTable(['figure', 'target', 'measured', 'met'], rows)
}
