import { expect, test } from 'vitest'
import { findCrashing, findUnfinishedAttempts } from '../../src/scheduler/table-queries.ts'
import { chain, diamond, fan, task, workflow } from '../support/workflows.ts'
import { createTable } from './table-rig.ts'

test('an empty plan is done before it begins', () => {
  const { table, startAll } = createTable({ tasks: [] })
  expect([table.isDone, startAll(), table.takeEnding()]).toEqual([true, [], undefined])
})

test('a success makes ready what waited for it, with the time at which it was', () => {
  const { table, startAll, succeed } = createTable(diamond('a', ['b', 'c'], 'd'), { schedule: 'dataflow' })
  expect(startAll()).toEqual(['a'])
  succeed('a', 10)
  expect(startAll()).toEqual(['b', 'c'])
  succeed('c', 20)
  expect([startAll(), table.isDone, table.starts.runningCount]).toEqual([[], false, 1])
  succeed('b', 30)
  expect(startAll()).toEqual(['d'])
  succeed('d', 40)
  expect([...table.columns.readySince]).toEqual([0, 10, 10, 30])
  expect([table.isDone, table.starts.runningCount]).toEqual([true, 0])
})

test('a slot is taken when a start is chosen and freed by each end of an attempt', () => {
  const { table, apply, startAll, succeed, fail, retry } = createTable(fan(5), { maxConcurrency: 2 })
  expect([table.starts.next(), table.starts.next(), table.starts.next()]).toEqual([0, 1, undefined])
  for (const taskId of ['t0', 't1']) apply('task_start', { taskId, attempt: 1 })
  expect(startAll()).toEqual([])
  succeed('t0')
  expect(startAll()).toEqual(['t2'])
  fail('t1')
  expect(startAll()).toEqual(['t3'])
  retry('t2')
  expect([startAll(), table.starts.runningCount]).toEqual([['t4'], 2])
})

test('a failure ends its descendants, once and in document order', () => {
  const document = workflow(task('z', ['y']), task('y', ['a', 'b']), 'a', 'b', task('free', ['b']))
  const { table, startAll, fail, recordEndings } = createTable(document, { schedule: 'dataflow' })
  expect(startAll()).toEqual(['a', 'b'])
  fail('a')
  expect(recordEndings()).toEqual(['z skipped a', 'y skipped a'])
  fail('b')
  expect(recordEndings()).toEqual(['free skipped b'])
  expect(table.isDone).toBe(true)
})

test('layers that a failure has ended completely are passed over', () => {
  const document = workflow('a', task('b', ['a']), task('c', ['b']), 'x', task('y', ['x']), task('w', ['y']))
  const { startAll, fail, succeed, recordEndings } = createTable(document)
  expect(startAll()).toEqual(['a', 'x'])
  fail('a')
  expect(recordEndings()).toEqual(['b skipped a', 'c skipped a'])
  succeed('x')
  expect(startAll()).toEqual(['y'])
  succeed('y')
  expect(startAll()).toEqual(['w'])
})

test('a delayed task comes back where its rank is, with the time at which it was first ready', () => {
  const { table, startAll, succeed, retry } = createTable(fan(3), { maxConcurrency: 1 })
  expect(startAll()).toEqual(['t0'])
  retry('t0', { executionTimeMs: 7 })
  expect(table.delays.get(0)).toEqual({ at: Date.UTC(2026, 0, 1), delayMs: 10 })
  expect(startAll()).toEqual(['t1'])
  table.wake(0)
  table.wake(1)
  succeed('t1')
  expect([startAll(), table.columns.readySince[0], table.columns.spentMs[0]]).toEqual([['t0'], 0, 7])
  expect([table.delays.size, table.columns.countedAttempts(0)]).toEqual([0, 2])
})

test('a stop ends all tasks that do not run, in document order, and nothing more starts', () => {
  const { table, apply, startAll, succeed, fail, retry, recordEndings } = createTable(
    workflow(task('late', ['a']), 'a', 'b', 'c', 'd'),
    { maxConcurrency: 2 },
  )
  expect(startAll()).toEqual(['a', 'b'])
  retry('b')
  expect(startAll()).toEqual(['c'])
  apply('execution_stopping', { message: 'Enough' })
  expect(recordEndings()).toEqual(['late cancelled', 'b cancelled', 'd cancelled'])
  succeed('a')
  table.wake(2)
  expect([startAll(), table.isDone]).toEqual([[], false])
  fail('c')
  expect([recordEndings(), table.isDone]).toEqual([[], true])
})

