import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DAGStructure, ToolContext } from '../../src/index.ts'
import { createBrowserReader, isBrowserMissing, launchBrowser } from './browser.ts'
import { type ReaderServer, startReaderServer } from './reader-server.ts'
import { READERS, TYPES } from './readers.ts'
import { type Reading, seqsOf, withoutTimes } from './reading.ts'

// Real sockets, real processes and real time: this file is about what other people's readers make of the bytes.

let browser: Browser
let server: ReaderServer

const readers = [...READERS, createBrowserReader(() => browser)]
const present = readers.filter(({ isMissing }) => !isMissing)

/** Text that careless readers and writers get wrong. */
const TEXTS = ['data: no\n\nid: 7\r\n', '\u2028 \u0000 \uFEFF', '😀 ünï', ' : ', ' ']

const tools = {
  async model(_: unknown, context: ToolContext) {
    for (const text of TEXTS) {
      context.emitToken(text)
      await new Promise(resolve => setImmediate(resolve))
    }
    context.reportProgress({ progress: 1, total: 2, message: TEXTS.join('') })
    context.log('warning', TEXTS.join(''))
    context.reportUsage({ totalTokensIn: 3, totalTokensOut: 0 })
    return TEXTS
  },
  large: () => 'ü'.repeat(100_000),
  fail() {
    throw new Error(TEXTS.join(''))
  },
}

const WORKFLOW: DAGStructure = {
  name: TEXTS.join(''),
  tasks: [
    { id: 'fast', tool: 'work' },
    { id: 'slow', tool: 'work' },
    { id: 'model', tool: 'model' },
    { id: 'large', tool: 'large' },
    { id: 'bad', tool: 'fail', retry: { maxAttempts: 2, initialDelayMs: 1 } },
    { id: 'skipped', tool: 'work', dependsOn: ['bad'] },
  ],
}

beforeAll(async () => {
  server = await startReaderServer({ tools })
  if (!isBrowserMissing) browser = await launchBrowser()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server.close()
})

/** Opens every reader there is on the same execution, each under its own name. */
async function openAll(executionId: string, query = ''): Promise<Map<string, Reading>> {
  const opened = present.map(async ({ name, open }) => {
    const url = `${server.url}/executions/${executionId}/events?reader=${encodeURIComponent(name)}${query}`
    return [name, await open(url)] as const
  })
  return new Map(await Promise.all(opened))
}

/** What the server was asked for by one reader: each time, from where on. */
function placesAsked(executionId: string, name: string): (number | null)[] {
  return server.requests
    .filter(({ path, reader }) => path.includes(executionId) && reader === name)
    .map(({ lastEventId }) => (lastEventId === null ? null : Number(lastEventId.split('.')[1])))
}

const all = <T>(readings: ReadonlyMap<string, Reading>, read: (reading: Reading) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from(readings.values(), read))

describe('one execution, read by all of them at once', () => {
  let executionId: string
  let readings: Map<string, Reading>
  let slowReleasedAt: number

  beforeAll(async () => {
    executionId = await server.start(WORKFLOW)
    readings = await openAll(executionId)
    await all(readings, reading => reading.until('task_start', 'slow'))
    const [fast, slow] = await server.tool.nextCalls('fast', 'slow')
    fast.succeed('soon')
    // The slow task goes on only because everybody has told of the fast one's end: nothing can have waited for it.
    await all(readings, reading => reading.until('task_complete', 'fast'))
    slowReleasedAt = Date.now()
    slow.succeed('late')
    await all(readings, reading => reading.closed)
  }, 60_000)

  describe.each(readers)('$name', ({ name, isMissing }) => {
    test.skipIf(isMissing)('has the end of the fast task before the slow one ends, by its own clock', async () => {
      const reading = readings.get(name) as Reading
      const fast = await reading.until('task_complete', 'fast')
      const slow = await reading.until('task_complete', 'slow')
      expect(fast.at).toBeLessThanOrEqual(slowReleasedAt)
      expect(slow.at).toBeGreaterThanOrEqual(slowReleasedAt)
    })

    test.skipIf(isMissing)('has every event once, in order, each byte as it was', async () => {
      const { messages } = readings.get(name) as Reading
      expect(seqsOf(messages)).toEqual(messages.map((_, index) => index + 1))
      expect(withoutTimes(messages)).toEqual(withoutTimes((readings.get("undici's EventSource") as Reading).messages))
      const data = messages.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
      const tokens = data.filter((_, index) => messages[index]?.type === 'token').map(({ text }) => text)
      expect(tokens.join('')).toBe(TEXTS.join(''))
      expect(data[0]).toMatchObject({ executionId, name: TEXTS.join('') })
      expect(data.find(({ outputPath }) => outputPath !== undefined)).toMatchObject({
        taskId: 'large',
        outputBytes: 200_002,
      })
    })

    test.skipIf(isMissing)('comes back once after the end, gets 204, and stays away', async () => {
      const { messages } = readings.get(name) as Reading
      expect(placesAsked(executionId, name)).toEqual([null, messages.length])
    })
  })

  test('every type of event that an undisturbed execution logs has been read', () => {
    const types = new Set((readings.get("undici's EventSource") as Reading).messages.map(({ type }) => type))
    const notLogged = ['error', 'snapshot']
    const ofRecovery = ['execution_handed_off', 'execution_parked', 'execution_resumed', 'execution_stopping']
    const ofPlans = ['plan_rejected', 'plan_sealed', 'tasks_removed']
    const others = ['tasks_added', 'tasks_stopping', 'input_required', 'input_resolved', ...ofPlans]
    expect(TYPES.filter(type => !types.has(type)).sort()).toEqual([...notLogged, ...ofRecovery, ...others].sort())
  })
})

describe('one execution whose readers begin in the middle and lose their connections', () => {
  let executionId: string
  let readings: Map<string, Reading>
  let cutAt: Map<string, number>

  beforeAll(async () => {
    executionId = await server.start({ tasks: ['first', 'unseen', 'last'].map(id => ({ id, tool: 'work' })) })
    readings = await openAll(executionId, `&after=${executionId}.1`)
    await all(readings, reading => reading.until('task_start', 'last'))
    const [first, unseen, last] = await server.tool.nextCalls('first', 'unseen', 'last')
    first.succeed()
    await all(readings, reading => reading.until('task_complete', 'first'))
    cutAt = new Map(Array.from(readings, ([name, { messages }]) => [name, seqsOf(messages).at(-1) as number]))
    server.cut()
    // While nobody is there.
    unseen.succeed()
    await all(readings, reading => reading.until('task_complete', 'unseen'))
    last.succeed()
    await all(readings, reading => reading.closed)
  }, 60_000)

  test.each(present)('$name continues after its last event, with none missing and none twice', ({ name }) => {
    const { messages } = readings.get(name) as Reading
    expect(seqsOf(messages)).toEqual([2, 3, 4, 5, 6, 7, 8])
    expect(placesAsked(executionId, name)).toEqual([null, cutAt.get(name), 8])
  })
})
