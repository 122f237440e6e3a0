import type { Colors } from 'picocolors/types.js'
import type { EventFor, SSEEvent } from '../../events/events.ts'
import { describeEvent } from './event-lines.ts'
import { formatCount } from './text.ts'

/**
 * Describes events as log lines, as `describeEvent` does, but folds each fan-out into one line at its end: what succeeds or is
 * skipped below it has no line of its own.
 *
 * It keeps one entry for each fan-out that runs, and none for items.
 */
export class FanOutLines {
  readonly #colors: Colors
  /** By the id of the outermost fan-out. */
  readonly #running = new Map<string, { readonly size: number; failedCount: number }>()

  constructor(colors: Colors) {
    this.#colors = colors
  }

  /** `undefined` for events that have no line. */
  describe(event: SSEEvent): string | undefined {
    if (event.type === 'task_start') this.#start(event.data)
    if (event.type !== 'task_complete') return describeEvent(event, this.#colors)
    const line = describeEvent(event, this.#colors)
    const { taskId, status } = event.data
    const outer = this.#findOuter(taskId)
    const own = this.#running.get(taskId)
    if (outer !== undefined) {
      const isItem = taskId.indexOf(']', outer.length) === taskId.length - 1
      const fanOut = this.#running.get(outer)
      if (fanOut !== undefined && isItem && status === 'error') fanOut.failedCount += 1
      return status === 'error' ? line : undefined
    }
    this.#running.delete(taskId)
    if (own === undefined || status !== 'success') return line
    const failed = own.failedCount === 0 ? '' : `, ${formatCount(own.failedCount)} failed`
    return `${line} · ${formatCount(own.size)} ${own.size === 1 ? 'item' : 'items'}${failed}`
  }

  #start({ taskId, itemCount }: EventFor<'task_start'>['data']): void {
    if (itemCount === undefined || this.#findOuter(taskId) !== undefined) return
    this.#running.set(taskId, { size: itemCount, failedCount: 0 })
  }

  /** The fan-out that a task is below: the ids of its items begin with its own and `[`, which no id of a document holds. */
  #findOuter(taskId: string): string | undefined {
    for (let at = taskId.indexOf('['); at >= 0; at = taskId.indexOf('[', at + 1)) {
      const outer = taskId.slice(0, at)
      if (this.#running.has(outer)) return outer
    }
    return undefined
  }
}
