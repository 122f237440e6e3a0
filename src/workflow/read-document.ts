import type { ApprovePolicy, CachePolicy, RepeatPolicy, RetryPolicy, RunOn } from './document.ts'

/** A document after its shape check; invalid fields are `undefined`. */
export interface ReadDocument {
  readonly name?: string
  readonly tasks?: readonly (ReadTask | undefined)[]
  readonly finally?: readonly (ReadTask | undefined)[]
  readonly finallyTimeoutMs?: number
  readonly inputSchema?: object
  readonly output?: unknown
  /** Of a recorded document. */
  readonly workflows?: Readonly<Record<string, unknown>>
}

/** A task after its shape check; invalid fields are `undefined`. */
export interface ReadTask {
  readonly id?: string
  readonly tool?: string
  readonly workflow?: string | ReadDocument
  readonly arguments?: object
  readonly dependsOn?: readonly (string | undefined)[]
  readonly depends_on?: readonly (string | undefined)[]
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  readonly estimatedMs?: number
  readonly name?: string
  readonly when?: string
  readonly runOn?: RunOn
  readonly approve?: boolean | string | ApprovePolicy
  readonly optional?: boolean
  readonly default?: unknown
  readonly forEach?: string | readonly unknown[] | Readonly<Record<string, unknown>>
  readonly concurrency?: number
  readonly tolerate?: number | string
  readonly repeat?: Partial<RepeatPolicy>
  readonly cache?: Partial<CachePolicy>
}

/** Whether a task is more than one call of one tool, after the success of its dependencies. */
export function usesWords(task: ReadTask): boolean {
  return (
    task.workflow !== undefined ||
    task.forEach !== undefined ||
    task.when !== undefined ||
    task.repeat !== undefined ||
    task.cache !== undefined ||
    task.optional === true ||
    (task.approve !== undefined && task.approve !== false) ||
    (task.runOn !== undefined && task.runOn !== 'success')
  )
}
