/**
 * A Markdown table that also reads well on a terminal: the first column to the left, figures to the right.
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number)[])[]} rows
 */
export function formatTable(head, rows) {
  const cells = [head, ...rows].map(row => row.map(String))
  const widths = head.map((_, column) => Math.max(3, ...cells.map(row => row[column].length)))
  const lines = cells.map(row => {
    const padded = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
    return `| ${padded.join(' | ')} |`
  })
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [lines[0], `| ${rule.join(' | ')} |`, ...lines.slice(1)].join('\n')
}

/** Three digits are as much as a bench on a busy machine can mean. @param {number} value */
export function formatNumber(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** @param {{ median: number, min: number, max: number }} figure @param {number} factor from its unit to the one shown */
export function formatRange({ median, min, max }, factor = 1) {
  return `${formatNumber(median * factor)} (${formatNumber(min * factor)}–${formatNumber(max * factor)})`
}
