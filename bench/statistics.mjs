/** @param {readonly number[]} values at least one */
export function computeMedian(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Combines the measurements of one case by several processes: median, minimum and maximum of each figure.
 * @param {readonly Record<string, number>[]} measurements one per process
 * @returns {Record<string, { median: number, min: number, max: number }>}
 */
export function summarise(measurements) {
  const names = Object.keys(measurements[0] ?? {})
  return Object.fromEntries(
    names.map(name => {
      const values = measurements.map(measurement => measurement[name])
      return [name, { median: computeMedian(values), min: Math.min(...values), max: Math.max(...values) }]
    }),
  )
}

/** The value that `share` of all are not above. @param {readonly number[]} values at least one */
export function computeQuantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1]
}
