import { afterAll, describe, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { testRunner } from '../../src/testing/index.ts'
import { startWorker, type RunningWorker } from '../../src/worker/run-worker.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'
import { MailRunner } from './mail-runner.ts'

const workers: RunningWorker[] = []
const runners: MailRunner[] = []

afterAll(async () => {
  for (const runner of runners) runner.close()
  await Promise.all(workers.map(({ close }) => close()))
})

describe('orders through a shared store and a worker', () => {
  const cases = testRunner(async (tools, { abortGraceMs }) => {
    const store = createMemorySharedStore(systemClock)
    const runner = new MailRunner(store)
    await runner.listen()
    runners.push(runner)
    workers.push(await startWorker({ store: store.connect(), tools, abortGraceMs, drainMs: 0 }))
    return runner
  })
  for (const { name, run } of cases) test(name, run)
})
