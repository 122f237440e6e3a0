import { onAbort } from '../abort-signals.ts'
import { invalidOption, type DagstreamError } from '../errors.ts'
import { createToolResolver } from '../tools/tool-resolver.ts'
import { announceTools } from './announced-tools.ts'
import { Announcement } from './announcement.ts'
import { matchesAny } from './tool-filter.ts'
import { Worker } from './worker.ts'
import { resolveWorkerOptions, STORE_DISPATCHER, type WorkerOptions } from './worker-options.ts'

/** A worker that runs. */
export interface RunningWorker {
  readonly worker: Worker
  /** Settles once the worker has drained. Rejects if it cannot be a member any more: `DISPATCHER_CONFLICT`. */
  readonly ended: Promise<void>
  /** Begins the drain, with its own bound or that of the options, ms; settles like `ended`. Idempotent. */
  readonly close: (drainMs?: number) => Promise<void>
}

/**
 * Runs attempts of a shared store in this process until `signal` aborts: announces its tools, takes orders for them, runs them
 * with their timeouts, and posts tokens, progress, usage, questions and outcomes.
 *
 * A worker that ends gives back the orders that have not begun, lets running attempts end for `drainMs`, then aborts them; the
 * store counts those as interrupted, and they run again elsewhere.
 * @returns resolves once it has drained; rejects with `DISPATCHER_CONFLICT` while members of the store use another dispatcher
 * @throws `INVALID_OPTION`, `INVALID_TOOL`, `TOOLS_UNAVAILABLE` for a provider without its tools, and errors of the store at the
 * start, as rejections
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  if (options.signal?.aborted) return
  const { ended } = await startWorker(options)
  await ended
}

/** Starts a worker. @returns once it takes orders; rejects as `runWorker` */
export async function startWorker(given: WorkerOptions): Promise<RunningWorker> {
  const options = resolveWorkerOptions(given)
  const { only, signal, store, dispatcher, leaseMs, clock, logger } = options
  const registry = await createToolResolver(options.tools).tools()
  const tools = announceTools(registry, name => only.length === 0 || matchesAny(name, only))
  if (tools.length === 0 && only.length > 0) throw invalidOption('only', 'patterns that match a tool', given.only)
  if (tools.length === 0) throw invalidOption('tools', 'at least one tool', given.tools)
  const worker = new Worker(options, registry, tools)
  let conflict: DagstreamError | undefined
  const announcement = new Announcement({
    members: store.members,
    dispatcher: dispatcher?.name ?? STORE_DISPATCHER,
    ttlMs: leaseMs,
    clock,
    logger,
    describe: () => worker.describe(),
    onConflict(error) {
      conflict = error
      void close()
    },
  })
  let finish = (): void => {}
  const drained = new Promise<void>(resolve => (finish = resolve))
  const ended = drained.then(() => {
    if (conflict !== undefined) throw conflict
  })
  // Reported to those that await it.
  ended.catch(() => {})
  const close = async (drainMs?: number): Promise<void> => {
    await worker.drain(drainMs)
    await announcement.close()
    finish()
    await ended
  }
  await announcement.begin()
  try {
    await worker.start()
  } catch (error) {
    await close()
    throw error
  }
  if (signal !== undefined) {
    const stopListening = onAbort(signal, () => void close().catch(() => {}))
    ended.then(stopListening, stopListening)
  }
  return { worker, ended, close }
}
