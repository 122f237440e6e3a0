import { expect, test } from 'vitest'
import { type BufferOptions, ReaderBound } from '../../src/log/reader-bound.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A bound of four events, and what it told. */
function open(options: BufferOptions = {}) {
  const clock = new FakeClock()
  const told: string[] = []
  const bound = new ReaderBound(
    {
      maxEvents: 4,
      maxBytes: 1000,
      clock,
      logger: { debug() {}, warn: (...line) => void told.push(toText(line)) },
      ...options,
    },
    {
      full: count => void told.push(`full ${count}`),
      room: () => void told.push('room'),
      gone: ({ code }) => void told.push(`gone ${code}`),
    },
  )
  return { bound, clock, told }
}

function toText(line: unknown): string {
  return JSON.stringify(line)
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

test('the bound is reported with the count, once, until half of it is free', () => {
  const { bound, told } = open()
  for (const count of [3, 4, 5, 4, 3]) bound.update(count, 10)
  expect([bound.isFull, told]).toEqual([
    true,
    ['["A reader has reached its bound",{"waitingEvents":4,"policy":"block"}]', 'full 4'],
  ])
  bound.update(2, 10)
  bound.update(1, 1000)
  expect(told.slice(2)).toEqual([
    'room',
    '["A reader has reached its bound",{"waitingEvents":1,"policy":"block"}]',
    'full 1',
  ])
  bound.close()
})

test('under "disconnect" a reader that takes one event within the turn is gone at its end', async () => {
  const { bound, told } = open({ policy: 'disconnect' })
  bound.update(4, 10)
  bound.took()
  bound.update(3, 10)
  await nextTurn()
  expect([told.slice(1), bound.isFull]).toEqual([['full 4', 'gone READER_OVERFLOWED'], false])
})

test('under "disconnect" a reader that takes half of what waits within the turn stays', async () => {
  const { bound, told, clock } = open({ policy: 'disconnect' })
  for (let turn = 0; turn < 3; turn++) {
    bound.update(4, 10)
    bound.took()
    bound.update(2, 10)
    await nextTurn()
  }
  expect([told.filter(line => !line.startsWith('['))]).toEqual([['full 4', 'room', 'full 4', 'room', 'full 4', 'room']])
  expect(clock.timerCount).toBe(0)
})

test('under "block" a reader that takes something within each stall time stays', async () => {
  const { bound, told, clock } = open({ stallTimeoutMs: 100 })
  bound.update(9, 10)
  for (let round = 0; round < 5; round++) {
    await clock.run(99)
    bound.took()
    await clock.run(1)
  }
  expect(told).toHaveLength(2)
  await clock.run(100)
  expect([told.at(-1), clock.timerCount]).toEqual(['gone READER_STALLED', 0])
})
