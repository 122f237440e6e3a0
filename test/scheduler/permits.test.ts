import { expect, test } from 'vitest'
import { compileWorkflow, createLimit, type Limit } from '../../src/index.ts'
import { Permits } from '../../src/scheduler/permits.ts'
import { TaskTable } from '../../src/scheduler/task-table.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { workflow } from '../support/workflows.ts'

// The log of an execution may fail in the moment in which the answer to a question makes a task ready again.

const clock = new FakeClock()

/** Two ready tasks of a tool with one permit. */
function createTasks(): { readonly limit: Limit; readonly table: TaskTable; readonly permits: Permits } {
  const limit = createLimit(1)
  const plan = compileWorkflow(workflow('a', 'b'), { work: { execute: () => null, limit } })
  const table = new TaskTable(plan, { schedule: 'dataflow', maxConcurrency: 10, onTaskError: 'continue' })
  table.open(0)
  const callbacks = { isPaused: () => false, granted: () => {} }
  return { limit, table, permits: new Permits(table.starts, { clock, priority: 0 }, callbacks) }
}

test('after the end of its execution, a task that becomes ready is granted no permit', async () => {
  const { limit, table, permits } = createTasks()
  const release = limit.tryAcquire()
  expect(table.starts.next(permits)).toBeUndefined()
  permits.request()
  permits.close()
  table.starts.add(0)
  release?.()
  await idle()
  expect(limit.tryAcquire()).toBeDefined()
})

test('after the end of its execution, a task keeps no permit for another', async () => {
  const { limit, table, permits } = createTasks()
  expect(table.starts.next(permits)).toBe(0)
  expect(limit.tryAcquire()).toBeUndefined()
  permits.close()
  table.starts.add(1)
  permits.release(0)
  await idle()
  expect(limit.tryAcquire()).toBeDefined()
})
