import { expect, test } from 'vitest'
import { flatten, isCountable, type Outcome } from './outcome.ts'
import { createRandomDocument } from './random-language-document.ts'
import { interpretIfSaid } from './reference-interpreter.ts'
import type { Task } from './surroundings.ts'

const SEEDS = 400

/** What random documents must contain for the comparison to mean something. */
const EXPECTED = [
  'success tool',
  'success forEach',
  'success repeat',
  'success workflow',
  'error TOOL_ERROR',
  'error NO',
  'error REFERENCE_NOT_FOUND',
  'error CONDITION_FAILED',
  'error INVALID_ITEMS',
  'error ITEMS_FAILED',
  'error CHILD_FAILED',
  'error REPEAT_EXHAUSTED',
  'error INVALID_INPUT',
  'skipped CONDITION_FALSE',
  'skipped NOT_NEEDED',
  'skipped DEPENDENCY_FAILED',
  'skipped DEPENDENCY_SKIPPED',
  'tolerated task',
  'tolerated items',
  'skipped item',
  'empty fan-out',
  'null output',
  'retried',
  'finally of the document',
  'finally of a sub-workflow',
  'execution success',
  'execution partial',
  'execution error',
]

/** The events of an outcome that the histogram counts. */
function describe(outcome: Outcome): string[] {
  const { taskId, status, code, kind, substitute, children, output, attempts = 0, isFinally } = outcome
  return [
    status === 'success' ? `success ${kind}` : `${status} ${code}`,
    ...(substitute === undefined ? [] : ['tolerated task']),
    ...(kind === 'forEach' && status === 'success' && children.length === 0 ? ['empty fan-out'] : []),
    ...(kind === 'forEach' && status === 'success' && children.some(each => each.status === 'error')
      ? ['tolerated items']
      : []),
    ...(kind === 'forEach' && children.some(each => each.status === 'skipped') ? ['skipped item'] : []),
    ...(output === null ? ['null output'] : []),
    ...(attempts > 1 ? ['retried'] : []),
    ...(isFinally ? [taskId.includes('/') ? 'finally of a sub-workflow' : 'finally of the document'] : []),
  ]
}

test('random documents bring about every ending of a task often', () => {
  const histogram = new Map<string, number>(EXPECTED.map(name => [name, 0]))
  let openCount = 0
  let taskCount = 0
  let countableCount = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const { document, ...surroundings } = createRandomDocument(seed)
    const expected = interpretIfSaid(document, surroundings)
    if (expected === undefined) {
      openCount += 1
      continue
    }
    const all = flatten(expected.tasks)
    taskCount += all.length
    if (isCountable(expected.tasks)) countableCount += 1
    for (const name of [...all.flatMap(describe), `execution ${expected.status}`]) {
      histogram.set(name, (histogram.get(name) ?? 0) + 1)
    }
  }
  const lines = [...histogram].map(([name, count]) => `${String(count).padStart(6)} ${name}`)
  console.log(
    [
      `${SEEDS} random documents, ${openCount} left open, ${countableCount} with determined counts`,
      `${taskCount} tasks with their children`,
      ...lines,
    ].join('\n'),
  )
  expect([...histogram.keys()].sort(), 'endings that the list lacks').toEqual([...EXPECTED].sort())
  expect(EXPECTED.filter(name => (histogram.get(name) as number) < 5)).toEqual([])
  expect(openCount).toBeLessThan(SEEDS / 5)
  expect(countableCount).toBeGreaterThan(SEEDS / 3)
})

test('random documents use every word of the language', () => {
  const words = new Map<string, number>()
  const visit = (task: Task): void => {
    for (const word of Object.keys(task)) words.set(word, (words.get(word) ?? 0) + 1)
    if (typeof task.workflow === 'object') for (const each of task.workflow.tasks) visit(each)
  }
  for (let seed = 0; seed < SEEDS; seed++) for (const task of createRandomDocument(seed).document.tasks) visit(task)
  const expected = 'concurrency default forEach optional repeat retry runOn tolerate when workflow'.split(' ')
  expect(expected.filter(word => (words.get(word) ?? 0) < 20)).toEqual([])
})

test('a seed makes the same document and the same endings again', () => {
  for (let seed = 0; seed < 20; seed++) {
    const first = createRandomDocument(seed)
    const second = createRandomDocument(seed)
    expect(second.document).toEqual(first.document)
    expect(interpretIfSaid(second.document, second)).toEqual(interpretIfSaid(first.document, first))
  }
})
