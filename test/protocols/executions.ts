import type { DAGStructure, SSEEvent } from '../../src/index.ts'
import { rig } from '../support/rig.ts'

/** Its answer is the only task of the last layer. */
export const SEARCH_AND_ANSWER: DAGStructure = {
  name: 'chat',
  tasks: [
    { id: 'search', tool: 'search' },
    { id: 'notes', tool: 'note' },
    { id: 'answer', tool: 'model', dependsOn: ['search', 'notes'], retry: { maxAttempts: 2, initialDelayMs: 0 } },
  ],
}

/** A run in which everything happens that has a part: progress, a failure, tokens of two tasks, a retry. */
export async function runAll(): Promise<readonly SSEEvent[]> {
  const { tool, execution, events, clock } = rig(
    { ...SEARCH_AND_ANSWER, tasks: SEARCH_AND_ANSWER.tasks.map(task => ({ ...task, optional: task.id === 'notes' })) },
    {},
  )
  const [search, notes] = await tool.nextCalls('search', 'notes')
  search.context.reportProgress({ progress: 1, total: 2, message: 'half' })
  search.context.emitToken('seen')
  search.succeed({ hits: ['a', 'b'] })
  notes.fail(new Error('no notes'))
  const first = await tool.nextCall('answer')
  first.context.emitToken('void')
  await tool.idle()
  first.fail(new Error('again'))
  await tool.idle()
  await clock.run(0)
  const second = await tool.nextCall('answer')
  second.context.emitToken('Hello')
  await tool.idle()
  second.context.emitToken(' world')
  second.context.reportUsage({ totalTokensIn: 3, totalTokensOut: 2 })
  second.succeed({ text: 'Hello world' })
  await execution.result
  return events
}
