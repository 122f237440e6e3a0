import type { Dispatcher } from '../../cluster/order.ts'
import { startWorker } from '../../worker/run-worker.ts'
import type { CliTools, ToolFlags } from '../input/open-tools.ts'
import { openTools } from '../input/open-tools.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { describeNext, listenForInterrupts } from '../process/interrupts.ts'
import { createServerLog, createStrayLog, type LogLevel, type ServerLog } from '../process/server-log.ts'
import { type OpenedSharedStore, openSharedStore } from '../target/open-shared-store.ts'
import { openQueue } from '../target/open-queue.ts'
import { formatMs, toPlainLine } from '../render/text.ts'

/** The flags of `worker`. */
export interface WorkerCommandOptions extends ToolFlags {
  /** The URL of the store. */
  readonly store: string
  /** The URL of the queue that dispatches tasks. */
  readonly queue?: string
  readonly concurrency?: number
  /** Patterns of names of tools. */
  readonly only?: readonly string[]
  /** The lease of its orders, ms. */
  readonly lease: number
  /** Time for running attempts to end, ms. */
  readonly drain: number
  readonly logLevel: LogLevel
}

/**
 * Runs attempts of a shared store until Ctrl-C or a termination signal, then drains; a second one exits at once.
 * @throws UsageError for a store that is not shared; Error and `DagstreamError` when it cannot be opened or a worker cannot start
 */
export async function workerCommand(
  options: WorkerCommandOptions,
  context: CommandContext,
  open: (url: string, log: ServerLog) => Promise<OpenedSharedStore> = openSharedStore,
): Promise<ExitCode> {
  const { process, stderr, strays } = context
  const log = createServerLog(stderr, options.logLevel)
  strays.reportTo(createStrayLog(log))
  const tools = await openTools(options, process, log)
  let opened: OpenedSharedStore | undefined
  let dispatcher: Dispatcher | undefined
  // Listened to from the start: servers of tools that are starting must not outlive a signal.
  const controller = new AbortController()
  const interrupts = listenForInterrupts(process, signal => {
    const next = describeNext(signal)
    void stderr.write(`Draining: running attempts may continue for up to ${formatMs(options.drain)}; ${next}\n`)
    controller.abort()
  })
  try {
    opened = await open(options.store, log)
    if (options.queue !== undefined) dispatcher = await openQueue(options.queue, process, log)
    const parts = { ...opened, ...(dispatcher && { dispatcher }), tools, log, signal: controller.signal }
    if (!controller.signal.aborted) await work(options, parts, context)
    return 0
  } finally {
    interrupts.stop()
    await tools.close()
    await dispatcher?.close()
    await opened?.store.close()
  }
}

interface WorkParts extends OpenedSharedStore {
  readonly tools: CliTools
  readonly log: ServerLog
  readonly signal: AbortSignal
  readonly dispatcher?: Dispatcher
}

async function work(
  { concurrency, only, lease, drain }: WorkerCommandOptions,
  { store, location, tools, log, signal, dispatcher }: WorkParts,
  { stderr }: CommandContext,
): Promise<void> {
  const { worker, ended } = await startWorker({
    store,
    tools: tools.all ?? tools,
    ...(concurrency !== undefined && { concurrency }),
    ...(only !== undefined && { only }),
    ...(dispatcher && { dispatcher }),
    leaseMs: lease,
    drainMs: drain,
    signal,
    logger: log,
  })
  const count = worker.tools.length
  void stderr.write(
    `dagstream works for ${toPlainLine(location)} with ${count} ${count === 1 ? 'tool' : 'tools'}\nCtrl-C ends it.\n`,
  )
  log.info('worker started', { workerId: worker.workerId, tools: count, concurrency: worker.describe().capacity })
  await ended
  log.info('worker ended', { workerId: worker.workerId, ...worker.counters })
  void stderr.write('Drained\n')
}