test('after a stop a running task whose attempt would be followed by another ends', () => {
  const { table, apply, startAll, retry, recordEndings } = createTable(fan(1))
  startAll()
  apply('execution_stopping', { message: 'Over', code: 'INTERRUPTED' })
  expect(recordEndings()).toEqual([])
  retry('t0')
  expect([recordEndings(), table.isDone]).toEqual([['t0 error'], true])
})

test('a start that is in the log after what stopped its execution still runs to its end', () => {
  const { table, apply, startAll, fail, recordEndings } = createTable(fan(3), {
    maxConcurrency: 2,
    onTaskError: 'fail-fast',
  })
  expect(startAll()).toEqual(['t0', 't1'])
  fail('t0')
  // Chosen and appended together with the failure.
  apply('task_start', { taskId: 't2', attempt: 1 })
  expect([table.stop, recordEndings()]).toEqual([{ message: 'Cancelled: task `t0` failed' }, []])
  expect([table.starts.runningCount, table.isDone]).toEqual([2, false])
})

test('a reason that comes after a failure that stopped the execution is kept', () => {
  const { table, apply, startAll, fail } = createTable(fan(2), { onTaskError: 'fail-fast' })
  startAll()
  fail('t0')
  const stop = { reason: { code: 'CANCELLED', message: 'By hand' }, message: 'By hand' }
  apply('execution_stopping', stop)
  expect(table.stop).toEqual(stop)
})

test('a resumption cuts running attempts; a cut attempt does not count, and its task is ready again', () => {
  const { table, apply, startAll, retry } = createTable(fan(3), { maxConcurrency: 2 })
  expect(startAll()).toEqual(['t0', 't1'])
  apply('execution_resumed', { cause: 'crash', executionTimeMs: 5 })
  expect([findUnfinishedAttempts(table), table.starts.runningCount]).toEqual([[0, 1], 0])
  for (const taskId of ['t0', 't1']) retry(taskId, { interrupted: true })
  expect([table.columns.attempts[0], table.columns.countedAttempts(0)]).toEqual([1, 0])
  expect(startAll()).toEqual(['t0', 't1'])
})

test('a stopped execution ends tasks whose attempt was cut', () => {
  const { apply, startAll, recordEndings, table } = createTable(chain(2))
  startAll()
  apply('execution_stopping', { message: 'Enough' })
  apply('execution_resumed', { cause: 'crash', executionTimeMs: 5 })
  expect([recordEndings(), table.isDone]).toEqual([['t1 cancelled', 't0 cancelled'], true])
})

test('crashes are counted for each task that was in flight in all of them; a manual resume forgets them', () => {
  const { table, apply, startAll, retry, succeed } = createTable(workflow('same', 'a', 'b', 'c'), { maxConcurrency: 2 })
  const crash = (cause = 'crash'): void => {
    const cut = findUnfinishedAttempts(table).map(index => table.graph.idOf(index))
    apply('execution_resumed', { cause, executionTimeMs: 0 })
    for (const taskId of cut) retry(taskId, { interrupted: true })
  }
  for (const other of ['a', 'b']) {
    expect(startAll()).toEqual(['same', other])
    expect(findCrashing(table, 3)).toEqual([])
    crash()
    startAll()
    succeed(other)
    apply('execution_handed_off')
    crash('handoff')
  }
  expect(startAll()).toEqual(['same', 'c'])
  expect(findCrashing(table, 3)).toEqual(['same'])
  crash('manual')
  startAll()
  expect([findCrashing(table, 3), findCrashing(table, 2), findCrashing(table, 1)]).toEqual([[], [], ['same', 'c']])
})

test('a chain of 100,000 that fails at its root is ended without recursion', { timeout: 120_000 }, () => {
  const { table, startAll, fail, recordEndings } = createTable(chain(100_000), { schedule: 'dataflow' })
  expect(startAll()).toEqual(['t0'])
  fail('t0')
  expect(recordEndings()).toHaveLength(99_999)
  expect(table.isDone).toBe(true)
})
