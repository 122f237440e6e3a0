import {
  applyEvent,
  compileWorkflow,
  createState,
  type DAGStructure,
  type DAGTask,
  type Tool,
} from '../../src/index.ts'
import type { Kept } from '../support/crash.ts'
import { expect } from 'vitest'
import { expectAgreement } from '../language/agreement.ts'
import type { Outcome } from '../language/outcome.ts'
import { createRandomDocument, type RandomDocument } from '../language/random-language-document.ts'
import type { RandomSource } from '../language/random-source.ts'
import type { Interpretation } from '../language/reference-interpreter.ts'
import type { PlanRun } from './plan-chaos.ts'

/** A random document of what a plan can hold. */
export function createPlan(seed: number): RandomDocument {
  const made = createRandomDocument(seed)
  const { tasks } = made.document
  return { ...made, document: { tasks } }
}

/** Tools of which some are read-only. */
export function markReadOnly(tools: readonly Tool[], random: RandomSource): Tool[] {
  return tools.map(tool => (random.chance(0.5) ? { ...tool, readOnly: true } : tool))
}

/** What holds of a plan that was written to workers, whatever happened. */
export function expectPlanned(run: PlanRun, expected: Interpretation, lineCount: number): void {
  const { events, seqs, result, calls, lateCalls, earlyCalls } = run
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  const ends = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
  expect([ends.length, new Set(ends).size]).toEqual([result.totalTasks, result.totalTasks])
  expect(lateCalls).toEqual([])
  expect(earlyCalls).toEqual([])
  // A call whose worker is lost is followed by another attempt.
  expect(new Set(calls).size).toBe(calls.length)
  const lines = events.flatMap(({ type, data }) => (type === 'tasks_added' ? data.tasks.map(({ line }) => line) : []))
  expect(lines.filter(line => line !== undefined)).toEqual(Array.from({ length: lineCount }, (_, at) => at + 1))
  expect(events.filter(({ type }) => type === 'plan_sealed')).toHaveLength(1)
  // Which items a failure cuts short, and where, depends on time.
  if (isCutShort(expected.tasks)) return
  const order = new Map(result.results.map((each, at) => [each.taskId, at]))
  const tasks = expected.tasks.toSorted((a, b) => (order.get(a.taskId) ?? 0) - (order.get(b.taskId) ?? 0))
  expectAgreement({ ...expected, tasks }, { events, result, isWhole: false })
}

/** Whether more items of a task fail than it tolerates. */
export function isCutShort(outcomes: readonly Outcome[]): boolean {
  return outcomes.some(({ exceeded, children }) => exceeded !== undefined || isCutShort(children))
}

/** The tasks of a document as lines, each behind those that it depends on. */
export function toLines(document: DAGStructure, tools: readonly Tool[], workflows: object): string[] {
  const plan = compileWorkflow(document, tools, { workflows: workflows as never })
  const order = plan.layerIndices.flat()
  return order.map(index => JSON.stringify(document.tasks[index] as DAGTask))
}

/** Text as bytes, split anywhere, in several turns of the event loop. */
export async function* splitBytes(text: string, random: RandomSource): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let from = 0; from < bytes.length; ) {
    const to = from + random.integer(1, 200)
    yield bytes.subarray(from, to)
    from = to
    for (let turn = random.integer(0, 2); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
  }
}

/** The number of lines that a log holds. */
export function countLines(kept: Kept, count: number): number {
  const state = createState('')
  for (const { type, json, seq } of kept.entries.slice(0, count)) {
    applyEvent(state, { type, data: JSON.parse(json) }, seq)
  }
  return state.planLine ?? 0
}
