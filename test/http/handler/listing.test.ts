import { describe, expect, test } from 'vitest'
import { createMemoryStore, type ExecutionStore } from '../../../src/index.ts'
import { openHere } from '../../store/sqlite-rig.ts'
import { type HandlerRig, handlerRig, readProblem } from './handler-rig.ts'

interface Page {
  readonly executions: readonly Record<string, unknown>[]
  readonly next?: string
}

const TWO = [
  { id: 'a', tool: 'work' },
  { id: 'b', tool: 'work', dependsOn: ['a'] },
]

async function readPage(rig: HandlerRig, query: string): Promise<Page> {
  return (await (await rig.get(`/executions?${query}`)).json()) as Page
}

async function readAll(rig: HandlerRig, query: string): Promise<string[]> {
  const ids: string[] = []
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: Page = await readPage(rig, `${query}${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`)
    ids.push(...page.executions.map(({ executionId }) => executionId as string))
    next = page.next
  }
  return ids
}

/** A third party's store from before lists told more. */
function withoutSummaries(): ExecutionStore {
  const store = createMemoryStore()
  Reflect.deleteProperty(store, 'summarize')
  return store
}

const STORES: readonly [name: string, open: () => ExecutionStore | Promise<ExecutionStore>][] = [
  ['a memory store', () => createMemoryStore()],
  ['an SQLite store', () => openHere()],
  ['a store without `summarize`', withoutSummaries],
]

describe.each(STORES)('over %s', (name, open) => {
  test('a list reports names, counts and times of ended and running executions', async () => {
    const rig = handlerRig({ store: await open() })
    await rig.begin({ name: 'first', tasks: TWO })
    ;(await rig.tool.nextCall('a')).fail(new Error('no'))
    await rig.tool.idle()
    await rig.begin({ name: 'second', tasks: TWO })
    ;(await rig.tool.nextCall('a')).succeed(1)
    await rig.tool.nextCall('b')
    await rig.begin({ tasks: TWO.slice(0, 1) })
    await rig.tool.nextCall('a')
    const createdAt = '2026-01-01T00:00:00.000Z'
    const counts = { totalTasks: 2, successCount: 0, errorCount: 1, skippedCount: 1, cancelledCount: 0 }
    const ended = { ...counts, startedAt: createdAt, endedAt: createdAt, executionTimeMs: 0 }
    const isOld = name.includes('without')
    const startedAt = isOld ? {} : { startedAt: createdAt }
    const live = { errorCount: 0, skippedCount: 0, cancelledCount: 0, runningCount: 1, ...startedAt }
    expect((await readPage(rig, '')).executions).toEqual([
      { executionId: 'x1', status: 'error', createdAt, name: 'first', ...(isOld ? { totalTasks: 2 } : ended) },
      { executionId: 'x2', status: 'running', createdAt, name: 'second', totalTasks: 2, successCount: 1, ...live },
      { executionId: 'x3', status: 'running', createdAt, totalTasks: 1, successCount: 0, ...live },
    ])
  })

  test('filters go with each other and with pages, and no row is lost or doubled', async () => {
    const rig = handlerRig({
      store: await open(),
      tools: { work: () => 1, fail: () => Promise.reject(new Error('no')) },
    })
    const names = ['red', 'green é', 'red']
    for (let at = 0; at < 24; at += 1) {
      const tool = at % 2 === 0 ? 'work' : 'fail'
      await rig.begin({ name: names[at % 3], tasks: [{ id: 'a', tool }] })
      await rig.tool.idle()
      await rig.clock.run(500)
    }
    const expected = (keep: (at: number) => boolean): string[] =>
      Array.from({ length: 24 }, (_, at) => at)
        .filter(keep)
        .map(at => `x${at + 1}`)
    const all: [query: string, keep: (at: number) => boolean][] = [
      ['', () => true],
      ['status=success', at => at % 2 === 0],
      ['status=error', at => at % 2 === 1],
      ['status=running', () => false],
      ['name=red', at => at % 3 !== 1],
      ['name=green%20%C3%A9', at => at % 3 === 1],
      ['name=Red', () => false],
      ['since=2026-01-01T00:00:05Z', at => at >= 10],
      ['since=2026-01-01T01:00:05%2B01:00', at => at >= 10],
      [`since=${Date.UTC(2026, 0, 1, 0, 0, 5, 1)}`, at => at > 10],
      ['since=2026-01-01', () => true],
      ['since=2026-01-02', () => false],
      ['status=error&name=red&since=2026-01-01T00:00:05', at => at % 2 === 1 && at % 3 !== 1 && at >= 10],
    ]
    for (const [query, keep] of all) {
      for (const limit of [1, 2, 5, 100]) {
        expect([query, limit, await readAll(rig, `limit=${limit}&${query}`)]).toEqual([query, limit, expected(keep)])
      }
    }
  })
})

test.each([
  'status=done',
  'status=',
  'status=SUCCESS',
  'status=error&status=success',
  'name=a&name=b',
  'since=',
  'since=yesterday',
  'since=2026-13-01',
  'since=2026-02-30',
  'since=2026-02-30T00:00:00Z',
  'since=2026-01-01T25:00:00Z',
  'since=2026-01-01 00:00:00',
  'since=-1',
  'since=1.5',
  'since=1e3',
  'since=999999999999999',
  'since=Infinity',
])('?%s is answered with 400', async query => {
  expect(await readProblem(await handlerRig().get(`/executions?${query}`))).toMatchObject({
    status: 400,
    code: 'INVALID_REQUEST',
  })
})
