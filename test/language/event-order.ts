import { expect } from 'vitest'
import {
  applyEvent,
  createState,
  type EventFor,
  type ExecutionResult,
  type Schedule,
  type SSEEvent,
} from '../../src/index.ts'
import { counts } from '../support/outline.ts'
import { flatten, type Outcome, toLayers } from './outcome.ts'

/** The position of each task's events in the log; `Infinity` for one that is absent. */
interface Places {
  readonly added: (taskId: string) => number
  readonly started: (taskId: string) => number
  readonly completed: (taskId: string) => number
}

/** Everything that must hold of the order of the events of an execution that one process ran. */
export function expectOrder(outcomes: readonly Outcome[], events: readonly SSEEvent[], schedule: Schedule): void {
  expect([events[0]?.type, events.at(-1)?.type]).toEqual(['execution_start', 'execution_complete'])
  const places = findPlaces(events)
  const { layers, finallyFrom } = (events[0] as EventFor<'execution_start'>).data
  expect({ layers, ...(finallyFrom !== undefined && { finallyFrom }) }).toEqual(toLayers(outcomes))
  expectAdditions(outcomes, events, places)
  for (const outcome of flatten(outcomes)) {
    for (const id of outcome.dependsOn) {
      expectBefore(places.completed(id), places.started(outcome.taskId), `${id} ends before ${outcome.taskId} starts`)
    }
    expectChildren(outcome, places)
    if (outcome.kind === 'forEach') expectConcurrency(outcome, events)
  }
  for (const tasks of findWorkflows(outcomes)) expectLayers(tasks, places, schedule)
}

/** The tasks of the document and of each sub-workflow, but for those whose order a stop decided. */
function findWorkflows(outcomes: readonly Outcome[]): (readonly Outcome[])[] {
  const parents = flatten(outcomes).filter(({ kind }) => kind === 'workflow')
  return [outcomes, ...parents.map(({ children }) => children)]
}

function findPlaces(events: readonly SSEEvent[]): Places {
  const added = new Map<string, number>()
  const started = new Map<string, number>()
  const completed = new Map<string, number>()
  events.forEach(({ type, data }, at) => {
    if (type === 'execution_start') for (const id of data.layers.flat()) added.set(id, at)
    if (type === 'tasks_added') {
      for (const { taskId } of data.tasks) {
        if (added.has(taskId)) refuse(`Expected ${taskId} to be added once`)
        added.set(taskId, at)
      }
    }
    if (type === 'task_start' && !started.has(data.taskId)) started.set(data.taskId, at)
    if (type === 'task_complete') {
      if (completed.has(data.taskId)) refuse(`Expected ${data.taskId} to end once`)
      completed.set(data.taskId, at)
    }
  })
  expect([...completed.keys()].sort(), 'every task that is told ends').toEqual([...added.keys()].sort())
  const find = (map: ReadonlyMap<string, number>) => (taskId: string) => map.get(taskId) ?? Number.POSITIVE_INFINITY
  return { added: find(added), started: find(started), completed: find(completed) }
}

/** Children are added while their parent runs, and `totalTasks` says how many tasks there are. */
function expectAdditions(outcomes: readonly Outcome[], events: readonly SSEEvent[], places: Places): void {
  const known = new Map(
    flatten(outcomes).flatMap(parent => parent.children.map(child => [child.taskId, { parent, child }])),
  )
  let total = 0
  events.forEach(({ type, data }, at) => {
    if (type === 'execution_start') total = data.totalTasks
    if (type === 'execution_complete') expect(data.totalTasks).toBe(total)
    if (type !== 'tasks_added') return
    total += data.tasks.length
    expect(data.totalTasks).toBe(total)
    const { parentId } = data
    if (parentId === undefined) return
    expectBefore(places.started(parentId), at, `${parentId} starts before it has children`)
    expectBefore(at, places.completed(parentId), `${parentId} has no children after its end`)
    const ids: string[] = []
    for (const { taskId, dependsOn, index } of data.tasks) {
      if (!taskId.startsWith(parentId)) refuse(`Expected ${taskId} to begin with ${parentId}`)
      // Tasks that only an execution has that is stopped are unknown here.
      const { parent, child } = known.get(taskId) ?? {}
      if (child !== undefined && parent?.kind !== 'workflow')
        expect(index, taskId).toBe(parent?.children.indexOf(child))
      if (child !== undefined && !child.isFinally)
        expect([...dependsOn].sort(), taskId).toEqual([...child.dependsOn].sort())
      for (const id of dependsOn)
        if (!ids.includes(id)) expectBefore(places.added(id), at, `${id} is added before ${taskId}`)
      ids.push(taskId)
    }
  })
}

function expectChildren({ taskId, kind, children }: Outcome, { added, started, completed }: Places): void {
  for (const [at, child] of children.entries()) {
    if (!Number.isFinite(added(child.taskId))) continue
    expectBefore(added(child.taskId), started(child.taskId), `${child.taskId} starts after it is added`)
    expectBefore(completed(child.taskId), completed(taskId), `${child.taskId} ends before ${taskId}`)
    const before = children[at - 1]
    if (kind !== 'repeat' || before === undefined) continue
    expectBefore(completed(before.taskId), added(child.taskId), `${before.taskId} ends before ${child.taskId} is added`)
  }
}

/** Counts attempts of items, or items that are sub-workflows: never more than the fan-out's `concurrency`. */
function expectConcurrency({ taskId, children, concurrency }: Outcome, events: readonly SSEEvent[]): void {
  if (concurrency === undefined) return
  const items = new Set(children.map(child => child.taskId))
  const running = new Set<string>()
  let peak = 0
  for (const { type, data } of events) {
    if (type === 'task_start' && items.has(data.taskId)) running.add(data.taskId)
    if (type === 'task_retry' || type === 'task_complete') running.delete(data.taskId)
    peak = Math.max(peak, running.size)
  }
  expect(peak, `items of ${taskId} in flight`).toBeLessThanOrEqual(concurrency)
}

/** `finally` tasks follow all others of their workflow; under `layers`, each layer follows the one before. */
function expectLayers(tasks: readonly Outcome[], { started, completed }: Places, schedule: Schedule): void {
  for (const later of tasks) {
    for (const earlier of tasks) {
      const isAfter = schedule === 'layers' ? later.layer > earlier.layer : later.isFinally && !earlier.isFinally
      if (!isAfter || !Number.isFinite(completed(earlier.taskId))) continue
      const text = `${earlier.taskId} ends before ${later.taskId} starts`
      expectBefore(completed(earlier.taskId), started(later.taskId), text)
    }
  }
}

/** Expects that the reducer gives the counts and the statuses of the result. */
export function expectFold(events: readonly SSEEvent[], result: ExecutionResult): void {
  const state = createState('')
  events.forEach((event, at) => applyEvent(state, event, at + 1))
  const { toleratedCount = 0, ...rest } = state.counts
  expect([state.status, rest, toleratedCount]).toEqual([result.status, counts(result), result.toleratedCount ?? 0])
  for (const { taskId, status } of result.results) expect(state.tasks.get(taskId)?.status, taskId).toBe(status)
  for (const task of state.tasks.values()) expect(task.result?.status, task.taskId).toBe(task.status)
}

function expectBefore(first: number, second: number, text: string): void {
  // Of what never happened nothing is expected. Calls of `expect` take most of the time, so that only a failure makes one.
  if (second !== Number.POSITIVE_INFINITY && first >= second) refuse(`Expected that ${text}`)
}

/** Returns nothing rather than never, so that the types of events stay narrow. */
function refuse(text: string): void {
  expect.fail(text)
}
