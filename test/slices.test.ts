import { expect, test } from 'vitest'
import { runAtOnce, runInSlices, type Steps } from '../src/slices.ts'

/** Spends more than the budget of a turn in each step. */
function* spend(count: number, log: string[]): Steps<number> {
  for (let step = 1; step <= count; step++) {
    const until = performance.now() + 10
    while (performance.now() < until);
    log.push(`step ${step}`)
    yield
  }
  return count
}

test('work that fits in a turn has its result at once, in slices or not', () => {
  function* work(): Steps<string> {
    yield
    return 'done'
  }
  expect([runAtOnce(work()), runInSlices(work())]).toEqual(['done', 'done'])
})

test('between slices the event loop turns', async () => {
  const log: string[] = []
  const turn = (): void => {
    log.push('turn')
    if (log.length < 20 && !log.includes('end')) setImmediate(turn)
  }
  setImmediate(turn)
  expect(await runInSlices(spend(3, log))).toBe(3)
  log.push('end')
  for (const [before, after] of [
    ['step 1', 'step 2'],
    ['step 2', 'step 3'],
  ] as const) {
    expect(log.slice(log.indexOf(before), log.indexOf(after))).toContain('turn')
  }
})

test('two jobs that each spend every turn proceed side by side', async () => {
  const logs: [string[], string[]] = [[], []]
  const seen: number[][] = []
  const jobs = logs.map(log => runInSlices(spend(4, log)))
  const turn = (): void => {
    seen.push(logs.map(log => log.length))
    if (logs.some(log => log.length < 4)) setImmediate(turn)
  }
  setImmediate(turn)
  expect(await Promise.all(jobs.map(async job => job))).toEqual([4, 4])
  for (const [first, second] of seen as [number, number][]) expect(Math.abs(first - second)).toBeLessThanOrEqual(1)
})

test('an error of a step is thrown by the first slice, and rejects in a later one', async () => {
  function* fail(count: number): Steps<never> {
    yield* spend(count, [])
    throw new Error('no')
  }
  expect(() => runAtOnce(fail(1))).toThrow('no')
  expect(() => runInSlices(fail(0))).toThrow('no')
  await expect(runInSlices(fail(3))).rejects.toThrow('no')
})
