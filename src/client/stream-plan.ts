import type { PlanSource } from '../engine/growth/plan-lines.ts'
import { PLAN_OPTIONS, type PlanOptions } from '../engine/growth/plan-options.ts'
import { DagstreamError, expectObject, invalidOption } from '../errors.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { refuseUnknown } from './cancel-options.ts'
import type { ClientEvent } from './execution-api.ts'
import { readField } from './failures.ts'
import { PlanUpload } from './plan-upload.ts'
import { expectSignal } from './reconnection-options.ts'
import { RemoteExecution } from './remote-execution.ts'
import type { Session } from './session.ts'

/** Options of one plan. All but `signal` become its first line: then the source has no line of options. */
export interface RemotePlanOptions extends PlanOptions {
  /** A label for people. */
  readonly name?: string
  /** A text for people and models. */
  readonly description?: string
  /** The value of `$INPUT`: JSON. */
  readonly input?: unknown
  readonly options?: {
    readonly onTaskError?: 'continue' | 'fail-fast'
    readonly maxConcurrency?: number
    /** Timeout of the whole execution, ms. */
    readonly timeoutMs?: number
    /** Policy when the last reader disconnects. */
    readonly onDisconnect?: 'cancel' | 'continue' | { readonly graceMs: number }
  }
  /** Ends the client's waiting and its sending, with its reason. It does not cancel the execution: `cancel()` does. */
  readonly signal?: AbortSignal
}

/** Sends a plan and follows its execution. @throws `INVALID_OPTION`, `STREAMING_UNSUPPORTED` */
export function streamPlan(session: Session, source: PlanSource, options: RemotePlanOptions): RemoteExecution {
  expectRequestStreams()
  const upload = new PlanUpload(preparePlan(source, options), session.clock)
  const { signal } = options
  const { starting, reopen } = session.startPlan(upload, signal)
  starting.started.catch(() => upload.complete())
  const onEvent = (event: ClientEvent): void => followUpload(upload, event)
  return new RemoteExecution(session, starting.started, { ...(signal && { signal }), starting, reopen, onEvent })
}

/** The source of a plan with its options in the first line. @throws `INVALID_OPTION` */
function preparePlan(source: PlanSource, options: RemotePlanOptions): PlanSource {
  const isSource = typeof source === 'object' && source !== null
  if (!isSource || !(Symbol.asyncIterator in source || Symbol.iterator in source)) {
    throw invalidOption('source', 'an iterable, or an async one, of text, bytes or values', source)
  }
  const { signal, options: remote = {}, name, description, input, ...rest } = expectObject('options', options)
  const { eager, onPlanError, onPlanBreak, ...unknown } = rest
  refuseUnknown(unknown)
  expectSignal(signal)
  const all = { name, description, input, ...expectObject('options', remote), eager, onPlanError, onPlanBreak }
  for (const name of PLAN_OPTIONS) if (Object.hasOwn(remote, name)) throw invalidOption(name, 'beside `options`', name)
  const head = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  if (Object.keys(head).length === 0) return source
  try {
    return prepend(`${stringifyJson(head)}\n`, source)
  } catch (cause) {
    throw new DagstreamError('INVALID_OPTION', 'Expected the options of the plan to be JSON', { cause })
  }
}

function prepend(head: string, source: PlanSource): PlanSource {
  return (async function* () {
    yield head
    yield* source
  })()
}

/** Keeps a plan to what the server still needs of it, by the events of its execution. */
function followUpload(upload: PlanUpload, { type, data }: ClientEvent): void {
  if (type === 'tasks_added') for (const { line } of data.tasks) upload.accept(line ?? 0)
  else if (type === 'plan_rejected') upload.accept(data.line)
  else if (type === 'snapshot' || type === 'execution_start') upload.accept(data.planLine ?? 0)
  else if (type === 'plan_sealed' || type === 'execution_complete') upload.complete()
}

/**
 * Refuses runtimes that cannot send a body while they read the answer: some send `[object ReadableStream]`, and browsers and their
 * workers wait for the end of the body.
 */
function expectRequestStreams(): void {
  // Undici requires `duplex`, which is not in the types.
  const init = { method: 'POST', body: new ReadableStream(), duplex: 'half' }
  const hasType = new Request('http://localhost', init).headers.has('content-type')
  const userAgent = readField(readField(globalThis, 'navigator'), 'userAgent')
  const isBrowser = readField(globalThis, 'document') !== undefined || String(userAgent).startsWith('Mozilla/')
  if (!hasType && !isBrowser) return
  const message = 'This runtime cannot send a plan while its answer arrives: send a workflow with `stream`'
  throw new DagstreamError('STREAMING_UNSUPPORTED', message)
}
