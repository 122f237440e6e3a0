import { expect, test } from 'vitest'
import type { RunOn } from '../../src/index.ts'
import { classifyEnd, decide, END, END_KINDS, type End } from '../../src/scheduler/task-ends.ts'

/** What the rule says where `unsettled` dependencies have not ended and others ended so. */
function decideAfter(runOn: RunOn, unsettled: number, ...ends: readonly End[]): string {
  const counts = new Array<number>(END_KINDS).fill(0)
  for (const end of ends) counts[end] = (counts[end] as number) + 1
  return decide(runOn, unsettled, counts)
}

const FAILURES = [END.failed, END.skippedByFailure, END.cancelled]
const HARMLESS_SKIPS = [END.conditionFalse, END.notNeeded, END.dependencySkipped]

test('a task waits until every dependency has ended, and starts when all succeeded', () => {
  expect([
    decideAfter('success', 2),
    decideAfter('success', 1, END.succeeded),
    decideAfter('success', 0),
    decideAfter('success', 0, END.succeeded),
  ]).toEqual(['wait', 'wait', 'start', 'start'])
})

test('a failure, a skip because of one and a cancellation skip it at once', () => {
  for (const end of FAILURES) {
    expect([decideAfter('success', 3, end), decideAfter('success', 0, end, END.succeeded)]).toEqual([
      'DEPENDENCY_FAILED',
      'DEPENDENCY_FAILED',
    ])
  }
})

test('a tolerated failure and skips that are not failure count as settled', () => {
  for (const end of [END.tolerated, ...HARMLESS_SKIPS]) {
    expect([decideAfter('success', 1, end), decideAfter('success', 0, end)]).toEqual(['wait', 'start'])
  }
})

test('a skip that is not a failure skips what reads it, once all have ended; a failure counts first', () => {
  for (const end of HARMLESS_SKIPS) {
    const counts = new Array<number>(END_KINDS).fill(0)
    counts[end] = 1
    const decideReading = (unsettled: number): string => decide('success', unsettled, counts, 0, () => true)
    expect([decideReading(1), decideReading(0)]).toEqual(['wait', 'DEPENDENCY_SKIPPED'])
    counts[END.failed] = 1
    expect(decideReading(1)).toBe('DEPENDENCY_FAILED')
  }
})

test('`failure` is decided once all have ended, and needs a failure, tolerated or not', () => {
  expect([decideAfter('failure', 0), decideAfter('failure', 0, END.succeeded, ...HARMLESS_SKIPS)]).toEqual([
    'NOT_NEEDED',
    'NOT_NEEDED',
  ])
  for (const end of [END.tolerated, ...FAILURES]) {
    expect([decideAfter('failure', 1, end), decideAfter('failure', 0, end, END.succeeded)]).toEqual(['wait', 'start'])
  }
})

test('`settled` runs once all have settled, with any end', () => {
  for (const end of Object.values(END)) {
    expect([decideAfter('settled', 1, end), decideAfter('settled', 0, end)]).toEqual(['wait', 'start'])
  }
})

test('the end of a task is read from its last event', () => {
  expect([
    classifyEnd({ status: 'success' }),
    classifyEnd({ status: 'error', code: 'TOOL_ERROR' }),
    classifyEnd({ status: 'error', code: 'TOOL_ERROR', optional: true }),
    classifyEnd({ status: 'cancelled', code: 'CANCELLED' }),
    classifyEnd({ status: 'skipped', code: 'DEPENDENCY_FAILED' }),
    classifyEnd({ status: 'skipped', code: 'CONDITION_FALSE' }),
    classifyEnd({ status: 'skipped', code: 'NOT_NEEDED' }),
    classifyEnd({ status: 'skipped', code: 'DEPENDENCY_SKIPPED' }),
  ]).toEqual([
    END.succeeded,
    END.failed,
    END.tolerated,
    END.cancelled,
    END.skippedByFailure,
    END.conditionFalse,
    END.notNeeded,
    END.dependencySkipped,
  ])
})
