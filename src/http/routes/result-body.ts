import type { TaskResult } from '../../events/events.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { TaskState } from '../../events/execution-state.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { ResultTree, toTaskResult } from '../../engine/task-results.ts'
import type { ChunkSource } from '../../sse/pull-body.ts'
import type { LogStorage } from '../../log/event-log.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { TextChunks } from './text-chunks.ts'

/** Approximate size of one write, characters. */
const CHUNK_CHARS = 64 * 1024

/** A partly written list of results. */
interface OpenList {
  readonly tasks: readonly TaskState[]
  next: number
}

/**
 * The `ExecutionResult` of an execution as JSON, in chunks, once it has ended.
 *
 * Outputs are inserted as the JSON that they are: the whole text is never in memory, and never made in one piece. It fails
 * if the execution could not be completed.
 */
export class ResultChunks implements ChunkSource {
  readonly #hosted: HostedExecution
  readonly #storage: LogStorage
  /** Read in the constructor: a damaged record is refused before anything is sent. */
  readonly #prefix: string
  readonly #suffix: string
  readonly #cursor: { onReadable(callback: (() => void) | undefined): void; close(): void }
  readonly #errors: string[] = []
  #tree: ResultTree | undefined
  /** The tasks of the document, then the children of each parent that is being written. */
  readonly #open: OpenList[] = []
  #isWritten = false
  /** Written but not yet consumed. */
  readonly #texts = new TextChunks()

  /** `prefix` and `suffix` stand around the result. @throws `RECORD_UNUSABLE` */
  constructor(hosted: HostedExecution, storage: LogStorage, prefix = '', suffix = '') {
    this.#hosted = hosted
    // Refuses a damaged record before anything is written. Tasks may still join the document.
    void hosted.taskIds
    this.#storage = storage
    this.#prefix = prefix
    this.#suffix = suffix
    // This cursor never reads: it only signals new entries, the last one included.
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
    return this.#tree === undefined ? this.#begin() : (this.#write(this.#tree) ?? this.#texts.take())
  }

  async #begin(): Promise<Uint8Array | undefined> {
    const { state } = this.#hosted.log
    this.#tree = await ResultTree.of(state)
    this.#open.push({ tasks: this.#hosted.taskIds.map(id => state.tasks.get(id) as TaskState), next: 0 })
    this.#push(this.#prefix, this.#writeHead())
    return (await this.#write(this.#tree)) ?? this.#texts.take()
  }

  /** Writes about one chunk. Returns a promise only if an output is read from the store. */
  #write(tree: ResultTree): undefined | Promise<Uint8Array | undefined> {
    let size = 0
    while (size < CHUNK_CHARS) {
      const list = this.#open.at(-1)
      if (list === undefined) return this.#writeEnd()
      const task = list.tasks[list.next]
      if (task === undefined) {
        size += this.#push(this.#open.length === 1 ? ']' : ']}')
        this.#open.pop()
        continue
      }
      const { status, output, outputPath } = task.result as NonNullable<TaskState['result']>
      const isHeld = tree.isHeld(task)
      if (status === 'success' && output === undefined && outputPath !== undefined && !isHeld) {
        return this.#readOutput(task.taskId, json => this.#writeTask(task, json))
      }
      size += this.#writeTask(task, isHeld ? undefined : ((output as JsonValue | undefined)?.text ?? 'null'))
    }
    return undefined
  }

  async #readOutput(taskId: string, write: (json: string) => void): Promise<Uint8Array | undefined> {
    const json = await this.#storage.getOutput(this.#hosted.executionId, taskId)
    const whose = taskId === WHOLE_EXECUTION ? 'the workflow' : `task \`${taskId}\``
    if (json === undefined) throw new Error(`The store has lost the output of ${whose}`)
    write(json)
    return this.#texts.take()
  }

  /**
   * Writes the result of a task up to the list of its children, if it has any.
   * @param output output of a successful task, unless the output of its parent holds it
   * @returns the number of characters written
   */
  #writeTask(task: TaskState, output: string | undefined): number {
    const list = this.#open.at(-1) as OpenList
    const separator = list.next === 0 ? '' : ','
    list.next += 1
    const result = task.result as TaskResult
    this.#addError(result)
    const children = this.#tree?.childrenOf(task)
    if (children !== undefined) this.#open.push({ tasks: children.tasks, next: 0 })
    const end = children === undefined ? '}' : `,"${children.field}":[`
    const { taskId, tool, status, attempts, executionTimeMs, waitMs, reusedFrom } = result
    if (status !== 'success' || output === undefined) {
      return this.#push(separator + JSON.stringify(toTaskResult(result, true)).slice(0, -1), end)
    }
    const head = JSON.stringify({ taskId, tool, status }).slice(0, -1)
    const tail = JSON.stringify({ attempts, executionTimeMs, waitMs, reusedFrom }).slice(1, -1)
    return this.#push(`${separator}${head},"output":`, output, `,${tail}${end}`)
  }

  /** Adds the failure of a task of the document to `errors`, unless it is tolerated. */
  #addError({ taskId, status, error = '', code = 'TOOL_ERROR', optional }: TaskResult): void {
    if (status !== 'error' || optional || this.#open.length > 1) return
    this.#errors.push(JSON.stringify({ taskId, error, code, status }))
  }

  #push(...texts: readonly string[]): number {
    this.#texts.push(...texts)
    return texts.reduce((size, text) => size + text.length, 0)
  }

  #writeHead(): string {
    const { executionId, status, reason } = this.#hosted.log.state
    return `${JSON.stringify({ executionId, status, ...(reason && { reason }) }).slice(0, -1)},"results":[`
  }

  #writeEnd(): undefined | Promise<Uint8Array | undefined> {
    const { output, outputReference } = this.#hosted.log.state
    if (output === undefined && outputReference !== undefined) {
      return this.#readOutput(WHOLE_EXECUTION, json => this.#writeTail(json))
    }
    this.#writeTail((output as JsonValue | undefined)?.text)
    return undefined
  }

  #writeTail(output: string | undefined): void {
    const { counts, totals, tokenUsage, outputError } = this.#hosted.log.state
    const tail = JSON.stringify({
      executionTimeMs: totals?.totalExecutionTimeMs,
      parallelizationLayers: totals?.parallelizationLayers,
      ...counts,
      speedup: totals?.speedup,
      criticalPathMs: totals?.criticalPathMs,
      ...(tokenUsage && { tokenUsage }),
      ...(outputError && { outputError }),
    })
    this.#isWritten = true
    this.#push(`,"errors":[${this.#errors.join(',')}],${tail.slice(1, -1)}`)
    if (output !== undefined) this.#push(',"output":', output)
    this.#push('}', this.#suffix)
  }
}
