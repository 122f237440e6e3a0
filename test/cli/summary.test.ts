import pc from 'picocolors'
import { expect, test } from 'vitest'
import { renderSummary, type Summarised } from '../../src/cli/render/summary.ts'
import type { DocumentTaskResult } from '../../src/engine/task-results.ts'
import { result } from './event-rig.ts'

const colors = pc.createColors(false)

function summarised(results: DocumentTaskResult[], given: Partial<Summarised> = {}): Summarised {
  const count = (status: string): number => results.filter(task => task.status === status).length
  return {
    status: 'success',
    results,
    totalTasks: results.length,
    successCount: count('success'),
    errorCount: count('error'),
    skippedCount: count('skipped'),
    cancelledCount: count('cancelled'),
    executionTimeMs: 1240,
    parallelizationLayers: 2,
    speedup: 3.2,
    criticalPathMs: 900,
    ...given,
  }
}

test('a success is reported by its counts, times and usage', () => {
  const tokenUsage = { totalTokensIn: 1234, totalTokensOut: 5678, totalCost: 0.0965 }
  expect(
    renderSummary(summarised([result('a'), result('b')], { tokenUsage }), colors),
  ).toBe(`success 2 tasks: 2 succeeded in 1.24s
2 layers · critical path 900ms · speedup 3.20×
Token usage: 1,234 in, 5,678 out, $0.0965
`)
})

test('failures are reported with their code, error and cause', () => {
  const results = [
    result('a', { status: 'error', code: 'TOOL_ERROR', error: 'no\u001b', attempts: 3 }),
    result('b', { status: 'skipped', code: 'DEPENDENCY_FAILED', error: 's', causedBy: 'a', attempts: 0 }),
    result('c', { status: 'cancelled', code: 'CANCELLED', error: 'stopped', attempts: 0 }),
    result('d'),
  ]
  const reason = { code: 'CANCELLED', message: 'Interrupted' } as const
  expect(
    renderSummary(summarised(results, { status: 'cancelled', reason }), colors),
  ).toBe(`cancelled 4 tasks: 1 succeeded, 1 failed, 1 skipped, 1 cancelled in 1.24s
2 layers · critical path 900ms · speedup 3.20×
CANCELLED: Interrupted
  ✖ a TOOL_ERROR: no\\u001b (3 attempts)
  ↷ b skipped because of a
`)
})

test('of very many failures the first are listed', () => {
  const results = Array.from({ length: 1025 }, (_, index) =>
    result(`t${index}`, { status: 'error', code: 'E', error: 'e' }),
  )
  const lines = renderSummary(summarised(results, { status: 'error' }), colors).split('\n')
  expect([lines.length, lines[2], lines.at(-2)]).toEqual([24, '  ✖ t0 E: e', '  … and 1,005 more failed'])
})

test('nothing to do is reported as that', () => {
  expect(
    renderSummary(
      summarised([], { parallelizationLayers: 0, executionTimeMs: 0, criticalPathMs: 0, speedup: 0 }),
      colors,
    ),
  ).toBe(`success 0 tasks in 0.0ms
0 layers · critical path 0.0ms · speedup 0.00×
`)
})

test('failures of children, tolerated failures and skips without a failure are reported with their reasons', () => {
  const skipped = { status: 'skipped', attempts: 0 } as const
  const failed = { status: 'error', code: 'X', error: 'no' } as const
  const results = [
    { ...result('label'), items: [result('label[0]'), result('label[1]', failed)] },
    { ...result('report', { ...failed, optional: true }), tasks: [result('report/a', failed)] },
    result('page', { ...skipped, code: 'CONDITION_FALSE', error: 'The condition is false: `x`' }),
    result('after', { ...skipped, code: 'DEPENDENCY_SKIPPED', causedBy: 'page', error: 's' }),
    result('rollback', { ...skipped, code: 'NOT_NEEDED', error: 'Nothing failed' }),
  ]
  const counts = { totalTasks: 8, successCount: 2, errorCount: 3, skippedCount: 3, toleratedCount: 1 }
  const outputError = { code: 'OUTPUT_TOO_LARGE', message: 'too much' }
  expect(renderSummary(summarised(results, { ...counts, outputError }), colors)).toBe(
    `success 8 tasks: 2 succeeded, 3 failed (3 tolerated), 3 skipped (1 CONDITION_FALSE, 1 DEPENDENCY_SKIPPED, 1 NOT_NEEDED) in 1.24s
2 layers · critical path 900ms · speedup 3.20×
  ✖ label[1] X: no (tolerated)
  ✖ report X: no (tolerated)
  ✖ report/a X: no (tolerated)
  ↷ page CONDITION_FALSE: The condition is false: \`x\`
  ↷ after skipped because of page
  ↷ rollback NOT_NEEDED: Nothing failed
no output: OUTPUT_TOO_LARGE: too much
`,
  )
})
