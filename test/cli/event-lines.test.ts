import pc from 'picocolors'
import { expect, test } from 'vitest'
import { describeEvent } from '../../src/cli/render/event-lines.ts'
import { event, result, started } from './event-rig.ts'

const plain = pc.createColors(false)

test.each([
  [event('task_complete', result('a')), '✔ a 12ms'],
  [
    event('plan_rejected', {
      line: 3,
      issues: [
        { code: 'UNKNOWN_TOOL', pointer: '/tool', message: 'no tool', hint: 'Did you mean `x`?' },
        { code: 'INVALID_SHAPE', pointer: '', message: 'no id' },
      ],
    }),
    'rejected line 3: UNKNOWN_TOOL at /tool: no tool (Did you mean `x`?); INVALID_SHAPE: no id',
  ],
  [
    event('task_complete', result('a', { attempts: 0, reusedFrom: { executionId: 'x', taskId: 'a' } })),
    '✔ a taken over from x',
  ],
  [
    event('task_complete', result('b', { attempts: 0, reusedFrom: { executionId: 'x', taskId: 'a' } })),
    '✔ b taken over from x, task a',
  ],
  [
    event('task_complete', result('a', { status: 'error', code: 'TOOL_ERROR', error: 'no\nway' })),
    '✖ a 12ms TOOL_ERROR: no\\nway',
  ],
  [
    event('task_complete', result('a', { status: 'error', code: 'TASK_TIMEOUT', error: 'late', abandoned: true })),
    '✖ a 12ms TASK_TIMEOUT: late (abandoned: it did not stop)',
  ],
  [
    event('task_complete', result('b', { status: 'skipped', code: 'DEPENDENCY_FAILED', causedBy: 'a', attempts: 0 })),
    '↷ b skipped because of a',
  ],
  [
    event('task_complete', result('c', { status: 'cancelled', code: 'CANCELLED', error: 'stopped', attempts: 0 })),
    '⊘ c CANCELLED: stopped',
  ],
  [
    event('task_retry', { taskId: 'a', attempt: 1, delayMs: 1000, error: 'busy', code: 'TOOL_ERROR' }),
    '↻ a attempt 1 failed with TOOL_ERROR: busy; again in 1.00s',
  ],
  [event('info', { level: 'warning', message: 'mind\u001b[2J', taskId: 'a' }), 'warning a: mind\\u001b[2J'],
  [event('info', { level: 'error', message: 'oh' }), 'error oh'],
  [event('error', { error: 'the store is gone', code: 'STORE_FAILED' }), 'error STORE_FAILED: the store is gone'],
  [event('info', { level: 'info', message: 'fine' }), undefined],
  [event('task_start', { taskId: 'a', tool: 'echo', layer: 0, attempt: 1 }), undefined],
  [started(['a']), undefined],
])('event %# is reported in one line, or not at all', (event, line) => {
  expect(describeEvent(event, plain)).toBe(line)
})

test('colours mark how a task ended', () => {
  const colors = pc.createColors(true)
  expect(describeEvent(event('task_complete', result('a')), colors)).toBe(
    `${colors.green('✔')} a ${colors.dim('12ms')}`,
  )
})
