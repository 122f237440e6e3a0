import { stringifyJson } from '../../json/stringify-json.ts'
import { fitColumns } from '../render/columns.ts'
import { describeOrigin } from '../render/event-lines.ts'
import { formatMs, formatNumberOf, formatUsage, toPlainLine } from '../render/text.ts'
import type { ComparedTask, Comparison, TaskComparison } from './compare.ts'

/** Tasks that are printed at most; --json has all. */
const MAX_SHOWN = 100

/** Columns of one value. */
const VALUE_COLUMNS = 100

/** A comparison for people: the tasks that differ, the first one first, with both values of what differs. */
export function renderComparison({ a, b, firstDivergence, tasks }: Comparison): string {
  const differing = tasks.filter(({ differences }) => differences.length > 0)
  const sameCount = tasks.length - differing.length
  const lines = [`a ${a.executionId} ${toPlainLine(a.status)}`, `b ${b.executionId} ${toPlainLine(b.status)}`]
  if (firstDivergence !== null) lines.push(`first divergence: ${toPlainLine(firstDivergence)}`)
  for (const task of differing.slice(0, MAX_SHOWN)) lines.push('', ...describeTask(task))
  if (differing.length > MAX_SHOWN)
    lines.push('', `… ${formatNumberOf(differing.length - MAX_SHOWN, 'more task')} differ`)
  const verb = sameCount === 1 ? 'is' : 'are'
  if (sameCount > 0) lines.push('', `${formatNumberOf(sameCount, 'task')} ${verb} the same`)
  return `${lines.join('\n')}\n`
}

function describeTask({ taskId, differences, a, b }: TaskComparison): string[] {
  const lines = [`≠ ${toPlainLine(taskId)}`]
  const add = (name: string, side: 'a' | 'b', value: string): void => {
    lines.push(fitColumns(`  ${name.padEnd(10)}${side} ${toPlainLine(value)}`, VALUE_COLUMNS))
  }
  const addBoth = (name: string, read: (task: ComparedTask) => string | undefined): void => {
    for (const [side, task] of [
      ['a', a],
      ['b', b],
    ] as const) {
      const value = task === null ? undefined : read(task)
      if (value !== undefined) add(name, side, value)
    }
  }
  if (a === null || b === null) lines.push(`  only in ${a === null ? 'b' : 'a'}`)
  const shown = differences.includes('task')
    ? (['tool', 'arguments', 'status', 'output', 'error'] as const)
    : differences
  for (const name of shown) {
    if (name !== 'task') addBoth(name, task => (task[name] === undefined ? undefined : writeValue(task[name])))
  }
  addBoth('time', ({ attempts, executionTimeMs, reusedFrom }) => {
    if (reusedFrom !== undefined) return describeOrigin(reusedFrom, taskId)
    if (executionTimeMs === undefined) return undefined
    return `${formatMs(executionTimeMs)} in ${formatNumberOf(attempts, 'attempt')}`
  })
  addBoth('usage', ({ tokenUsage }) => tokenUsage && formatUsage(tokenUsage))
  return lines
}

function writeValue(value: unknown): string {
  return typeof value === 'string' ? value : stringifyJson(value)
}
