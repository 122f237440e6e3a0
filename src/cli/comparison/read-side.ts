import type { OutputReference, SSEEventType } from '../../events/events.ts'
import { createState, type ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { LogEntry } from '../../events/log-entry.ts'
import { applyEvent } from '../../events/state.ts'
import { addTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import { describeRecord } from '../../engine/growth/describe-document.ts'
import { checkRecorded } from '../../engine/resume/recorded-execution.ts'
import { RecordedScopes } from '../../engine/reuse/recorded-scopes.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import { readExportedRecord } from '../input/exported-record.ts'
import type { ExecutionSource } from '../target/execution-source.ts'

/** An execution that is compared with another. */
export interface Side {
  readonly executionId: string
  readonly status: string
  /** With whole outputs, as `JsonValue`s. */
  readonly state: ExecutionState
  /** By task, over all attempts. */
  readonly usage: ReadonlyMap<string, TokenUsage>
  /**
   * The resolved arguments of a task; `undefined` where they cannot be known: of a parent, of a task that did not get to run,
   * and of every task where the source does not give the document.
   */
  readonly argumentsOf: (taskId: string) => JsonValue | undefined
}

/** Reads an execution, which may still run. */
export async function readSide(source: ExecutionSource, executionId: string): Promise<Side> {
  const { record, events } = await source.openLog(executionId)
  const state = createState(executionId)
  const usage = new Map<string, TokenUsage>()
  let seq = 0
  for await (const { type, json } of events) {
    seq += 1
    const output = await readReferred(source, executionId, type, json)
    const entry = LogEntry.fromJson(seq, type, json, output)
    applyEvent(state, entry, seq)
    if (entry.type !== 'token_usage') continue
    const { taskId, tokenUsage } = entry.data
    usage.set(taskId, addTokenUsage(usage.get(taskId), tokenUsage))
  }
  const { status } = state
  return { executionId, status, state, usage, argumentsOf: await findArguments(record, state) }
}

/** The output that an event only refers to. */
async function readReferred(
  source: ExecutionSource,
  executionId: string,
  type: SSEEventType,
  json: string,
): Promise<string | undefined> {
  if (type !== 'task_complete' || !json.includes('"outputPath"')) return undefined
  const { taskId, outputPath } = JSON.parse(json) as OutputReference & { readonly taskId: string }
  // The matched text may be part of an output.
  return outputPath === undefined ? undefined : source.readOutput(executionId, taskId)
}

async function findArguments(record: object, state: ExecutionState): Promise<Side['argumentsOf']> {
  const recorded = readExportedRecord(state.executionId, record)
  if (recorded === undefined) return () => undefined
  const checked = checkRecorded(describeRecord(recorded, state), new ToolRegistry())
  const scopes = new RecordedScopes(await checked.plan(), checked.input, state)
  return taskId => {
    const task = state.tasks.get(taskId)
    if (task?.result === undefined || (task.result.status !== 'success' && task.attempts === 0)) return undefined
    try {
      const place = scopes.find(task)
      if (place === undefined || place.definition.group !== undefined) return undefined
      return JsonValue.from(resolveTemplate(place.definition.arguments, place.scope).value)
    } catch {
      // They could not be resolved then either: the error of the task tells why.
      return undefined
    }
  }
}
