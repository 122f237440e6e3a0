import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openBullmqDispatcher } from '../../src/dispatch/bullmq/open-dispatcher.ts'
import { isRedisMissing } from '../support/redis.ts'
import { createQueueRig, type QueueRig, tasks } from './queue-rig.ts'

let rig: QueueRig
afterEach(() => rig.close())

const ALL = { timeout: 30_000, interval: 20 }

async function countJobs(): Promise<number> {
  const counts = await rig.queue.getJobCounts()
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Kills Redis in the middle of 400 tasks and starts it again. @returns the calls by task */
async function runThroughCrash(): Promise<ReadonlyMap<string, number>> {
  const calls = new Map<string, number>()
  const work = async (_: unknown, { taskId }: { readonly taskId: string }): Promise<void> => {
    calls.set(taskId, (calls.get(taskId) ?? 0) + 1)
    await sleep(5)
  }
  for (let i = 0; i < 2; i++) await rig.start({ work }, { concurrency: 4 })
  await rig.order('work', tasks(200, 'before'))
  await vi.waitFor(async () => expect((await rig.settled()).length).toBeGreaterThan(40), ALL)
  await rig.redis.kill()
  await rig.order('work', tasks(100, 'meanwhile'))
  await sleep(100)
  await rig.redis.start()
  await rig.order('work', tasks(100, 'after'))
  await vi.waitFor(async () => expect((await rig.settled()).length).toBeGreaterThanOrEqual(400), ALL)
  const settled = await rig.settled()
  expect([settled.length, new Set(settled).size]).toEqual([400, 400])
  return calls
}

describe.skipIf(isRedisMissing)('a Redis that dies', () => {
  test('with its jobs: every task runs once and has one outcome', async () => {
    rig = await createQueueRig()
    const calls = await runThroughCrash()
    expect([...calls.values()].every(count => count === 1)).toBe(true)
    expect(calls.size).toBe(400)
  })

  test('and returns with its jobs: the same, and old jobs disappear', async () => {
    rig = await createQueueRig(['--appendonly', 'yes', '--appendfsync', 'always'])
    const calls = await runThroughCrash()
    expect([...calls.values()].every(count => count === 1)).toBe(true)
    await vi.waitFor(async () => {
      const { active = 0 } = await rig.queue.getJobCounts('active')
      // Those that ran at the crash are found by the check for stalled jobs.
      expect((await countJobs()) - active).toBe(0)
    }, ALL)
  })

  test('that is away at the start: the worker asks the store, and says so once', async () => {
    rig = await createQueueRig()
    await rig.redis.kill()
    const lines: string[] = []
    const logger = { debug() {}, warn: (message: string) => void lines.push(message) }
    await rig.start({ work: () => 1 }, { dispatcher: await rig.open(logger), logger })
    await rig.order('work', tasks(10))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(10), ALL)
    expect(lines.filter(line => line.startsWith('Redis does not answer'))).toHaveLength(2)
    await rig.redis.start()
  })

  test('that needs a password gets it, and no message holds it', async () => {
    rig = await createQueueRig(['--requirepass', 'right-word'])
    const lines: string[] = []
    const note = (message: string, fields?: object): void => void lines.push(message + JSON.stringify(fields ?? {}))
    const wrong = await openBullmqDispatcher(rig.redis.url.replace('//', '//:wrong-word@'), {
      logger: { debug: note, warn: note },
    })
    const right = await openBullmqDispatcher(rig.redis.url.replace('//', '//:right-word@'), {
      logger: { debug: note, warn: note },
    })
    const command = { executionId: 'x', taskId: 'a', attempt: 1, tool: 'work' } as never
    await wrong.dispatch([{ priority: 0, command }])
    await right.dispatch([{ priority: 0, command }])
    await Promise.all([wrong.close(), right.close()])
    expect(lines.some(line => line.includes('Redis'))).toBe(true)
    expect(lines.join('\n')).not.toMatch(/(?:right|wrong)-word/)
  })
})
