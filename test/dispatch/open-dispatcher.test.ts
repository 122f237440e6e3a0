import { expect, test } from 'vitest'
import { loadPackages } from '../../src/dispatch/bullmq/load-packages.ts'
import { type BullmqOptions, openBullmqDispatcher } from '../../src/dispatch/bullmq/open-dispatcher.ts'
import { jobIdOf } from '../../src/dispatch/bullmq/order-job.ts'
import { describeRedisUrl } from '../../src/dispatch/bullmq/redis-url.ts'

test('without the packages the error says what to install', async () => {
  const missing = Promise.reject(new Error('Cannot find package'))
  await expect(loadPackages(() => missing)).rejects.toMatchObject({
    code: 'MISSING_PACKAGE',
    message: expect.stringContaining('npm install bullmq@6 ioredis@6'),
  })
})

test.each([
  ['http://user:secret@host', {}],
  ['redis://', { queue: 'a:b' }],
  ['redis://host', { queue: '' }],
  ['redis://host', { prefix: 'a b' }],
  ['redis://host', { name: 'x' }],
])('%s with %j is refused, without the URL', async (url, options) => {
  const error: unknown = await openBullmqDispatcher(url, options as BullmqOptions).catch((each: unknown) => each)
  expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  expect(String(error)).not.toContain('secret')
})

test('a location has no user and no password', () => {
  expect(describeRedisUrl('rediss://user:secret@host:6380/2?family=6')).toBe('rediss://host:6380/2')
})

test('ids of jobs are unique, without colons', () => {
  const ids = [
    jobIdOf({ executionId: 'a.1', taskId: 'b', attempt: 1 }),
    jobIdOf({ executionId: 'a', taskId: '1.b', attempt: 1 }),
    jobIdOf({ executionId: 'a', taskId: 'x:y', attempt: 1 }),
    jobIdOf({ executionId: 'a', taskId: 'x%3ay', attempt: 1 }),
  ]
  expect(new Set(ids).size).toBe(4)
  expect(ids.join('')).not.toContain(':')
})
