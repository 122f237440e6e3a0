import { expect, test } from 'vitest'
import { RatedGate } from '../../src/tools/gate.ts'
import { createLimit } from '../../src/tools/limit.ts'
import { TokenBucket } from '../../src/tools/rate.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'

test('a bucket gives `max` tokens at once, and then one per interval', () => {
  const clock = new FakeClock()
  const bucket = new TokenBucket({ max: 3, perMs: 300 })
  const takeAll = (): number => {
    let count = 0
    while (bucket.take(clock)) count += 1
    return count
  }
  expect(takeAll()).toBe(3)
  clock.advance(99)
  expect(takeAll()).toBe(0)
  clock.advance(1)
  expect(takeAll()).toBe(1)
  clock.advance(10_000)
  expect(takeAll()).toBe(3)
})

test('requests for tokens are served by priority, then in their order, by one timer', async () => {
  const clock = new FakeClock()
  const bucket = new TokenBucket({ max: 1, perMs: 10 })
  const served: string[] = []
  bucket.take(clock)
  for (const [name, priority] of [
    ['a', 0],
    ['b', 0],
    ['urgent', 7],
    ['last', -3],
  ] as const) {
    bucket.wait(clock, priority, () => served.push(`${name} ${clock.now() - 1000}`))
  }
  expect([bucket.waitingCount, clock.timerCount]).toEqual([4, 1])
  await clock.run(50)
  expect(served).toEqual(['urgent 10', 'a 20', 'b 30', 'last 40'])
  expect([bucket.waitingCount, clock.timerCount]).toEqual([0, 0])
})

test('a withdrawn request takes no token and leaves no timer', async () => {
  const clock = new FakeClock()
  const bucket = new TokenBucket({ max: 1, perMs: 10 })
  bucket.take(clock)
  const served: string[] = []
  const withdraw = bucket.wait(clock, 0, () => served.push('withdrawn'))
  withdraw()
  expect(clock.timerCount).toBe(0)
  await clock.run(10)
  expect([served, bucket.take(clock)]).toEqual([[], true])
})

test('a pause delays all tokens, and a shorter one does not end it', () => {
  const clock = new FakeClock()
  const bucket = new TokenBucket({ max: 2, perMs: 2 })
  bucket.pause(clock, 100)
  bucket.pause(clock, 10)
  clock.advance(99)
  expect(bucket.take(clock)).toBe(false)
  clock.advance(1)
  expect(bucket.take(clock)).toBe(true)
})

test('an unused grant returns its token', () => {
  const clock = new FakeClock()
  const gate = new RatedGate({ max: 1, perMs: 1000 })
  gate.tryAcquire(clock)?.(true)
  const used = gate.tryAcquire(clock)
  used?.()
  expect([used === undefined, gate.tryAcquire(clock)]).toEqual([false, undefined])
})

test('a permit of a shared limit is not held while a token is awaited', async () => {
  const clock = new FakeClock()
  const limit = createLimit(1)
  const gate = new RatedGate({ max: 1, perMs: 100 }, limit)
  gate.tryAcquire(clock)?.()
  const grants: number[] = []
  gate.acquire(
    release => {
      grants.push(clock.now() - 1000)
      release()
    },
    0,
    clock,
  )
  await idle()
  const other = limit.tryAcquire()
  expect(other).toBeDefined()
  // The token comes while the permit is taken: the request waits for the permit without its token.
  await clock.run(150)
  expect(grants).toEqual([])
  other?.()
  await idle()
  expect(grants).toEqual([150])
})

test('a limit grants by priority, then in the order of the requests, and counts a release once', async () => {
  const limit = createLimit(1)
  const release = limit.tryAcquire()
  const granted: string[] = []
  const ask = (name: string, priority?: number): (() => void) =>
    limit.acquire(release => {
      granted.push(name)
      release()
      release()
    }, priority)
  ask('a')
  ask('b')
  const withdraw = ask('withdrawn', 9)
  ask('urgent', 5)
  withdraw()
  expect(limit.waitingCount).toBe(3)
  release?.()
  await idle()
  expect(granted).toEqual(['urgent', 'a', 'b'])
  expect([typeof limit.tryAcquire(), limit.tryAcquire()]).toEqual(['function', undefined])
})
