import type { AttemptKey } from '../../attempt/runner.ts'
import type { Order } from '../../cluster/order.ts'

/** The data of a job: which order waits in the store. Its name is that of the tool. */
export interface OrderJob extends AttemptKey {
  readonly owner?: string
  readonly priority: number
}

/** A job as `Queue.addBulk` takes it. */
export interface NewJob {
  readonly name: string
  readonly data: OrderJob
  readonly opts: { readonly jobId: string; readonly priority?: number; readonly lifo?: boolean }
}

/**
 * The job of an order. BullMQ has no priority before the default: orders before it go to the front of the queue. The store
 * decides by the exact priority.
 */
export function toJob({ command, owner, priority }: Order): NewJob {
  const { executionId, taskId, attempt, tool } = command
  const data = { executionId, taskId, attempt, ...(owner !== undefined && { owner }), priority }
  const place = priority < 0 ? { priority: -priority } : { lifo: priority > 0 }
  return { name: tool, data, opts: { jobId: jobIdOf(command), ...place } }
}

/** The id of the job of an order: unique by its key. BullMQ refuses colons. */
export function jobIdOf({ executionId, taskId, attempt }: AttemptKey): string {
  return `${escape(executionId)}.${attempt}.${escape(taskId)}`
}

function escape(text: string): string {
  return text.replace(/[%:.]/g, character => `%${character.charCodeAt(0).toString(16)}`)
}

/** The key in the data of a job; `undefined` for a job of another origin. */
export function readKey(data: unknown): AttemptKey | undefined {
  const { executionId, taskId, attempt } = (data ?? {}) as Readonly<Record<string, unknown>>
  if (typeof executionId !== 'string' || typeof taskId !== 'string' || typeof attempt !== 'number') return undefined
  return { executionId, taskId, attempt }
}
