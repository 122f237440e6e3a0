import type { Colors } from 'picocolors/types.js'
import type { EventFor, ReusedFrom, SSEEvent } from '../../events/events.ts'
import { colorGlyph, GLYPHS } from './glyphs.ts'
import { formatMs, toPlainLine } from './text.ts'

/** Describes an event as one log line; `undefined` for events that only a live view shows. */
export function describeEvent(event: SSEEvent, colors: Colors): string | undefined {
  if (event.type === 'task_complete') return describeEnd(event.data, colors)
  if (event.type === 'task_retry') {
    const { taskId, attempt, error, code, delayMs } = event.data
    const why = toPlainLine(`attempt ${attempt} failed with ${code}: ${error}`)
    return `${colors.yellow(GLYPHS.retry)} ${toPlainLine(taskId)} ${why}; again in ${formatMs(delayMs)}`
  }
  if (event.type === 'info') {
    const { level, taskId, message } = event.data
    if (level !== 'warning' && level !== 'error') return undefined
    const who = taskId === undefined ? '' : `${toPlainLine(taskId)}: `
    return `${level === 'error' ? colors.red('error') : colors.yellow('warning')} ${who}${toPlainLine(message)}`
  }
  if (event.type === 'plan_rejected') {
    const { line, issues } = event.data
    const why = issues.map(({ code, pointer, message, hint }) => {
      const place = pointer === '' ? '' : ` at ${pointer}`
      return `${code}${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`
    })
    return `${colors.yellow('rejected')} ${toPlainLine(`line ${line}: ${why.join('; ')}`)}`
  }
  if (event.type === 'error') {
    return `${colors.red('error')} ${toPlainLine(`${event.data.code}: ${event.data.error}`)}`
  }
  return undefined
}

function describeEnd(task: EventFor<'task_complete'>['data'], colors: Colors): string {
  const head = `${colorGlyph(task.status, colors)} ${toPlainLine(task.taskId)}`
  const times = task.attempts === 0 ? '' : ` ${colors.dim(formatMs(task.executionTimeMs))}`
  if (task.reusedFrom !== undefined) return `${head} ${colors.dim(describeOrigin(task.reusedFrom, task.taskId))}`
  if (task.status === 'success') return `${head}${times}`
  return `${head}${times} ${toPlainLine(describeFailure(task))}${task.optional ? ' (tolerated)' : ''}`
}

/** Where an output comes from that was taken over; the id of its task only if that is another one. */
export function describeOrigin({ executionId, taskId }: ReusedFrom, ownId: string): string {
  return toPlainLine(`taken over from ${executionId}${taskId === ownId ? '' : `, task ${taskId}`}`)
}

/** Reason why a task did not succeed: its code, its error and, for a skipped task, the root failure. */
export function describeFailure(task: {
  readonly status: string
  readonly code?: string
  readonly error?: string
  readonly causedBy?: string
  readonly abandoned?: true
}): string {
  if (task.causedBy !== undefined) return `skipped because of ${task.causedBy}`
  return `${task.code ?? task.status}: ${task.error ?? ''}${task.abandoned ? ' (abandoned: it did not stop)' : ''}`
}
