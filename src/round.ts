/** To three digits behind the point — microseconds of milliseconds: more would be noise, and bytes on the wire. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
