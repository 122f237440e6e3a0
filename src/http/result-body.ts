import type { TaskResult } from '../events/events.ts'
import { JsonValue } from '../events/json-value.ts'
import type { TaskState } from '../events/state.ts'
import { toTaskResult } from '../execute/execution-result.ts'
import type { ChunkSource } from '../sse/pull-body.ts'
import type { LogStorage } from '../stream/event-log.ts'
import type { HostedExecution } from './hosted-execution.ts'

/** About how much one chunk holds, characters; a single larger output is in one chunk. */
const CHUNK_CHARS = 64 * 1024

const encoder = new TextEncoder()

/**
 * The `ExecutionResult` of an execution as JSON, in chunks, once it has ended.
 *
 * Outputs are JSON already and are set in as they are: the whole is never put together in memory, nor made at one go.
 * It fails when the execution could not finish its work.
 */
export class ResultChunks implements ChunkSource {
  readonly #hosted: HostedExecution
  readonly #storage: LogStorage
  readonly #prefix: string
  readonly #suffix: string
  readonly #cursor: { onReadable(callback: (() => void) | undefined): void; close(): void }
  readonly #errors: string[] = []
  /** The task whose result comes next; -1 before the head. */
  #next = -1
  #isDone = false

  /** `prefix` and `suffix` stand around the result. */
  constructor(hosted: HostedExecution, storage: LogStorage, prefix = '', suffix = '') {
    this.#hosted = hosted
    this.#storage = storage
    this.#prefix = prefix
    this.#suffix = suffix
    // A reader that never reads: it is called at every entry, the last one included.
    this.#cursor = hosted.log.open(hosted.log.head)
  }

  get done(): boolean {
    return this.#isDone
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#cursor.onReadable(callback)
  }

  close(): void {
    this.#cursor.close()
  }

  take(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { ending } = this.#hosted.log
    if (ending === undefined || this.#isDone) return undefined
    if (ending !== 'complete') throw new Error(`Execution \`${this.#hosted.executionId}\` could not finish its work`)
    return this.#write('')
  }

  /** Goes on from `text`. A promise only where an output has to be had from the store. */
  #write(text: string): Uint8Array | Promise<Uint8Array> {
    const { taskIds, log } = this.#hosted
    let chunk = text
    if (this.#next === -1) {
      this.#next = 0
      chunk += this.#prefix + this.#writeHead()
    }
    while (this.#next < taskIds.length && chunk.length < CHUNK_CHARS) {
      const { result } = log.state.tasks.get(taskIds[this.#next] as string) as TaskState
      const { taskId, status, output, outputPath } = result as NonNullable<TaskState['result']>
      if (status === 'success' && output === undefined && outputPath !== undefined) {
        return this.#writeLater(chunk, result as TaskResult, taskId)
      }
      chunk += this.#writeTask(result as TaskResult, output as JsonValue | undefined)
    }
    if (this.#next === taskIds.length && chunk.length < CHUNK_CHARS) {
      this.#isDone = true
      chunk += this.#writeTail() + this.#suffix
    }
    return encoder.encode(chunk)
  }

  async #writeLater(chunk: string, result: TaskResult, taskId: string): Promise<Uint8Array> {
    const json = await this.#storage.getOutput(this.#hosted.executionId, taskId)
    if (json === undefined) throw new Error(`The store has lost the output of task \`${taskId}\``)
    return this.#write(chunk + this.#writeTask(result, JsonValue.fromText(json)))
  }

  #writeTask(result: TaskResult, output: JsonValue | undefined): string {
    const separator = this.#next === 0 ? '' : ','
    this.#next += 1
    const { taskId, tool, status, attempts, executionTimeMs, waitMs } = result
    if (status === 'success') {
      const head = JSON.stringify({ taskId, tool, status }).slice(0, -1)
      const tail = JSON.stringify({ attempts, executionTimeMs, waitMs }).slice(1)
      return `${separator}${head},"output":${output?.text ?? 'null'},${tail}`
    }
    const { error = '', code = 'TOOL_ERROR' } = result
    if (status === 'error') this.#errors.push(JSON.stringify({ taskId, error, code, status }))
    return separator + JSON.stringify(toTaskResult(result))
  }

  #writeHead(): string {
    const { executionId, status, reason } = this.#hosted.log.state
    return `${JSON.stringify({ executionId, status, ...(reason && { reason }) }).slice(0, -1)},"results":[`
  }

  #writeTail(): string {
    const { counts, totals, tokenUsage } = this.#hosted.log.state
    const tail = JSON.stringify({
      executionTimeMs: totals?.totalExecutionTimeMs,
      parallelizationLayers: totals?.parallelizationLayers,
      ...counts,
      speedup: totals?.speedup,
      criticalPathMs: totals?.criticalPathMs,
      ...(tokenUsage && { tokenUsage }),
    })
    return `],"errors":[${this.#errors.join(',')}],${tail.slice(1)}`
  }
}
