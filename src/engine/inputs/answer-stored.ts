import type { Clock } from '../../clock.ts'
import { findInput } from '../../events/inputs.ts'
import { LogEntry } from '../../events/log-entry.ts'
import { EventLog } from '../../log/event-log.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { readResponse } from './answers.ts'
import { inputClosed, inputNotFound } from './input-desk.ts'

/** The answer of a person to a question. */
export type PersonAnswer = { readonly response: unknown } | { readonly decline: true }

/**
 * Answers a question of an execution that no process runs: the answer is appended to its log, and the process that resumes it continues
 * with it. A process that still runs it gets `FENCED`.
 * @throws `INPUT_NOT_FOUND`, `INPUT_CLOSED`, `INVALID_RESPONSE`, `RECORD_UNUSABLE`, what the store throws
 */
export async function answerStored(
  store: ExecutionStore,
  executionId: string,
  inputId: string,
  answer: PersonAnswer,
  clock: Clock,
  by?: string,
): Promise<void> {
  const base = await store.readBase?.(executionId)
  const log = await EventLog.restore(executionId, store, { base })
  const input = findInput(log.state.inputs, inputId)
  if (input === undefined) throw inputNotFound(inputId)
  const { taskId, expiresAt, outcome, secret, kind } = input
  const now = clock.wallTime()
  const hasExpired = expiresAt !== undefined && Date.parse(expiresAt) <= now
  if (outcome !== undefined || hasExpired || log.ending === 'complete') throw inputClosed(inputId)
  const value = 'decline' in answer ? undefined : readResponse(input, answer.response)
  const isDeclined = value === undefined || (kind === 'approval' && value.peek() === false)
  const lease = await store.claim(executionId)
  const isKeptApart = secret === true && value !== undefined
  if (isKeptApart) await store.secrets?.put(lease, inputId, value.text)
  const data = {
    executionId,
    timestamp: new Date(now).toISOString(),
    taskId,
    inputId,
    outcome: isDeclined ? ('declined' as const) : ('answered' as const),
    ...(value !== undefined && !isKeptApart && { response: value.read() }),
    ...(by !== undefined && { by }),
  }
  const entry = new LogEntry(log.head + 1, 'input_resolved', data)
  await store.append(lease, entry.seq, [entry])
}
