import { afterAll, describe, test } from 'vitest'
import type { Dispatcher } from '../../src/cluster/order.ts'
import { openBullmqDispatcher } from '../../src/dispatch/bullmq/open-dispatcher.ts'
import { testKeyDispatcher } from '../../src/testing/dispatch/dispatcher-conformance.ts'
import { MemoryQueue } from '../support/memory-dispatcher.ts'
import { isRedisMissing, type RedisServer, startRedis } from '../support/redis.ts'

describe('a queue in memory', () => {
  const queue = new MemoryQueue()
  for (const { name, run } of testKeyDispatcher(() => queue.connect())) test(name, run)
})

describe('a dispatcher that offers no keys', () => {
  const create = (): Dispatcher => ({
    name: 'silent',
    dispatch: async () => {},
    cancel: async () => {},
    close: async () => {},
  })
  for (const { name, run } of testKeyDispatcher(create)) test(name, run)
})

describe.skipIf(isRedisMissing)('a queue of BullMQ', () => {
  let redis: Promise<RedisServer> | undefined
  afterAll(async () => (await redis)?.close())
  const create = async (): Promise<Dispatcher> => openBullmqDispatcher((await (redis ??= startRedis())).url)
  for (const { name, run } of testKeyDispatcher(create)) test(name, run)
})
