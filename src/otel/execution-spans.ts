import type { Attributes, Context, Link, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { EntryObserver, ObservedExecution, ObservedOutcome } from '../engine/observers/execution-observer.ts'
import type { EventFor } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import { cutText } from '../text.ts'
import { describeChat, describeUsage, readModel } from './chat-span.ts'
import { ATTRIBUTE, OPERATION } from './conventions.ts'
import type { TraceApi } from './trace-api.ts'
import { formatTraceparent } from './traceparent.ts'

/** The parts that the spans of all executions share. */
export interface Tracing {
  readonly api: TraceApi
  readonly tracer: Tracer
  readonly maxSpans: number
}

/** Where the trace of an execution begins. */
export interface SpanOrigin {
  /** The span of the caller. */
  readonly parent?: SpanContext | undefined
  /** The trace that the execution had in an earlier process. */
  readonly resumes?: SpanContext | undefined
}

/** An attempt whose end is not in the log. */
interface OpenAttempt {
  readonly span: Span
  readonly context: SpanContext
  readonly attempt: number
  readonly startedAt: number
  usage: TokenUsage | undefined
}

/** Maximum length of an error's text in a span, characters. */
const MAX_MESSAGE = 1024

/**
 * The spans of one execution, from its log entries.
 *
 * Times are those of the log, ms since 1970. Beyond `maxSpans` attempts are only counted: their tools get the context of the execution's
 * own span.
 */
export class ExecutionSpans implements EntryObserver {
  readonly traceparent: string | undefined
  /** Set before the first entry. */
  dependenciesOf: (entry: LogEntry) => readonly string[] = () => []
  readonly #tracing: Tracing
  readonly #root: Span
  readonly #rootContext: Context
  readonly #open = new Map<string, OpenAttempt>()
  /** By task, the span of its last attempt; tasks without a span have none. */
  readonly #contexts = new Map<string, SpanContext>()
  /** By added task, its parent, as long as a span may still be made. */
  readonly #parents = new Map<string, string>()
  #spanCount = 1
  #droppedCount = 0

  constructor(tracing: Tracing, { executionId, name }: ObservedExecution, { parent, resumes }: SpanOrigin) {
    const { api, tracer } = tracing
    this.#tracing = tracing
    const around = resumes === undefined && parent === undefined ? api.context.active() : api.ROOT_CONTEXT
    const base = parent === undefined ? around : api.trace.setSpanContext(around, parent)
    this.#root = tracer.startSpan(
      name === undefined ? OPERATION.workflow : `${OPERATION.workflow} ${name}`,
      {
        kind: api.SpanKind.INTERNAL,
        startTime: Date.now(),
        root: resumes !== undefined,
        attributes: {
          [ATTRIBUTE.operation]: OPERATION.workflow,
          [ATTRIBUTE.executionId]: executionId,
          ...(name !== undefined && { [ATTRIBUTE.workflowName]: name }),
        },
        ...(resumes && { links: [{ context: resumes, attributes: { [ATTRIBUTE.linkKind]: 'resumes' } }] }),
      },
      base,
    )
    this.#rootContext = api.trace.setSpan(api.ROOT_CONTEXT, this.#root)
    this.traceparent = formatTraceparent(this.#root.spanContext())
  }

  onEntry(entry: LogEntry): void {
    if (entry.type === 'task_start') this.#startAttempt(entry, entry.data)
    else if (entry.type === 'task_retry' || entry.type === 'task_complete') this.#endAttempt(entry.data, entry)
    else if (entry.type === 'token_usage') this.#noteUsage(entry.data)
    else if (entry.type === 'tasks_added') this.#noteParents(entry.data)
  }

  /** The context of an attempt; that of the execution for an attempt without a span. */
  traceparentOf(taskId: string, attempt: number): string | undefined {
    const open = this.#open.get(taskId)
    if (open?.attempt === attempt) return formatTraceparent(open.context)
    if (this.#isFull) return this.traceparent
    // For a worker: the order is written together with the `task_start`.
    return formatTraceparent(this.#openAttempt(taskId, attempt, OPERATION.tool, Date.now(), {}, []).context)
  }

  onEnd(outcome: ObservedOutcome): void {
    const { SpanStatusCode } = this.#tracing.api
    // Attempts that this process does not see the end of.
    for (const { span } of this.#open.values()) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
      span.end()
    }
    this.#open.clear()
    this.#contexts.clear()
    this.#parents.clear()
    this.#root.setAttribute(ATTRIBUTE.outcome, outcome)
    if (this.#droppedCount > 0) this.#root.setAttribute(ATTRIBUTE.droppedSpans, this.#droppedCount)
    const hasFailed = outcome === 'error' || outcome === 'lost'
    if (hasFailed) {
      this.#root.setAttribute(ATTRIBUTE.errorType, outcome)
      this.#root.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.#root.end(Date.now())
  }

  get #isFull(): boolean {
    return this.#spanCount >= this.#tracing.maxSpans
  }

  #startAttempt(
    entry: LogEntry,
    { taskId, tool, attempt, itemCount, timestamp }: EventFor<'task_start'>['data'],
  ): void {
    const name = `${OPERATION.tool} ${tool}`
    const attributes = {
      [ATTRIBUTE.toolName]: tool,
      ...(itemCount !== undefined && { [ATTRIBUTE.itemCount]: itemCount }),
    }
    let open = this.#open.get(taskId)
    if (open?.attempt === attempt) {
      open.span.updateName(name).setAttributes(attributes).addLinks(this.#linksOf(entry))
    } else if (this.#isFull) {
      this.#droppedCount += 1
      return
    } else {
      const startedAt = Date.parse(timestamp)
      open = this.#openAttempt(taskId, attempt, name, startedAt, attributes, this.#linksOf(entry))
    }
    this.#contexts.set(taskId, open.context)
  }

  #openAttempt(
    taskId: string,
    attempt: number,
    name: string,
    startedAt: number,
    more: Attributes,
    links: Link[],
  ): OpenAttempt {
    const attributes = {
      [ATTRIBUTE.operation]: OPERATION.tool,
      ...more,
      [ATTRIBUTE.taskId]: taskId,
      [ATTRIBUTE.attempt]: attempt,
    }
    const parent = this.#open.get(this.#parents.get(taskId) ?? '')
    const span = this.#start(name, startedAt, attributes, parent?.span, links)
    const open = { span, context: span.spanContext(), attempt, startedAt, usage: undefined }
    this.#open.set(taskId, open)
    return open
  }

  #noteUsage({ taskId, tokenUsage }: EventFor<'token_usage'>['data']): void {
    const open = this.#open.get(taskId)
    if (open !== undefined) open.usage = tokenUsage
  }

  #noteParents({ parentId, tasks }: EventFor<'tasks_added'>['data']): void {
    if (parentId === undefined || this.#isFull) return
    for (const { taskId } of tasks) this.#parents.set(taskId, parentId)
  }

  #linksOf(entry: LogEntry): Link[] {
    const links: Link[] = []
    for (const id of this.dependenciesOf(entry)) {
      const context = this.#contexts.get(id)
      if (context !== undefined) links.push({ context, attributes: { [ATTRIBUTE.linkKind]: 'dependency' } })
    }
    return links
  }

  #endAttempt(
    { taskId, timestamp, error, code }: { taskId: string; timestamp: string; error?: string; code?: string },
    entry: LogEntry,
  ): void {
    const open = this.#open.get(taskId)
    if (open === undefined) return
    this.#open.delete(taskId)
    const { span, startedAt, usage } = open
    const endedAt = Math.max(startedAt, Date.parse(timestamp))
    if (usage !== undefined) this.#addChat(open, usage, readModel(entry), endedAt)
    if (error !== undefined) {
      span.setAttribute(ATTRIBUTE.errorType, code ?? 'TOOL_ERROR')
      span.setStatus({ code: this.#tracing.api.SpanStatusCode.ERROR, message: cutText(error, MAX_MESSAGE) })
    }
    span.end(endedAt)
  }

  /** The model call of an attempt that reported usage. */
  #addChat({ span, startedAt }: OpenAttempt, usage: TokenUsage, model: string | undefined, endedAt: number): void {
    const attributes = describeUsage(usage, model)
    if (this.#isFull) {
      this.#droppedCount += 1
      span.setAttributes(attributes)
      return
    }
    const chat = { [ATTRIBUTE.operation]: OPERATION.chat, ...attributes }
    this.#start(describeChat(model), startedAt, chat, span, [], this.#tracing.api.SpanKind.CLIENT).end(endedAt)
  }

  #start(
    name: string,
    startTime: number,
    attributes: Attributes,
    parent: Span | undefined,
    links: Link[],
    kind: number = this.#tracing.api.SpanKind.INTERNAL,
  ): Span {
    const { api, tracer } = this.#tracing
    this.#spanCount += 1
    const context = parent === undefined ? this.#rootContext : api.trace.setSpan(api.ROOT_CONTEXT, parent)
    return tracer.startSpan(name, { kind, startTime, attributes, links }, context)
  }
}
