import { expect, test } from 'vitest'
import { PersonWait } from '../../src/scheduler/inputs/person-wait.ts'

const at = (seconds: number): string => new Date(seconds * 1000).toISOString()

test('only the time between two events that both wait, or begin and end a wait, counts', () => {
  const wait = new PersonWait()
  wait.update(false, at(1))
  wait.update(true, at(2))
  wait.update(true, at(5))
  wait.update(false, at(7))
  wait.update(false, at(9))
  expect([wait.isWaiting, wait.waitedMs]).toEqual([false, 5000])
})

test('events without a time, which summarize evicted ones, count nothing', () => {
  const wait = new PersonWait()
  wait.update(true, '')
  wait.update(false, '')
  wait.update(true, at(2))
  wait.update(true, at(3))
  expect([wait.isWaiting, wait.waitedMs]).toEqual([true, 1000])
})
