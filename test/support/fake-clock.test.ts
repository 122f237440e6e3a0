import { expect, test } from 'vitest'
import { FakeClock } from './fake-clock.ts'

test('timers fire at their own times, in order, those set on the way included', () => {
  const clock = new FakeClock()
  const start = clock.now()
  const fired: [string, number][] = []
  const note = (name: string) => (): void => void fired.push([name, clock.now() - start])
  clock.after(20, note('late'))
  clock.after(10, () => {
    note('first')()
    clock.after(5, note('on the way'))
    clock.after(0, note('at once'))
  })
  clock.after(10, note('second'))
  clock.after(31, note('too late'))
  const cancel = clock.after(12, note('cancelled'))
  cancel()
  cancel()
  clock.advance(30)
  expect(fired).toEqual([
    ['first', 10],
    ['second', 10],
    ['at once', 10],
    ['on the way', 15],
    ['late', 20],
  ])
  expect([clock.now() - start, clock.wallTime() - FakeClock.START, clock.timerCount, clock.nextTimerMs]).toEqual([
    30, 30, 1, 1,
  ])
})

test('running lets promises set the next timer', async () => {
  const clock = new FakeClock()
  const sleep = (ms: number): Promise<void> => new Promise(resolve => void clock.after(ms, resolve))
  const woken: number[] = []
  const sleeper = (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(10)
      woken.push(clock.wallTime() - FakeClock.START)
    }
  })()
  await clock.run(30)
  await sleeper
  expect(woken).toEqual([10, 20, 30])
})
