import type {
  EntryObserver,
  ExecutionObserver,
  ExecutionTrace,
  ObservedExecution,
  ObservedTrace,
} from '../engine/observers/execution-observer.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'
import { ExecutionSpans, type Tracing } from './execution-spans.ts'
import { CONVENTIONS_URL } from './conventions.ts'
import { loadTraceApi } from './trace-api.ts'
import { parseTraceparent } from './traceparent.ts'

/** Options of an observer of traces. */
export interface OtelObserverOptions {
  /** A `TracerProvider` of OpenTelemetry. @defaultValue the global one */
  readonly tracerProvider?: { getTracer(name: string, version?: string, options?: { schemaUrl?: string }): object }
  /** Maximum number of spans of one execution, its own included. @defaultValue 1,000 */
  readonly maxSpans?: number
}

/** At most this many spans of one execution: a collector drops a larger trace, or fails. */
const MAX_SPANS = 1000

/**
 * Makes an observer that writes each execution as a trace: a span for the execution, one for each attempt, with a link to each
 * dependency, and one for each model call. An execution that resumes in another process is a new trace, linked to the old one.
 *
 * It needs `@opentelemetry/api`, which it loads, and an SDK that the program has registered; without one it records nothing.
 * @returns rejects with `MISSING_PACKAGE` and with `INVALID_OPTION`
 */
export async function createOtelObserver(options: OtelObserverOptions = {}): Promise<ExecutionObserver> {
  const { tracerProvider, maxSpans = MAX_SPANS, ...unknown } = expectObject('options', options)
  for (const [name, value] of Object.entries(unknown)) throw invalidOption(name, 'absent: it is not an option', value)
  if (tracerProvider !== undefined) expectMethods('tracerProvider', tracerProvider, ['getTracer'])
  if (!Number.isInteger(maxSpans) || maxSpans < 1) throw invalidOption('maxSpans', 'a positive integer', maxSpans)
  const api = await loadTraceApi()
  const provider = tracerProvider ?? api.trace
  const tracer = provider.getTracer('dagstream', undefined, { schemaUrl: CONVENTIONS_URL }) as Tracing['tracer']
  return new OtelObserver({ api, tracer, maxSpans })
}

class OtelObserver implements ExecutionObserver {
  readonly #tracing: Tracing

  constructor(tracing: Tracing) {
    this.#tracing = tracing
  }

  begin(execution: ObservedExecution, parent: string | undefined): ExecutionTrace | undefined {
    const spans = new ExecutionSpans(this.#tracing, execution, { parent: parseTraceparent(parent) })
    // Without an SDK there is no trace.
    return spans.traceparent === undefined ? undefined : (spans as ExecutionTrace)
  }

  observe(execution: ObservedExecution, { trace, resumes, dependenciesOf }: ObservedTrace): EntryObserver | undefined {
    if (trace === undefined && resumes === undefined) return undefined
    const spans =
      trace instanceof ExecutionSpans
        ? trace
        : new ExecutionSpans(this.#tracing, execution, { resumes: parseTraceparent(resumes?.traceparent) })
    if (spans.traceparent === undefined) return undefined
    spans.dependenciesOf = dependenciesOf
    return spans
  }
}
