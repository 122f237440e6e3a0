import { isRecordUnusable } from '../../errors.ts'
import { JsonValue } from '../../events/json-value.ts'
import { describeError } from '../../log/describe-error.ts'
import { EventLog } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionRecord, ExecutionStore } from '../../store/execution-store.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { checkRecorded, parseWorkflow } from '../resume/recorded-execution.ts'
import { parseRecorded, readForkedFrom } from '../resume/recorded-options.ts'
import { RecordedTasks } from './recorded-tasks.ts'
import type { ForkSource } from './takeover.ts'

/**
 * Reads what the tasks of an execution have come to so far. It needs none of their tools.
 * @throws `RECORD_UNUSABLE` for a damaged record or log; the errors of the store
 */
export async function readRecordedTasks(stored: ExecutionRecord, store: ExecutionStore): Promise<RecordedTasks> {
  const recorded = await readUndescribedTasks(stored, store)
  const document = parseWorkflow(stored.workflow)
  const whole = recorded.describeDocument(document)
  const changed = whole === document ? {} : { workflow: stringifyJson(whole) }
  const { plan: buildPlan } = checkRecorded({ ...stored, ...changed }, new ToolRegistry())
  recorded.describeBy(await buildPlan())
  return recorded
}

/** The same without the plan of the document, which takes most of the time: for a caller that builds it anyway. */
export async function readUndescribedTasks(
  { executionId, input: text }: ExecutionRecord,
  store: ExecutionStore,
): Promise<RecordedTasks> {
  const input = text === undefined ? undefined : JsonValue.from(parseRecorded('input', text))
  const base = await callStore(() => store.readBase?.(executionId))
  const { state } = await EventLog.restore(executionId, store, { base, restoresOutputs: true })
  return new RecordedTasks(input, state)
}

/**
 * What a fork that is resumed takes the rest of its outputs from; `undefined` for an execution that is no fork, and where the
 * recorded execution has been deleted or is damaged: then the rest runs.
 */
export async function findForkSource(
  { executionId, options }: ExecutionRecord,
  store: ExecutionStore,
  logger: Logger,
): Promise<ForkSource | undefined> {
  const forkedFrom = readForkedFrom(options)
  const recorded = forkedFrom && (await callStore(() => store.get(forkedFrom.executionId)))
  if (forkedFrom === undefined || recorded === undefined) return undefined
  try {
    return { recorded: await readRecordedTasks(recorded, store), from: forkedFrom.from }
  } catch (error) {
    if (!isRecordUnusable(error)) throw error
    const fields = { executionId, forkedFrom: forkedFrom.executionId, error: describeError(error) }
    logger.warn('A fork takes nothing more over: what it was made from is damaged', fields)
    return undefined
  }
}
