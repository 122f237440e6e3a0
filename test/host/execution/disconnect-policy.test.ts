import { expect, test } from 'vitest'
import { Audience, type DisconnectRule, parseDisconnectRule } from '../../../src/host/execution/disconnect-policy.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function rig(rule: DisconnectRule) {
  const clock = new FakeClock()
  let goneCount = 0
  const audience = new Audience(parseDisconnectRule(rule), clock, () => void (goneCount += 1))
  return { clock, audience, goneCount: () => goneCount }
}

test('to leave twice counts once', () => {
  const { audience, clock, goneCount } = rig({ graceMs: 10 })
  const leave = audience.join()
  const leaveToo = audience.join()
  leave()
  leave()
  expect(clock.timerCount).toBe(0)
  leaveToo()
  clock.advance(10)
  expect(goneCount()).toBe(1)
})

test('it is told once, whoever comes and goes afterwards', () => {
  const { audience, clock, goneCount } = rig('cancel')
  audience.join()()
  audience.join()()
  audience.watch()
  expect([goneCount(), clock.timerCount]).toEqual([1, 0])
})

test('a grace that runs ends with the execution', () => {
  const { audience, clock, goneCount } = rig({ graceMs: 10 })
  audience.join()()
  expect(clock.timerCount).toBe(1)
  audience.close()
  clock.advance(100)
  audience.join()()
  expect([goneCount(), clock.timerCount]).toEqual([0, 0])
})
