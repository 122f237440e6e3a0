import { expect, test } from 'vitest'
import { createMemoryStore } from '../../src/index.ts'
import { startWorker } from '../../src/worker/run-worker.ts'
import { matchesAny } from '../../src/worker/tool-filter.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'

const store = createMemorySharedStore(new FakeClock())
const tools = { work: () => 1 }

test.each<[Partial<WorkerOptions> & Record<string, unknown>, string]>([
  [{ store: createMemoryStore() as never }, 'Expected `store` to be a shared store'],
  [{ concurrency: 0 }, 'Expected `concurrency` to be a positive integer, got `0` (number)'],
  [{ leaseMs: 999 }, 'Expected `leaseMs` to be a finite number of milliseconds, at least 1000, got `999` (number)'],
  [{ drainMs: -1 }, 'Expected `drainMs` to be a finite number of milliseconds, 0 or more, got `-1` (number)'],
  [{ only: [''] }, 'Expected `only` to be a pattern, or an array of patterns'],
  [{ only: 'llm:*' }, 'Expected `only` to be patterns that match a tool'],
  [{ tools: {} }, 'Expected `tools` to be at least one tool'],
  [{ workerId: 'a b' }, 'Expected `workerId` to be 1–128 of the characters'],
  [{ retries: 3 }, 'Expected `retries` to be absent'],
])('the options %j are refused', async (options, message) => {
  const started = startWorker({ store, tools, ...options })
  await expect(started).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(message) })
})

test.each([
  ['llm:*', 'llm:chat', true],
  ['llm:*', 'llm', false],
  ['*', '', true],
  ['*:read*', 'files:read_text', true],
  ['a*b*a', 'aba', true],
  ['a*a', 'a', false],
  ['a.c', 'abc', false],
  ['disk', 'disk', true],
])('the pattern %j and the name %j: %j', (pattern, name, expected) => {
  expect(matchesAny(name, ['none', pattern])).toBe(expected)
})
