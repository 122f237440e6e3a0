import { expect, test } from 'vitest'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import { compileWorkflow, createLimit, type DAGStructure, type Schedule } from '../../src/index.ts'
import { chain, diamond, fan, task, workflow } from '../support/workflows.ts'

function createScheduler(document: DAGStructure, schedule: Schedule = 'layers', maxConcurrency = 64): Scheduler {
  const plan = compileWorkflow(document, { work: () => 1, limited: { limit: 2, execute: () => 1 } })
  const scheduler = new Scheduler(plan, { schedule, maxConcurrency })
  scheduler.open(0)
  return scheduler
}

/** Every task that can start now. */
function takeAll(scheduler: Scheduler): number[] {
  const tasks: number[] = []
  for (let next = scheduler.next(); next !== undefined; next = scheduler.next()) tasks.push(next)
  return tasks
}

test('an empty plan is done before it begins', () => {
  const scheduler = createScheduler({ tasks: [] })
  expect([scheduler.isDone, scheduler.next(), scheduler.stop()]).toEqual([true, undefined, []])
})

test('nothing is ready before it is opened', () => {
  const plan = compileWorkflow(fan(2), { work: () => 1 })
  const scheduler = new Scheduler(plan, { schedule: 'layers', maxConcurrency: 2 })
  expect([scheduler.next(), scheduler.readySince(0)]).toEqual([undefined, undefined])
  scheduler.open(5)
  expect([scheduler.next(), scheduler.readySince(0), scheduler.readySince(1)]).toEqual([0, 5, 5])
})

test('a success makes ready what waited for it, with the time at which it was', () => {
  const scheduler = createScheduler(diamond('a', ['b', 'c'], 'd'), 'dataflow')
  expect(takeAll(scheduler)).toEqual([0])
  scheduler.succeed(0, 10)
  expect(takeAll(scheduler)).toEqual([1, 2])
  scheduler.succeed(2, 20)
  expect([takeAll(scheduler), scheduler.isDone, scheduler.runningCount]).toEqual([[], false, 1])
  scheduler.succeed(1, 30)
  expect(takeAll(scheduler)).toEqual([3])
  scheduler.succeed(3, 40)
  expect([0, 1, 2, 3].map(id => scheduler.readySince(id))).toEqual([0, 10, 10, 30])
  expect([scheduler.isDone, scheduler.runningCount]).toEqual([true, 0])
})

test('a slot is taken by next and freed by each of succeed, fail and delay', () => {
  const scheduler = createScheduler(fan(5), 'layers', 2)
  expect([takeAll(scheduler), scheduler.runningCount]).toEqual([[0, 1], 2])
  scheduler.succeed(0, 1)
  expect(takeAll(scheduler)).toEqual([2])
  scheduler.fail(1, 1)
  expect(takeAll(scheduler)).toEqual([3])
  scheduler.delay(2)
  expect([takeAll(scheduler), scheduler.runningCount]).toEqual([[4], 2])
})

test('a failure settles its descendants, told once and in document order', () => {
  const document = workflow(task('z', ['y']), task('y', ['a', 'b']), 'a', 'b', task('free', ['b']))
  const scheduler = createScheduler(document, 'dataflow')
  expect(takeAll(scheduler)).toEqual([2, 3])
  expect(scheduler.fail(2, 1)).toEqual([0, 1])
  expect(scheduler.fail(3, 1)).toEqual([4])
  expect(scheduler.isDone).toBe(true)
})

test('layers go on over those that a failure has settled whole', () => {
  const scheduler = createScheduler(workflow('a', task('b', ['a']), task('c', ['b']), 'x', task('y', ['x'])))
  expect(takeAll(scheduler)).toEqual([0, 3])
  expect(scheduler.fail(0, 1)).toEqual([1, 2])
  scheduler.succeed(3, 2)
  expect(takeAll(scheduler)).toEqual([4])
  scheduler.succeed(4, 3)
  expect(scheduler.isDone).toBe(true)
})

