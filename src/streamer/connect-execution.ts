import { JsonNumber } from '../json/json-number.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { EventFor, SSEEvent } from '../events/events.ts'
import { findLastLayer } from '../events/last-layer.ts'
import { type SSEStreamer, sseStreamer } from './sse-streamer.ts'
import type { StreamEventInput, StreamMetrics } from './stream-event.ts'

/**
 * Forwards an execution to a streamer until it ends.
 *
 * Events of a task go to the stream `<executionId>.<taskId>`, all others to the stream `<executionId>`: `token`, `metrics` and
 * `info` as such; the end as `complete`, whose response is the output of the workflow, or those of its last layer, or as
 * `error` if no task succeeded, or the execution was cancelled or interrupted; the rest as `custom` events with the event as their data. A streamer of
 * `forStream` receives all of them in its stream.
 *
 * An execution has exactly one `complete` or `error`, so a listener of all streams cannot mistake the end of a task for it: a
 * task ends with the `custom` event of its `task_complete`.
 *
 * @param events of `.stream()`, or of a client
 * @returns resolves when the execution ends, with any status; never rejects
 */
export async function connectExecution(
  events: AsyncIterable<SSEEvent>,
  streamer: SSEStreamer = sseStreamer,
): Promise<void> {
  const passing = new Passing(streamer)
  try {
    for await (const event of events) passing.pass(event)
    passing.abandon('The events stopped before the end of the execution')
  } catch (error) {
    passing.abandon(error instanceof Error ? error.message : 'The events of the execution cannot be read')
  }
}

/** Timing of a task's valid text; wall time, ms. */
interface TaskText {
  readonly firstAt: number
  lastAt: number
  /** Known once its attempt is over. */
  tokenCount: number
}

/** State of one execution while it is forwarded. */
class Passing {
  readonly #streamer: SSEStreamer
  #executionId: string | undefined
  /** Outputs of the last layer's tasks, in order; `finally` tasks are not among them. */
  readonly #responses = new Map<string, string>()
  #startedAt = 0
  /** By task. */
  readonly #texts = new Map<string, TaskText>()
  #isOver = false

  constructor(streamer: SSEStreamer) {
    this.#streamer = streamer
  }

  pass(event: SSEEvent): void {
    const { executionId, timestamp } = event.data
    this.#executionId = executionId
    switch (event.type) {
      case 'token': {
        const { taskId, text } = event.data
        this.#textOf(taskId, timestamp).lastAt = Date.parse(timestamp)
        return this.#send({ type: 'token', data: text }, taskId)
      }
      case 'metrics': {
        const { ttftMs: ttft, tokensPerSec, tokenCount, taskId } = event.data
        this.#textOf(taskId, timestamp).tokenCount = tokenCount
        return this.#send({ type: 'metrics', data: { ttft, tokensPerSec } }, taskId)
      }
      case 'info':
        return this.#send({ type: 'info', data: { message: event.data.message } }, event.data.taskId)
      case 'execution_complete':
        return this.#complete(event)
      case 'error':
        return this.abandon(event.data.error)
      case 'execution_start':
        this.#startedAt = Date.parse(timestamp)
        for (const taskId of findLastLayer(event.data) ?? []) this.#responses.set(taskId, '')
        break
      case 'task_complete':
        if (this.#responses.has(event.data.taskId)) this.#responses.set(event.data.taskId, toText(event.data.output))
        break
      case 'task_retry':
        this.#texts.delete(event.data.taskId)
        break
      case 'task_start':
      case 'task_progress':
      case 'token_usage':
      case 'tasks_added':
      case 'tasks_removed':
      case 'plan_rejected':
      case 'plan_sealed':
      case 'tasks_stopping':
      case 'input_required':
      case 'input_resolved':
      case 'execution_stopping':
      case 'execution_handed_off':
      case 'execution_resumed':
      case 'execution_parked':
      case 'snapshot':
        break
    }
    this.#send({ type: 'custom', data: event }, 'taskId' in event.data ? event.data.taskId : undefined)
  }

  /** Ends the stream with an error, unless it has ended. */
  abandon(message: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#send({ type: 'error', data: { message } })
  }

  #complete({ data }: EventFor<'execution_complete'>): void {
    const { status, reason, errorCount, totalTasks } = data
    if (status === 'cancelled') return this.abandon(reason?.message ?? 'The execution was cancelled')
    if (status === 'error') return this.abandon(`None of ${totalTasks} tasks succeeded, ${errorCount} failed`)
    this.#isOver = true
    const outputs = [...this.#responses.values()].filter(text => text !== '')
    const response = data.output === undefined ? outputs.join('\n\n') : toText(data.output)
    this.#send({ type: 'complete', data: { response, metrics: this.#measure(data.totalExecutionTimeMs) } })
  }

  #textOf(taskId: string, timestamp: string): TaskText {
    let text = this.#texts.get(taskId)
    if (text === undefined) {
      const now = Date.parse(timestamp)
      text = { firstAt: now, lastAt: now, tokenCount: 0 }
      this.#texts.set(taskId, text)
    }
    return text
  }

  #measure(totalTime: number): StreamMetrics {
    let firstAt = Infinity
    let lastAt = -Infinity
    let tokens = 0
    for (const text of this.#texts.values()) {
      firstAt = Math.min(firstAt, text.firstAt)
      lastAt = Math.max(lastAt, text.lastAt)
      tokens += text.tokenCount
    }
    if (firstAt === Infinity) return { ttft: 0, totalTime, tokens: 0, tokensPerSec: 0 }
    const seconds = (lastAt - firstAt) / 1000
    // Wall clocks may step back.
    const ttft = Math.max(0, firstAt - this.#startedAt)
    return { ttft, totalTime, tokens, tokensPerSec: seconds > 0 ? Math.max(0, tokens - 1) / seconds : 0 }
  }

  #send(event: StreamEventInput, taskId?: string): void {
    const place = [this.#executionId, taskId].filter(id => id !== undefined).join('.')
    this.#streamer.emit('stream-event', { ...event, ...(place !== '' && { streamId: place }) })
  }
}

/** A string unchanged, the text of a model's output, or JSON. */
function toText(output: unknown): string {
  if (output === undefined) return ''
  if (typeof output === 'string') return output
  if (output instanceof JsonNumber) return output.text
  const { text } = (output ?? {}) as { text?: unknown }
  return typeof text === 'string' ? text : stringifyJson(output)
}
