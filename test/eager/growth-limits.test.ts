import { expect, test, vi } from 'vitest'
import { type DAGTask, type Execution, type PlanChunk, StreamingExecutor } from '../../src/index.ts'

const { MAX_TASKS, MAX_BYTES } = vi.hoisted(() => ({ MAX_TASKS: 10, MAX_BYTES: 1000 }))

vi.mock('../../src/workflow/document.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../src/workflow/document.ts')>()
  return { ...original, LIMITS: { ...original.LIMITS, maxTasks: MAX_TASKS, maxExecutionTasks: MAX_TASKS } }
})
vi.mock('../../src/engine/growth/plan-lines.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../src/engine/growth/plan-lines.ts')>()
  return { ...original, MAX_PLAN_BYTES: MAX_BYTES }
})

interface Begun {
  readonly execution: Execution
  /** The first task has been called. */
  readonly called: Promise<void>
  /** Ends it. */
  readonly release: () => void
}

/** An execution whose first task, `t0`, runs until it is released. The others wait for it. */
function begin(count: number, more: object = {}): Begun {
  let release = (): void => {}
  const held = new Promise<string>(resolve => (release = () => resolve('held')))
  let tell = (): void => {}
  const called = new Promise<void>(resolve => (tell = resolve))
  const hold = (): Promise<string> => {
    tell()
    return held
  }
  const tasks = Array.from({ length: count }, (_, at) =>
    at === 0 ? { id: 't0', tool: 'hold', ...more } : later(`t${at}`),
  )
  const tools = { hold, echo: (args: object) => args }
  const execution = new StreamingExecutor(tools, { maxItems: MAX_TASKS }).stream({ tasks })
  return { execution, called, release: () => release() }
}

const later = (id: string, text = ''): DAGTask => ({
  id,
  tool: 'echo',
  arguments: { text },
  dependsOn: ['t0'],
})

const exceeds = (pointer: string): object => ({
  code: 'INVALID_WORKFLOW',
  details: { issues: expect.arrayContaining([expect.objectContaining({ code: 'LIMIT_EXCEEDED', pointer })]) },
})

test('a patch fills an execution up to its limit of tasks, and not above it', async () => {
  const { execution, release } = begin(8)
  expect(await execution.patch({ add: [later('a')] })).toEqual({ totalTasks: 9 })
  await expect(execution.patch({ add: [later('b'), later('c')] })).rejects.toMatchObject(exceeds('/add'))
  expect(await execution.patch({ add: [later('b')] })).toEqual({ totalTasks: 10 })
  await expect(execution.patch({ add: [later('c')] })).rejects.toMatchObject(exceeds('/add'))
  expect(await execution.patch({ replace: [later('t1', 'new')] })).toEqual({ totalTasks: 10 })
  expect(await execution.patch({ add: [later('c')], remove: ['a'] })).toEqual({ totalTasks: 10 })
  expect(await execution.patch({ remove: ['b', 'c'] })).toEqual({ totalTasks: 8 })
  expect(await execution.patch({ add: [later('a'), later('b')] })).toEqual({ totalTasks: 10 })
  release()
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 10, successCount: 10 })
})

test('a patch counts the children of parents, and those that are still to come', async () => {
  const { execution, called, release } = begin(5, { forEach: [1, 2, 3], concurrency: 1 })
  await called
  expect(await execution.patch({ add: [later('a')] })).toEqual({ totalTasks: 7 })
  await expect(execution.patch({ add: [later('b'), later('c')] })).rejects.toMatchObject(exceeds('/add'))
  await execution.patch({ add: [later('b')] })
  release()
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 10 })
})

test('as many tasks as an execution may have can be removed or replaced, and no more', async () => {
  const { execution, release } = begin(2)
  for (let count = 1; count < MAX_TASKS; count++) await execution.patch({ replace: [later('t1', String(count))] })
  await expect(execution.patch({ replace: [later('t1')], remove: [] })).resolves.toEqual({ totalTasks: 2 })
  await expect(execution.patch({ replace: [later('t1')] })).rejects.toMatchObject(exceeds('/remove'))
  await expect(execution.patch({ remove: ['t1'] })).rejects.toMatchObject(exceeds('/remove'))
  expect(await execution.patch({ add: [later('a')] })).toEqual({ totalTasks: 3 })
  release()
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 3 })
})

test('tasks that join by patches have a limit of bytes, without those that have left', async () => {
  const { execution, release } = begin(1)
  const size = JSON.stringify([[later('a')], []]).length
  const text = 'x'.repeat(MAX_BYTES - size)
  await expect(execution.patch({ add: [later('a', `${text}x`)] })).rejects.toMatchObject(exceeds(''))
  expect(await execution.patch({ add: [later('a', text)] })).toEqual({ totalTasks: 2 })
  await expect(execution.patch({ add: [later('b')] })).rejects.toMatchObject(exceeds(''))
  await execution.patch({ remove: ['a'] })
  expect(await execution.patch({ add: [later('b', text)] })).toEqual({ totalTasks: 2 })
  release()
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 2 })
})

test('the lines of a plan fill an execution up to its limit of tasks, and not above it', async () => {
  for (const count of [MAX_TASKS - 1, MAX_TASKS, MAX_TASKS + 1]) {
    const lines = Array.from({ length: count }, (_, at): PlanChunk => ({ id: `t${at}`, tool: 'echo' }))
    const execution = await new StreamingExecutor({ echo: () => 1 }, { maxItems: MAX_TASKS }).streamPlan(lines, {
      onPlanError: 'skip',
    })
    const rejected: unknown[] = []
    for await (const { type, data } of execution) if (type === 'plan_rejected') rejected.push(data)
    expect(await execution.result).toMatchObject({ status: 'success', totalTasks: Math.min(count, MAX_TASKS) })
    expect(rejected).toMatchObject(count > MAX_TASKS ? [{ line: 11, issues: [{ code: 'LIMIT_EXCEEDED' }] }] : [])
  }
})
