import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type DAGTask, type RunOn, StreamingExecutor } from '../../src/index.ts'
import { SETTINGS } from './language-rig.ts'

const page = readFileSync(new URL('../../docs/workflow.md', import.meta.url), 'utf8')

/** The rows of the table that says what `runOn` decides. */
const rows = [
  ...(/^\| dependencies \|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)*)/m.exec(page)?.[1] ?? '').matchAll(/^\| (.*) \|$/gm),
].map(match => (match[1] ?? '').split(' | ').map(cell => cell.replaceAll('`', '')))

const RUN_ON: readonly RunOn[] = ['success', 'failure', 'settled']

const ok = { id: 'ok', tool: 'quick' }
const bad = { id: 'bad', tool: 'fail' }
const skipped = { id: 'skipped', tool: 'quick', when: 'false' }
const after = (id: string): Partial<DAGTask> => ({ dependsOn: ['ok', id] })
const reads = (id: string): Partial<DAGTask> => ({ arguments: { value: `$OUTPUT[${id}]` } })

/** For each row, the tasks beside the one that is decided, and how that one depends on them. */
const CASES: readonly (readonly (readonly [readonly DAGTask[], Partial<DAGTask>])[])[] = [
  [
    [[ok], {}],
    [[ok], after('ok')],
  ],
  [
    [[ok, bad], after('bad')],
    [[ok, bad], reads('bad')],
    [[ok, bad, { id: 'below', tool: 'quick', dependsOn: ['bad'] }], after('below')],
    [[ok, bad, skipped], { dependsOn: ['skipped', 'bad'] }],
  ],
  [
    [[ok, { ...bad, optional: true }], after('bad')],
    [[ok, { ...bad, optional: true, default: 1 }], reads('bad')],
  ],
  [
    [[ok, skipped], reads('skipped')],
    [[ok, skipped, { id: 'next', tool: 'quick', ...reads('skipped') }], reads('next')],
    [[ok, skipped], { when: 'output.skipped == null' }],
  ],
  [[[ok, skipped], after('skipped')]],
]

test('the table has a row for each case', () => {
  expect(rows.map(cells => cells.length)).toEqual(CASES.map(() => 4))
})

describe.each(RUN_ON)('a task with runOn %s', runOn => {
  test.each(rows.map((cells, at) => [cells[0], at] as const))('whose dependencies are so: %s', async (_, at) => {
    const expected = rows[at]?.[1 + RUN_ON.indexOf(runOn)]
    const executor = new StreamingExecutor({
      quick: () => 1,
      fail: () => {
        throw new Error('no')
      },
    })
    for (const [others, dependencies] of CASES[at] ?? []) {
      for (const setting of SETTINGS) {
        const decided = { id: 'x', tool: 'quick', runOn, ...dependencies }
        const { results } = await executor.stream({ tasks: [decided, ...others] }, setting).result
        const { status, code } = results[0] ?? {}
        expect(status === 'success' ? 'runs' : code, JSON.stringify([decided, others])).toBe(expected)
      }
    }
  })
})

test('a failure in `finally` of a sub-workflow fails its parent, and it runs after a timeout of the parent', async () => {
  const called: string[] = []
  const executor = new StreamingExecutor({
    never: () => new Promise(() => {}),
    quick: (_, { taskId }) => void called.push(taskId),
    fail: () => {
      throw new Error('no')
    },
  })
  const { results } = await executor.stream(
    {
      tasks: [
        { id: 'a', workflow: { tasks: [{ id: 'x', tool: 'quick' }], finally: [{ id: 'y', tool: 'fail' }] } },
        {
          id: 'b',
          timeoutMs: 5,
          workflow: { tasks: [{ id: 'x', tool: 'never' }], finally: [{ id: 'y', tool: 'quick' }] },
        },
      ],
    },
    { abortGraceMs: 1 },
  ).result
  expect(results.map(({ code }) => code)).toEqual(['CHILD_FAILED', 'TASK_TIMEOUT'])
  expect(called).toEqual(['a/x', 'b/y'])
})
