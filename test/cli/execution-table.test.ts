import { expect, test } from 'vitest'
import { renderExecutions } from '../../src/cli/render/execution-table.ts'

const NOW = Date.parse('2026-01-10T00:00:00.000Z')
const ago = (ms: number): string => new Date(NOW - ms).toISOString()

test('executions are printed in columns, under a heading', () => {
  const text = renderExecutions(
    [
      {
        executionId: 'a',
        status: 'partial',
        createdAt: ago(90_000),
        totalTasks: 1200,
        successCount: 1100,
        executionTimeMs: 61_000,
      },
      { executionId: 'longer', status: 'running', createdAt: ago(3 * 3_600_000), totalTasks: 3 },
    ],
    NOW,
  )
  expect(text).toBe(
    [
      'id      status   age  tasks        time',
      'a       partial  1m   1,100/1,200  1m01s',
      'longer  running  3h   3',
      '',
    ].join('\n'),
  )
})

test('a column without values is omitted', () => {
  const text = renderExecutions([{ executionId: 'a', status: 'success' }], NOW)
  expect(text).toBe('id  status\na   success\n')
  expect(renderExecutions([], NOW)).toBe('')
})

test.each([
  [-5000, '0s'],
  [59_999, '59s'],
  [3_599_000, '59m'],
  [86_399_000, '23h'],
  [86_400_000 * 40, '40d'],
])('an execution created %i ms ago is %s old', (ms, age) => {
  const line = renderExecutions([{ executionId: 'a', status: 'success', createdAt: ago(ms) }], NOW).split('\n')[1]
  expect(line).toBe(`a   success  ${age}`)
})

test('invalid figures of a server are only shown', () => {
  const text = renderExecutions([{ executionId: 'a\u001b[2J', status: 'x\ny', createdAt: 'never' }], NOW)
  expect(text).toBe('id          status\na\\u001b[2J  x\\ny\n')
})
