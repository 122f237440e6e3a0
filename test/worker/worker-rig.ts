import type { AttemptReport } from '../../src/attempt/attempt-outcome.ts'
import type { AttemptCommand, AttemptKey } from '../../src/attempt/runner.ts'
import type { InboxMessage } from '../../src/cluster/inbox.ts'
import type { Order } from '../../src/cluster/order.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { startWorker, type RunningWorker } from '../../src/worker/run-worker.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../support/memory-shared-store.ts'

/** Lines of a worker's log. */
export interface Line {
  readonly level: 'debug' | 'warn'
  readonly message: string
}

/** A store in memory with one execution, whose coordinator is the test. */
export interface WorkerRig {
  readonly store: MemorySharedStore
  readonly clock: FakeClock
  readonly lines: readonly Line[]
  /** Starts a worker of these tools; its id is `w1`, then `w2`. */
  readonly start: (tools: WorkerOptions['tools'], more?: Partial<WorkerOptions>) => Promise<RunningWorker>
  /** Commits an order for each of these tasks. */
  readonly order: (
    tool: string,
    taskIds: readonly string[],
    more?: Partial<AttemptCommand> & Pick<Partial<Order>, 'priority'>,
  ) => Promise<void>
  readonly key: (taskId: string) => AttemptKey
  /** What the inbox holds, without ids: `{ taskId, ...news }`. */
  readonly news: () => Promise<readonly Record<string, unknown>[]>
  /** The reports of ended attempts by task. */
  readonly reports: () => Promise<ReadonlyMap<string, AttemptReport>>
}

export async function createWorkerRig(more: { wrap?: (store: SharedStore) => SharedStore } = {}): Promise<WorkerRig> {
  const clock = new FakeClock()
  const store = createMemorySharedStore(clock)
  const record = { executionId: 'x', createdAt: new Date(clock.wallTime()).toISOString() }
  const { lease } = await store.leases.create('coordinator', record, 1e9)
  if (lease === undefined) throw new Error('Expected a lease')
  const lines: Line[] = []
  const log = (level: Line['level']) => (message: string) => void lines.push({ level, message })
  let workerCount = 0
  const read = async (): Promise<readonly InboxMessage[]> => (await store.inbox.read(['x'], 1e6)).get('x') ?? []
  const wrap = more.wrap ?? (each => each)
  return {
    store,
    clock,
    lines,
    start: async (tools, options) => {
      workerCount += 1
      const logger = { debug: log('debug'), warn: log('warn') }
      const random = (): number => 0.5
      const own = { store: wrap(store.connect()), tools, clock, random, logger, workerId: `w${workerCount}` }
      return await startWorker({ ...own, ...options })
    },
    order: async (tool, taskIds, { priority = 0, ...command } = {}) => {
      const orders = taskIds.map(taskId => ({ priority, command: makeCommand(tool, taskId, command) }))
      await store.commit(lease, 1, [], { orders, consumed: [], replies: [] })
    },
    key: taskId => ({ executionId: 'x', taskId, attempt: 1 }),
    news: async () =>
      (await read()).map(({ message }) => {
        if (!('key' in message)) throw new Error('Expected messages about attempts')
        return { taskId: message.key.taskId, ...message.news }
      }),
    reports: async () => {
      const found = new Map<string, AttemptReport>()
      for (const { message } of await read()) {
        if ('news' in message && message.news.type === 'settled' && 'key' in message) {
          found.set(message.key.taskId, message.news.report as unknown as AttemptReport)
        }
      }
      return found
    },
  }
}

function makeCommand(tool: string, taskId: string, more: Partial<AttemptCommand>): AttemptCommand {
  return {
    executionId: 'x',
    taskId,
    attempt: 1,
    tool,
    arguments: {},
    mayHoldJsonNumbers: false,
    timeoutMs: 0,
    idempotencyKey: `x.${taskId}`,
    ...more,
  }
}

/** An object whose methods are those of `target` except for some. */
export function override<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, name) => {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
