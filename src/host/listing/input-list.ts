import type { InputQuestion } from '../../events/events.ts'
import { listOpenInputs } from '../../events/inputs.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { PageEnd } from './execution-list.ts'

/** An open question with its execution. */
export type ListedInput = InputQuestion & { readonly executionId: string }

/** Open questions, and the execution that the page ends with, if more follow. */
export interface InputPage {
  readonly inputs: readonly ListedInput[]
  readonly next?: PageEnd
}

/** The open questions of an execution. */
export function listInputsOf({ executionId, log }: HostedExecution): ListedInput[] {
  if (log.ending === 'complete') return []
  return listOpenInputs(log.state.inputs).map(input => ({ executionId, ...input }))
}

/**
 * The open questions of one owner, or of nobody, of the oldest execution first. A page ends behind the execution with which it
 * reaches `limit`, so that it may hold more.
 */
export function listInputs(
  running: Iterable<HostedExecution>,
  owner: string | undefined,
  after: PageEnd | undefined,
  limit: number,
): InputPage {
  const asking = Array.from(running).filter(({ record, log }) => {
    return record.owner === owner && log.state.inputs !== undefined && (after === undefined || isBehind(record, after))
  })
  asking.sort((a, b) => (isBehind(a.record, b.record) ? 1 : -1))
  const inputs: ListedInput[] = []
  let last: PageEnd | undefined
  for (const hosted of asking) {
    const open = listInputsOf(hosted)
    if (open.length === 0) continue
    if (inputs.length >= limit && last !== undefined) return { inputs, next: last }
    inputs.push(...open)
    last = { createdAt: hosted.record.createdAt, executionId: hosted.executionId }
  }
  return { inputs }
}

function isBehind(a: PageEnd, b: PageEnd): boolean {
  return a.createdAt === b.createdAt ? a.executionId > b.executionId : a.createdAt > b.createdAt
}
