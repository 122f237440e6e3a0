import type { Forecast } from '../../forecast/forecast.ts'
import { padColumns } from './columns.ts'
import { formatCount, formatMs, toPlainLine } from './text.ts'
import { renderUsage } from './summary.ts'

/** Maximum number of tasks of the critical path that are shown. */
const MAX_PATH = 12

/** Renders a forecast for people. */
export function renderForecast(forecast: Forecast): string {
  const { makespanMs, criticalPath, criticalPathMs, tokenUsage, cost, tools, unknown } = forecast
  const { unknownCounts = [], isTooLarge } = forecast
  const lines = [`Makespan: ${showMs(makespanMs.layers)} by layers, ${showMs(makespanMs.dataflow)} by dataflow`]
  if (criticalPath !== null) {
    const rest = criticalPath.length > MAX_PATH ? ` → … (${formatCount(criticalPath.length - MAX_PATH)} more)` : ''
    lines.push(`Critical path: ${showMs(criticalPathMs)}, ${criticalPath.slice(0, MAX_PATH).join(' → ')}${rest}`)
  }
  if (tokenUsage !== null) lines.push(renderUsage({ ...tokenUsage, ...(cost !== undefined && { totalCost: cost }) }))
  const [planners, others] = [true, false].map(has => unknown.filter(name => (tools[name]?.count ?? 0) > 0 === has))
  if (others?.length) lines.push(`No history of: ${others.join(', ')}`)
  if (planners?.length) lines.push(`Unknown what they will plan: ${planners.join(', ')}`)
  if (unknownCounts.length > 0) lines.push(`Unknown number of items or rounds: ${unknownCounts.join(', ')}`)
  if (isTooLarge) lines.push('Too many items and rounds for a forecast')
  const names = Object.keys(tools)
  const width = Math.max(...names.map(name => name.length))
  for (const name of names) {
    const tool = tools[name]
    if (tool === undefined || tool.count === 0) continue
    const calls = tool.count === 1 ? '1 call' : `${formatCount(tool.count)} calls`
    lines.push(`  ${padColumns(name, width)}  p50 ${showMs(tool.p50Ms)}, p90 ${showMs(tool.p90Ms)} of ${calls}`)
  }
  return `${lines.map(line => toPlainLine(line)).join('\n')}\n`
}

function showMs(ms: number | null): string {
  return ms === null ? 'unknown' : formatMs(ms)
}
