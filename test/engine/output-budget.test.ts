import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { OutputBudget } from '../../src/engine/output-budget.ts'
import { LIMITS } from '../../src/index.ts'

test('the outputs of an execution may take 256 MiB together; refused ones do not count', () => {
  const budget = new OutputBudget()
  const success = (bytes: number) =>
    ({ status: 'success', output: JsonValue.from('x'.repeat(bytes - 2)), executionTimeMs: 3 }) as const
  const large = success(LIMITS.maxOutputBytes)
  const count = Math.floor(LIMITS.maxExecutionOutputBytes / LIMITS.maxOutputBytes)
  for (let index = 0; index < count; index++) expect(budget.admit(large)).toBe(large)
  expect(budget.admit(large)).toMatchObject({
    status: 'error',
    code: 'OUTPUT_TOO_LARGE',
    isRetryable: false,
    executionTimeMs: 3,
  })
  const rest = success(LIMITS.maxExecutionOutputBytes - count * LIMITS.maxOutputBytes)
  expect(budget.admit(rest)).toBe(rest)
  expect(budget.admit(success(5000))).toMatchObject({ code: 'OUTPUT_TOO_LARGE' })
})

test('a report other than a success passes unchanged', () => {
  const failure = { status: 'cancelled', executionTimeMs: 0 } as const
  expect(new OutputBudget().admit(failure)).toBe(failure)
})
