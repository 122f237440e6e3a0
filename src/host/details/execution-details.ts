import { isRecordUnusable } from '../../errors.ts'
import type { OutputReference, TaskStatus } from '../../events/events.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { showOutput } from '../../events/wire-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { maskArguments } from '../../tools/mask-arguments.ts'
import type { RegisteredTool } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import { LIMITS } from '../../workflow/document.ts'
import type { HostedExecution } from '../execution/hosted-execution.ts'
import { describeGraph, type GraphTask } from './execution-graph.ts'
import { readAttempts, type TaskAttempt } from './read-attempts.ts'
import { resolveRecorded } from './recorded-arguments.ts'
import { RecordedPlans } from './recorded-plans.ts'

/** A task with what its attempts were given and what they came to. */
export interface TaskDetails extends OutputReference {
  readonly taskId: string
  /** Known once the task has started or ended. */
  readonly tool?: string
  readonly status: TaskStatus
  /** Of its attempts, masked; absent before the first one, and if they are unknown or may not be shown. */
  readonly arguments?: unknown
  /** In place of arguments over 1 MiB. */
  readonly argumentsBytes?: number
  /** The output of a task that succeeded, up to 64 KiB. */
  readonly output?: unknown
  readonly attempts: readonly TaskAttempt[]
}

/** Reads what executions were asked to do, from their records and logs. */
export class ExecutionDetails {
  readonly #store: ExecutionStore
  readonly #tools: ToolResolver
  readonly #plans = new RecordedPlans()

  constructor(store: ExecutionStore, tools: ToolResolver) {
    this.#store = store
    this.#tools = tools
  }

  /** The tasks of the document with their dependencies. Rejects with `RECORD_UNUSABLE` for a record without a document. */
  async graph(hosted: HostedExecution): Promise<readonly GraphTask[]> {
    return describeGraph((await this.#plans.get(hosted.wholeRecord)).plan)
  }

  /** `undefined` for a task that the execution does not have. */
  async task(hosted: HostedExecution, taskId: string): Promise<TaskDetails | undefined> {
    const { executionId, log } = hosted
    const { state } = log
    const task = state.tasks.get(taskId)
    if (task === undefined) return undefined
    const base = await callStore(() => this.#store.readBase?.(executionId))
    const attempts = await readAttempts(log, taskId, (base?.seq ?? 0) + 1)
    // Read after the log, so that it is never older than the attempts.
    const { tool, status, result } = state.tasks.get(taskId) ?? task
    return {
      taskId,
      ...(tool !== undefined && { tool }),
      status,
      ...(await this.#showArguments(hosted, state, task)),
      ...(result?.status === 'success' && describeOutput(executionId, result)),
      attempts,
    }
  }

  async #showArguments(
    hosted: HostedExecution,
    state: ExecutionState,
    task: TaskState,
  ): Promise<Pick<TaskDetails, 'arguments' | 'argumentsBytes'>> {
    if (task.attempts === 0) return {}
    let masked: unknown
    try {
      const resolved = await resolveRecorded(await this.#plans.get(hosted.wholeRecord), state, task, this.#store)
      if (resolved === undefined) return {}
      const tools = await this.#tools.toolsFor({ tasks: [{ id: task.taskId, tool: resolved.tool }] })
      const tool = tools.get(resolved.tool)
      // Only the tool knows which of them are secret. A parent has none: its arguments are the input of its children.
      if (tool === undefined) return {}
      masked = hideSecrets(tool, resolved.value)
    } catch (error) {
      if (isRecordUnusable(error)) return {}
      throw error
    }
    if (masked === undefined) return {}
    const json = JsonValue.fromText(stringifyJson(masked))
    if (json.byteLength > LIMITS.maxBodyBytes) return { argumentsBytes: json.byteLength }
    return { arguments: json.read() }
  }
}

/** The masked arguments; `undefined` where the tool fails to mask them. */
function hideSecrets(tool: RegisteredTool, value: unknown): unknown {
  try {
    return maskArguments(tool, value)
  } catch {
    return undefined
  }
}

/** The output itself, or its size, its beginning and its path. */
function describeOutput(executionId: string, result: NonNullable<TaskState['result']>): object {
  const { taskId, output, outputBytes, outputPreview, outputPath } = result
  if (output instanceof JsonValue) return showOutput(executionId, taskId, output)
  return outputPath === undefined ? {} : { outputBytes, outputPreview, outputPath }
}
