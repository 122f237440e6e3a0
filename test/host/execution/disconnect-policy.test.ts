import { expect, test } from 'vitest'
import {
  DisconnectPolicy,
  type DisconnectRule,
  parseDisconnectRule,
} from '../../../src/host/execution/disconnect-policy.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function rig(rule: DisconnectRule) {
  const clock = new FakeClock()
  let goneCount = 0
  const disconnectPolicy = new DisconnectPolicy(parseDisconnectRule(rule), clock, () => void (goneCount += 1))
  return { clock, disconnectPolicy, goneCount: () => goneCount }
}

test('to leave twice counts once', () => {
  const { disconnectPolicy, clock, goneCount } = rig({ graceMs: 10 })
  const leave = disconnectPolicy.join()
  const leaveToo = disconnectPolicy.join()
  leave()
  leave()
  expect(clock.timerCount).toBe(0)
  leaveToo()
  clock.advance(10)
  expect(goneCount()).toBe(1)
})

test('it is called once, whatever subscribers follow', () => {
  const { disconnectPolicy, clock, goneCount } = rig('cancel')
  disconnectPolicy.join()()
  disconnectPolicy.join()()
  disconnectPolicy.watch()
  expect([goneCount(), clock.timerCount]).toEqual([1, 0])
})

test('a grace that runs ends with the execution', () => {
  const { disconnectPolicy, clock, goneCount } = rig({ graceMs: 10 })
  disconnectPolicy.join()()
  expect(clock.timerCount).toBe(1)
  disconnectPolicy.close()
  clock.advance(100)
  disconnectPolicy.join()()
  expect([goneCount(), clock.timerCount]).toEqual([0, 0])
})
