import type { ExecutionRecord, ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { type ExecutionSummary, summarize } from '../../store/execution-summary.ts'
import { callStore } from '../../store/call-store.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { ListFilter } from './list-filter.ts'
import { type ShownStatus, showStatus } from '../execution/shown-status.ts'

/** Number of executions per read if a filter may match few of them. */
const CHUNK = 250

/** The last execution of a page: the next page begins after it. */
export type PageEnd = Pick<ExecutionRecord, 'createdAt' | 'executionId'>

/** An execution as a list shows it. */
export interface ListedExecution extends ExecutionSummary {
  readonly executionId: string
  readonly status: ShownStatus
  readonly createdAt: string
  /** Tasks whose tool is being called; only of executions of this process. */
  readonly runningCount?: number
}

/** The requested part of a list. */
export interface ListRequest {
  readonly owner: string | undefined
  readonly filter: ListFilter
  readonly after: PageEnd | undefined
  readonly limit: number
}

/** Lists the executions of a store, with the live figures of those that run here. */
export class ExecutionList {
  readonly #store: ExecutionStore
  readonly #findRunning: (executionId: string) => HostedExecution | undefined

  constructor(store: ExecutionStore, findRunning: (executionId: string) => HostedExecution | undefined) {
    this.#store = store
    this.#findRunning = findRunning
  }

  /** Oldest first, at most `limit`, behind `after`. Without an owner: those that have none. */
  async list({ owner, filter, after, limit }: ListRequest): Promise<ListedExecution[]> {
    const { status, name, since } = filter
    const size = status === undefined && name === undefined ? limit : Math.max(limit, CHUNK)
    const found: ListedExecution[] = []
    // No id is empty: an execution created at that very moment follows.
    let last = since !== undefined && since > (after?.createdAt ?? '') ? { createdAt: since, executionId: '' } : after
    for (;;) {
      const options = { ...(owner !== undefined && { owner }), ...(last && { after: last }), limit: size }
      const page = await callStore(() => this.#store.list(options))
      const own = page.filter(each => each.owner === owner && (status === undefined || showStatus(each) === status))
      // Executions beyond the end of the page are not summarized.
      const listed = await this.#summarize(name === undefined ? own.slice(0, limit - found.length) : own)
      found.push(...listed.filter(each => name === undefined || each.name === name))
      last = page.at(-1)
      if (page.length < size || found.length >= limit) return found.slice(0, limit)
    }
  }

  async #summarize(executions: readonly StoredExecution[]): Promise<ListedExecution[]> {
    const summaries = await this.#askSummaries(executions)
    return executions.map(({ executionId, status, parked, createdAt }, at) => {
      const head = { executionId, status: showStatus({ status, parked }), createdAt, ...summaries[at] }
      const running = status === 'running' ? this.#findRunning(executionId) : undefined
      if (running === undefined) return head
      const { counts, name, tokenUsage } = running.log.state
      const runningCount = running.activity?.running
      return {
        ...head,
        ...(name !== undefined && { name }),
        ...(counts.totalTasks > 0 && counts),
        ...(tokenUsage && { tokenUsage }),
        ...(runningCount !== undefined && { runningCount }),
      }
    })
  }

  /** The summaries; for a store without `summarize`, from the documents. */
  async #askSummaries(executions: readonly StoredExecution[]): Promise<readonly ExecutionSummary[]> {
    const store = this.#store
    const ids = executions.map(({ executionId }) => executionId)
    if (ids.length === 0) return []
    if (store.summarize !== undefined) return callStore(() => store.summarize?.(ids) ?? [])
    const summaries: ExecutionSummary[] = []
    for (const { executionId, workflow } of executions) {
      const text = workflow ?? (await callStore(() => store.get(executionId)))?.workflow
      summaries.push(summarize({ workflow: text }))
    }
    return summaries
  }
}