test('a delayed task comes back where its rank is, with the time at which it was first ready', () => {
  const scheduler = createScheduler(fan(3), 'layers', 1)
  expect(scheduler.next()).toBe(0)
  scheduler.delay(0)
  expect(scheduler.next()).toBe(1)
  scheduler.requeue(0, 50)
  scheduler.succeed(1, 60)
  expect([takeAll(scheduler), scheduler.readySince(0)]).toEqual([[0], 0])
})

test('requeueing what is not delayed changes nothing', () => {
  const scheduler = createScheduler(fan(1))
  scheduler.requeue(0, 1)
  expect(takeAll(scheduler)).toEqual([0])
  scheduler.requeue(0, 1)
  scheduler.succeed(0, 2)
  scheduler.requeue(0, 3)
  expect([takeAll(scheduler), scheduler.isDone]).toEqual([[], true])
})

test('a stop settles all that does not run, in document order, and nothing starts any more', () => {
  const scheduler = createScheduler(workflow(task('late', ['a']), 'a', 'b', 'c', 'd'), 'layers', 2)
  expect(takeAll(scheduler)).toEqual([1, 2])
  scheduler.delay(2)
  expect(takeAll(scheduler)).toEqual([3])
  expect(scheduler.stop()).toEqual([0, 2, 4])
  scheduler.succeed(1, 1)
  scheduler.requeue(2, 1)
  expect([takeAll(scheduler), scheduler.isDone]).toEqual([[], false])
  expect(scheduler.fail(3, 1)).toEqual([])
  expect([scheduler.isDone, scheduler.stop()]).toEqual([true, []])
})

test('after a stop a running task that would be delayed settles instead', () => {
  const scheduler = createScheduler(fan(1))
  expect(takeAll(scheduler)).toEqual([0])
  expect(scheduler.stop()).toEqual([])
  expect([scheduler.delay(0), scheduler.isDone, scheduler.stop()]).toEqual([false, true, []])
})

test('a task with a limit starts once it has been granted a permit, ahead of those without one', () => {
  const limited = { tool: 'limited' }
  const scheduler = createScheduler(workflow('a', task('b', [], limited), task('c', [], limited), 'd'), 'layers', 1)
  const [queue] = scheduler.limitQueues
  if (queue === undefined) throw new Error('Expected a queue for the limit')
  expect([queue.ready.size, queue.limit.size]).toEqual([2, 2])
  expect(scheduler.next()).toBe(0)
  queue.requestedCount = 3
  expect([scheduler.grant(queue), scheduler.grant(queue), scheduler.grant(queue)]).toEqual([1, 2, undefined])
  expect(queue.requestedCount).toBe(0)
  scheduler.succeed(0, 1)
  expect(scheduler.next()).toBe(1)
  scheduler.succeed(1, 1)
  expect(scheduler.next()).toBe(2)
  scheduler.succeed(2, 1)
  expect(scheduler.next()).toBe(3)
})

test('tools that share a limit wait in one queue; a stop empties it', () => {
  const limit = createLimit(1)
  const tools = { one: { limit, execute: () => 1 }, two: { limit, execute: () => 1 } }
  const plan = compileWorkflow(workflow(task('a', [], { tool: 'one' }), task('b', [], { tool: 'two' })), tools)
  const scheduler = new Scheduler(plan, { schedule: 'layers', maxConcurrency: 9 })
  scheduler.open(0)
  const queues = [...scheduler.limitQueues]
  expect(queues.map(({ ready }) => ready.size)).toEqual([2])
  expect([scheduler.stop(), scheduler.next(), queues[0]?.ready.size]).toEqual([[0, 1], undefined, 0])
})

test('dataflow keeps its ranks: what becomes ready later may start earlier', () => {
  const document = workflow('a', task('weak', [], { estimatedMs: 1 }), task('strong', ['a'], { estimatedMs: 50 }))
  const scheduler = createScheduler(document, 'dataflow', 1)
  expect(scheduler.next()).toBe(0)
  scheduler.succeed(0, 1)
  expect(scheduler.next()).toBe(2)
})

test('a chain of 100,000 that fails at its root is settled without recursion', () => {
  const scheduler = createScheduler(chain(100_000), 'dataflow')
  expect(takeAll(scheduler)).toEqual([0])
  expect(scheduler.fail(0, 1).length).toBe(99_999)
  expect(scheduler.isDone).toBe(true)
})
