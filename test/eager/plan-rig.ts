import {
  applyEvent,
  compileWorkflow,
  createState,
  type DAGStructure,
  type DAGTask,
  type Tool,
} from '../../src/index.ts'
import type { Kept } from '../support/crash.ts'
import type { RandomSource } from '../language/random-source.ts'

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
