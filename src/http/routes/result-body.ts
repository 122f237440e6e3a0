import type { TaskResult } from '../../events/events.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { TaskState } from '../../events/state.ts'
import { toTaskResult } from '../../engine/task-results.ts'
import type { ChunkSource } from '../../sse/pull-body.ts'
import type { LogStorage } from '../../log/event-log.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { TextChunks } from './text-chunks.ts'

/** About how much is written at one go, characters. */
const CHUNK_CHARS = 64 * 1024

/**
 * The `ExecutionResult` of an execution as JSON, in chunks, once it has ended.
 *
 * Outputs are JSON already and are set in as they are: the whole is never put together in memory, nor made at one go.
 * It fails when the execution could not finish its work.
 */
export class ResultChunks implements ChunkSource {
  readonly #hosted: HostedExecution
  readonly #storage: LogStorage
  /** Read at once: a damaged record is refused before anything is sent. */
  readonly #taskIds: readonly string[]
  readonly #prefix: string
  readonly #suffix: string
  readonly #cursor: { onReadable(callback: (() => void) | undefined): void; close(): void }
  readonly #errors: string[] = []
  /** The task whose result comes next; -1 before the head. */
  #next = -1
  #isWritten = false
  /** Written, and not taken yet. */
  readonly #texts = new TextChunks()

  /** `prefix` and `suffix` stand around the result. @throws `RECORD_UNUSABLE` */
  constructor(hosted: HostedExecution, storage: LogStorage, prefix = '', suffix = '') {
    this.#hosted = hosted
    this.#taskIds = hosted.taskIds
    this.#storage = storage
    this.#prefix = prefix
    this.#suffix = suffix
    // A reader that never reads: it is called at every entry, the last one included.
    this.#cursor = hosted.log.open(hosted.log.head)
  }

  get done(): boolean {
    return this.#isWritten && this.#texts.done
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#cursor.onReadable(callback)
  }

  close(): void {
    this.#texts.close()
    this.#cursor.close()
  }

  take(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (!this.#texts.done) return this.#texts.take()
    const { ending } = this.#hosted.log
    if (ending === undefined || this.#isWritten) return undefined
    if (ending !== 'complete') throw new Error(`Execution \`${this.#hosted.executionId}\` could not finish its work`)
    return this.#write() ?? this.#texts.take()
  }

  /** Writes about one chunk. A promise only where an output is read from the store. */
  #write(): undefined | Promise<Uint8Array | undefined> {
    const { log } = this.#hosted
    const taskIds = this.#taskIds
    let size = 0
    if (this.#next === -1) {
      this.#next = 0
      size += this.#push(this.#prefix, this.#writeHead())
    }
    while (size < CHUNK_CHARS) {
      if (this.#next === taskIds.length) {
        this.#isWritten = true
        this.#push(this.#writeTail(), this.#suffix)
        return undefined
      }
      const { result } = log.state.tasks.get(taskIds[this.#next] as string) as TaskState
      const { status, output, outputPath } = result as NonNullable<TaskState['result']>
      if (status === 'success' && output === undefined && outputPath !== undefined) {
        return this.#writeLater(result as TaskResult)
      }
      size += this.#writeTask(result as TaskResult, (output as JsonValue | undefined)?.text)
    }
    return undefined
  }

  async #writeLater(result: TaskResult): Promise<Uint8Array | undefined> {
    const json = await this.#storage.getOutput(this.#hosted.executionId, result.taskId)
    if (json === undefined) throw new Error(`The store has lost the output of task \`${result.taskId}\``)
    this.#writeTask(result, json)
    return this.#texts.take()
  }

  /** @returns how many characters that was */
  #writeTask(result: TaskResult, output: string | undefined): number {
    const separator = this.#next === 0 ? '' : ','
    this.#next += 1
    const { taskId, tool, status, attempts, executionTimeMs, waitMs } = result
    if (status === 'success') {
      const head = JSON.stringify({ taskId, tool, status }).slice(0, -1)
      const tail = JSON.stringify({ attempts, executionTimeMs, waitMs }).slice(1)
      return this.#push(`${separator}${head},"output":`, output ?? 'null', `,${tail}`)
    }
    const { error = '', code = 'TOOL_ERROR' } = result
    if (status === 'error') this.#errors.push(JSON.stringify({ taskId, error, code, status }))
    return this.#push(separator + JSON.stringify(toTaskResult(result)))
  }

  #push(...texts: readonly string[]): number {
    this.#texts.push(...texts)
    return texts.reduce((size, text) => size + text.length, 0)
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
