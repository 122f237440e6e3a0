import { expectObject, invalidOption } from '../../errors.ts'
import type { SSEEvent } from '../../events/events.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { lockSink } from '../../log/buffered-event-stream.ts'
import { type BufferOptions, resolveBufferOptions } from '../../log/reader-bound.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { breakOff, followPlan } from '../growth/follow-plan.ts'
import { beginLocally } from '../growth/plan-head.ts'
import { PlanLineReader, type PlanSource } from '../growth/plan-lines.ts'
import { type PlanOptions, resolvePlanOptions } from '../growth/plan-options.ts'
import { Execution } from './execution.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import type { ExecutionResult } from '../execution-result.ts'
import { isAtLeastZero, type ResolvedOptions, resolveOptions } from '../options.ts'
import { type ExecuteOptions, ParallelExecutor } from './parallel-executor.ts'
import { type Delivery, SinkReader } from './sink-reader.ts'

/** Options of one call of `stream`. */
export interface StreamOptions extends ExecuteOptions {
  /** Bounds of the buffer between the execution and its reader. */
  readonly buffer?: BufferOptions
  /**
   * Whether a person may answer its questions by the `Execution`: otherwise one without `expiresMs` expires at once, unless
   * `onInput` is given. @defaultValue true
   */
  readonly isAttended?: boolean
}

/** Options of one call of `streamPlan`. */
export interface StreamPlanOptions extends StreamOptions, PlanOptions {
  /** A label for people. */
  readonly name?: string
  /** A text for people and models. */
  readonly description?: string
}

/** Options of one call of `executeWithStreaming`. */
export interface SinkOptions extends Omit<StreamOptions, 'isAttended'> {
  /** Leave the sink open at the end and release its lock. @defaultValue false */
  readonly preventClose?: boolean
  /** Effect of a lost sink on the execution. @defaultValue `"continue"` */
  readonly onSinkClosed?: 'continue' | 'cancel'
  /** Maximum time after the end for the sink to accept the remaining events, ms. @defaultValue 2,000 */
  readonly flushMs?: number
}

/** An `ExecutionResult` with the outcome of the delivery of its events. */
export type StreamedExecutionResult = ExecutionResult & { readonly delivery: Delivery }

/** Runs workflows and streams every event as soon as it is recorded. */
export class StreamingExecutor extends ParallelExecutor {
  /**
   * Starts a workflow; the execution runs whether its events are read or not.
   * @throws `INVALID_WORKFLOW`, `INVALID_OPTION`, before anything starts
   */
  stream(workflow: DAGStructure | ExecutionPlan, options: StreamOptions = {}): Execution {
    const { input, signal, traceparent, buffer = {}, isAttended = true, ...rest } = expectObject('options', options)
    resolveBufferOptions(buffer)
    if (typeof isAttended !== 'boolean') throw invalidOption('isAttended', 'a boolean', isAttended)
    const resolved = resolveOptions(this.options, rest)
    const loop = this.launch(workflow, { input, signal, traceparent, isAttended }, resolved)
    return new Execution(loop, withDefaults(buffer, resolved))
  }

  /**
   * Runs a plan while it is still being written: tasks start as soon as they can, under `dataflow`. The source gives text or
   * bytes of NDJSON, split anywhere, or one value per line: first, if there are any, the options of the plan, then a task per
   * line, each depending on earlier ones only, and last `{"seal": true}` or the end. A line that is refused is a `plan_rejected`
   * event; it ends the execution with `PLAN_REJECTED`, or is left out. Before the seal, only tasks start that may call
   * nothing but read-only tools, unless `eager` is `"all"`. Options of the call win over those of the first line.
   * @returns once the first line has been read; rejects with `INVALID_OPTION`, with `INVALID_WORKFLOW` for a name, and with
   * what the source throws before
   */
  async streamPlan(source: PlanSource, options: StreamPlanOptions = {}): Promise<Execution> {
    const {
      name,
      description,
      eager,
      onPlanError,
      onPlanBreak,
      input,
      signal,
      isAttended = true,
      buffer = {},
      ...rest
    } = expectObject('options', options)
    resolveBufferOptions(buffer)
    if (typeof isAttended !== 'boolean') throw invalidOption('isAttended', 'a boolean', isAttended)
    resolvePlanOptions(0, { eager, onPlanError, onPlanBreak })
    const reader = new PlanLineReader(source)
    try {
      const given = { name, description, input, plan: { eager, onPlanError, onPlanBreak }, options: rest }
      const { workflow, first, streamed, ...begun } = await beginLocally(reader, given)
      const resolved = resolveOptions(this.options, ...begun.options)
      const parts = { input: begun.input, signal, isAttended, streamed }
      const loop = this.launch(workflow, parts, resolved)
      void followPlan(loop, reader, streamed, first).then(end =>
        end === 'broken' ? breakOff(loop, streamed, reader.failure) : undefined,
      )
      return new Execution(loop, withDefaults(buffer, resolved))
    } catch (error) {
      reader.cancel()
      throw error
    }
  }

  /**
   * Runs a workflow and writes every event into `eventStream` through a bounded buffer.
   *
   * The sink is locked from the start and closed at the end. If nothing starts, it stays open and unlocked. A sink that
   * fails, stalls or is cancelled affects the execution only if `onSinkClosed` is `"cancel"`.
   *
   * @returns settles when the execution has ended and the sink has accepted all events, at most `flushMs` later; rejects as
   * `execute` does, and with `STREAM_LOCKED` for a sink that has a writer
   */
  async executeWithStreaming(
    workflow: DAGStructure | ExecutionPlan,
    eventStream: WritableStream<SSEEvent>,
    options: SinkOptions = {},
  ): Promise<StreamedExecutionResult> {
    const {
      input,
      signal,
      traceparent,
      buffer = {},
      preventClose = false,
      onSinkClosed = 'continue',
      flushMs = 2000,
      ...rest
    } = expectObject('options', options)
    resolveBufferOptions(buffer)
    if (!isAtLeastZero(flushMs)) throw invalidOption('flushMs', 'a number of milliseconds, 0 or more', flushMs)
    if (typeof preventClose !== 'boolean') throw invalidOption('preventClose', 'a boolean', preventClose)
    if (onSinkClosed !== 'continue' && onSinkClosed !== 'cancel') {
      throw invalidOption('onSinkClosed', '"continue" or "cancel"', onSinkClosed)
    }
    const resolved = resolveOptions(this.options, rest)
    const writer = lockSink(eventStream)
    let loop: ExecutionLoop
    try {
      loop = this.launch(workflow, { input, signal, traceparent, isAttended: false }, resolved)
    } catch (error) {
      writer.releaseLock()
      throw error
    }
    const onGone = (): void => {
      if (onSinkClosed === 'cancel') loop.cancel({ code: 'DISCONNECTED', message: 'The sink was closed' })
    }
    const reader = new SinkReader(loop, writer, withDefaults(buffer, resolved), onGone)
    const [ended] = await Promise.allSettled([loop.result])
    const delivery = await reader.finish(flushMs, preventClose)
    if (ended.status === 'rejected') throw ended.reason
    return { ...ended.value, delivery }
  }
}

/** The buffer uses the clock and the logger of the execution unless it has its own. */
function withDefaults(buffer: BufferOptions, { clock, logger }: ResolvedOptions): BufferOptions {
  return { ...buffer, clock: buffer.clock ?? clock, logger: buffer.logger ?? logger }
}
