import { expect, test } from 'vitest'
import { classifyEnd, decide, END, END_KINDS, type End } from '../../src/scheduler/task-ends.ts'

/** What the rule says where `unsettled` dependencies have not ended and others ended so. */
function decideAfter(unsettled: number, ...ends: readonly End[]): string {
  const counts = new Array<number>(END_KINDS).fill(0)
  for (const end of ends) counts[end] = (counts[end] as number) + 1
  return decide(unsettled, counts)
}

test('a task waits until every dependency has ended, and starts when all succeeded', () => {
  expect([decideAfter(2), decideAfter(1, END.succeeded), decideAfter(0), decideAfter(0, END.succeeded)]).toEqual([
    'wait',
    'wait',
    'start',
    'start',
  ])
})

test('a failure, a skip because of one and a cancellation skip it at once', () => {
  for (const end of [END.failed, END.skippedByFailure, END.cancelled]) {
    expect([decideAfter(3, end), decideAfter(0, end, END.succeeded)]).toEqual(['skip', 'skip'])
  }
})

test('a tolerated failure and skips that are no failure count as settled', () => {
  for (const end of [END.tolerated, END.conditionFalse, END.notNeeded, END.dependencySkipped]) {
    expect([decideAfter(1, end), decideAfter(0, end)]).toEqual(['wait', 'start'])
  }
})

test('the end of a task is read from its last event', () => {
  expect([
    classifyEnd({ status: 'success' }),
    classifyEnd({ status: 'error', code: 'TOOL_ERROR' }),
    classifyEnd({ status: 'cancelled', code: 'CANCELLED' }),
    classifyEnd({ status: 'skipped', code: 'DEPENDENCY_FAILED' }),
    classifyEnd({ status: 'skipped', code: 'CONDITION_FALSE' }),
    classifyEnd({ status: 'skipped', code: 'NOT_NEEDED' }),
    classifyEnd({ status: 'skipped', code: 'DEPENDENCY_SKIPPED' }),
  ]).toEqual([
    END.succeeded,
    END.failed,
    END.cancelled,
    END.skippedByFailure,
    END.conditionFalse,
    END.notNeeded,
    END.dependencySkipped,
  ])
})
