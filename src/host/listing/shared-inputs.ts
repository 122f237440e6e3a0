import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import type { PageEnd } from './execution-list.ts'
import { type InputPage, type ListedInput, listInputsOf } from './input-list.ts'

/** Executions per read, and the bounds of one page: executions that are looked at, and logs that are read. */
const CHUNK = 250
const MAX_EXECUTIONS = 5000
const MAX_LOGS = 500

/**
 * The open questions of one owner, or of nobody, at all servers of a shared store, of the oldest execution first. A page ends
 * behind the execution with which it reaches `limit`, or a bound: it may hold none although more follow.
 * @param find opens an execution, wherever it runs
 * @throws the errors of the store
 */
export async function listSharedInputs(
  store: ExecutionStore,
  find: (executionId: string) => Promise<HostedExecution | undefined>,
  owner: string | undefined,
  after: PageEnd | undefined,
  limit: number,
): Promise<InputPage> {
  const inputs: ListedInput[] = []
  let last = after
  let logCount = 0
  for (let count = 0; count < MAX_EXECUTIONS; count += CHUNK) {
    const options = { ...(owner !== undefined && { owner }), ...(last && { after: last }), limit: CHUNK }
    const page = await callStore(() => store.list(options))
    for (const { executionId, createdAt, status, parked, owner: whose } of page) {
      last = { createdAt, executionId }
      if (whose !== owner || status !== 'running' || parked !== undefined) continue
      const hosted = await find(executionId)
      if (hosted !== undefined) inputs.push(...listInputsOf(hosted))
      logCount += 1
      if (inputs.length >= limit || logCount >= MAX_LOGS) return { inputs, next: last }
    }
    if (page.length < CHUNK) return { inputs }
  }
  return { inputs, ...(last && { next: last }) }
}
