import { Queue } from 'bullmq'
import { systemClock } from '../../src/clock.ts'
import type { InboxMessage } from '../../src/cluster/inbox.ts'
import type { Dispatcher, Order } from '../../src/cluster/order.ts'
import { openBullmqDispatcher } from '../../src/dispatch/bullmq/open-dispatcher.ts'
import { dispatchOrders } from '../../src/host/cluster/dispatching-store.ts'
import { SILENT_LOGGER } from '../../src/log/logger.ts'
import { type RunningWorker, startWorker } from '../../src/worker/run-worker.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../support/memory-shared-store.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/** A store in memory, a queue in a Redis of its own, and one execution whose coordinator is the test. */
export interface QueueRig {
  readonly store: MemorySharedStore
  readonly redis: RedisServer
  readonly queue: Queue
  readonly open: (logger?: WorkerOptions['logger']) => Promise<Dispatcher>
  readonly start: (tools: WorkerOptions['tools'], more?: Partial<WorkerOptions>) => Promise<RunningWorker>
  /** Commits an order for each of these tasks; the keys travel by the queue. */
  readonly order: (tool: string, taskIds: readonly string[], more?: Partial<Order>) => Promise<void>
  /** The tasks whose outcomes are in the inbox, in its order. */
  readonly settled: () => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

export async function createQueueRig(settings: readonly string[] = []): Promise<QueueRig> {
  const redis = await startRedis(settings)
  const store = createMemorySharedStore(systemClock)
  const dispatchers: Dispatcher[] = []
  const workers: RunningWorker[] = []
  const open: QueueRig['open'] = async (logger = SILENT_LOGGER) => {
    const dispatcher = await openBullmqDispatcher(redis.url, { logger })
    dispatchers.push(dispatcher)
    return dispatcher
  }
  const dispatching = dispatchOrders(store.connect(), await open(), SILENT_LOGGER)
  const queue = new Queue('dagstream', { connection: { port: redis.port, host: '127.0.0.1' } })
  queue.on('error', () => {})
  const { lease } = await store.leases.create('coordinator', { executionId: 'x', createdAt: '2026-01-01' }, 1e9)
  if (lease === undefined) throw new Error('Expected a lease')
  return {
    store,
    redis,
    queue,
    open,
    async start(tools, more = {}) {
      const worker = await startWorker({ store: store.connect(), tools, dispatcher: await open(), drainMs: 0, ...more })
      workers.push(worker)
      return worker
    },
    async order(tool, taskIds, more = {}) {
      const orders = taskIds.map(taskId => ({ priority: 0, command: makeCommand(tool, taskId), ...more }))
      await dispatching.commit(lease, 1, [], { orders, consumed: [], replies: [] })
    },
    async settled() {
      const messages: readonly InboxMessage[] = (await store.inbox.read(['x'], 1e6)).get('x') ?? []
      return messages.flatMap(({ message }) =>
        'news' in message && message.news.type === 'settled' && 'key' in message ? [message.key.taskId] : [],
      )
    },
    async close() {
      await Promise.all(workers.map(worker => worker.close(0)))
      await Promise.all(dispatchers.map(dispatcher => dispatcher.close()))
      await queue.close().catch(() => {})
      await redis.close()
    },
  }
}

function makeCommand(tool: string, taskId: string): Order['command'] {
  const key = { executionId: 'x', taskId, attempt: 1 }
  return { ...key, tool, arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey: `x/${taskId}` }
}

/** Names of tasks. */
export function tasks(count: number, prefix = 't'): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}
