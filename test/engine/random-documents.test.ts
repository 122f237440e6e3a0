import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ParallelExecutor, validateWorkflow } from '../../src/index.ts'
import { counts } from '../support/outline.ts'

const id = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '0'), fc.string({ maxLength: 3 }))
const reference = fc
  .tuple(
    fc.constantFrom('$OUTPUT[', '${OUTPUT[', '$INPUT', '${INPUT', '$$OUTPUT['),
    id,
    fc.constantFrom('', ']', '].x', ']}', '.y}', '.y'),
  )
  .map(parts => parts.join(''))
const argumentsOf = fc.dictionary(
  id,
  fc.oneof(fc.jsonValue({ maxDepth: 2 }), reference, fc.array(reference, { maxLength: 2 })),
  {
    maxKeys: 3,
  },
)
const task = fc.record(
  {
    id,
    tool: fc.constantFrom('work', 'work', 'work', 'fail', 'other'),
    arguments: argumentsOf,
    dependsOn: fc.array(id, { maxLength: 2 }),
    retry: fc.record(
      { maxAttempts: fc.integer({ min: 0, max: 3 }), initialDelayMs: fc.constant(0) },
      { requiredKeys: [] },
    ),
    timeoutMs: fc.integer({ min: -1, max: 50 }),
    estimatedMs: fc.integer({ min: -1, max: 5 }),
  },
  { requiredKeys: ['id', 'tool'] },
)
const document = fc.record({ tasks: fc.array(task, { maxLength: 6 }), name: fc.string() }, { requiredKeys: ['tasks'] })

const tools = {
  work: (args: Record<string, unknown>): unknown => ({ x: args, y: 1 }),
  fail: (): never => {
    throw new Error('no')
  },
}

test('nothing crashes on a random document, and whatever passes the checks executes to its end', async () => {
  const executor = new ParallelExecutor(tools)
  let executedCount = 0
  await fc.assert(
    fc.asyncProperty(document, fc.constantFrom('layers', 'dataflow'), async (made, schedule) => {
      const input = { y: [1], a: { x: null } }
      const { valid, issues, issueCount } = validateWorkflow(made, tools, { input })
      expect([valid, issues.length]).toEqual([issueCount === 0, issueCount])
      if (!valid) {
        const refused = executor.execute(made, { input })
        await expect(refused).rejects.toMatchObject({ code: 'INVALID_WORKFLOW' })
        return
      }
      executedCount += 1
      const result = await executor.execute(made, { input, schedule })
      const { totalTasks, ...ended } = counts(result)
      expect(totalTasks).toBe(made.tasks.length)
      expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(totalTasks)
    }),
    { numRuns: 1000 },
  )
  expect(executedCount).toBeGreaterThan(50)
})

test('no value at all makes the checks throw', () => {
  fc.assert(
    fc.property(fc.anything({ withProxy: false } as never), made => {
      expect(typeof validateWorkflow(made, tools).valid).toBe('boolean')
      expect(
        typeof validateWorkflow({ tasks: [made, { id: made, tool: made, arguments: made, dependsOn: made }] }, tools)
          .valid,
      ).toBe('boolean')
    }),
    { numRuns: 500 },
  )
})
