import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import { loadBullmq } from './library.mjs'
import { startRedis } from './redis-server.mjs'

const timestamp = '2026-01-01T00:00:00.000Z'
const CONCURRENCY = 64
const BATCH = 100

/**
 * Tasks that do nothing, from the commit of their orders to their outcomes in the store, beside the same number of jobs of BullMQ
 * alone, and beside the store without a queue.
 * @returns {Promise<(round: number) => Promise<Record<string, number>>>}
 */
export async function prepareQueue(store, bare, { orderCount }, atEnd) {
  const { openBullmqDispatcher, runWorker } = await loadBullmq()
  const redis = await startRedis()
  atEnd(() => redis.close())
  const connection = { port: redis.port, host: '127.0.0.1' }
  const queue = new Queue('bare', { connection, defaultJobOptions: { removeOnComplete: true } })
  let finishOne = () => {}
  const worker = new Worker('bare', async () => finishOne(), { connection, concurrency: CONCURRENCY })
  await worker.waitUntilReady()
  atEnd(() => Promise.all([worker.close(), queue.close()]))

  const runOrders = async (executionId, dispatcher) => {
    const controller = new AbortController()
    const options = { store, tools: { noop: () => null }, concurrency: CONCURRENCY, signal: controller.signal }
    const ended = runWorker({ ...options, ...(dispatcher && { dispatcher }) })
    const { lease } = await store.leases.create('server', { executionId, createdAt: timestamp }, 600_000)
    // It has connected.
    await sleep(500)
    const ms = await time(async () => {
      for (let at = 0; at < orderCount; at += BATCH) {
        const orders = Array.from({ length: BATCH }, (_, n) => toOrder(executionId, `t${at + n}`))
        await store.commit(lease, 1, [], { orders, consumed: [], replies: [] })
        if (dispatcher) await dispatcher.dispatch(orders)
      }
      while ((await countSettled(bare, executionId)) < orderCount) await sleep(5)
    })
    controller.abort()
    await ended
    await bare.query('DELETE FROM dagstream.inbox WHERE execution_id = $1', [executionId])
    return ms
  }
  return async round => {
    let leftCount = orderCount
    const finished = new Promise(resolve => {
      finishOne = () => {
        leftCount -= 1
        if (leftCount === 0) resolve()
      }
    })
    const bareMs = await time(async () => {
      for (let at = 0; at < orderCount; at += BATCH) {
        await queue.addBulk(Array.from({ length: BATCH }, (_, n) => ({ name: 'noop', data: { taskId: `t${at + n}` } })))
      }
      await finished
    })
    const dispatcher = await openBullmqDispatcher(redis.url)
    const queueMs = await runOrders(`queue-${round}`, dispatcher)
    await dispatcher.close()
    const storeMs = await runOrders(`store-${round}`, undefined)
    const perSecond = ms => (orderCount * 1000) / ms
    return {
      queueRate: perSecond(queueMs),
      storeRate: perSecond(storeMs),
      bareRate: perSecond(bareMs),
      share: bareMs / queueMs,
    }
  }
}

async function countSettled(bare, executionId) {
  const text = "SELECT count(*)::int AS count FROM dagstream.inbox WHERE execution_id = $1 AND kind = 'settled'"
  return (await bare.query(text, [executionId])).rows[0].count
}

function toOrder(executionId, taskId) {
  const key = { executionId, taskId, attempt: 1 }
  const rest = { tool: 'noop', arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey: taskId }
  return { command: { ...key, ...rest }, priority: 0 }
}

async function time(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}
