import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionStore,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'

/** One of everything that a task may do. */
export const WORKFLOW: DAGStructure = {
  name: 'everything',
  tasks: [
    { id: 'a', tool: 'echo', arguments: { give: { n: [1] } } },
    { id: 'b', tool: 'echo', arguments: { give: '$OUTPUT[a].n' } },
    { id: 'bad', tool: 'fail', dependsOn: ['a'] },
    { id: 'skipped', tool: 'echo', dependsOn: ['bad'] },
    { id: 'model', tool: 'model', arguments: { prompt: '${OUTPUT[b][0]} tokens' } },
  ],
}

const TOOLS: Record<string, Omit<Tool, 'name'>> = {
  echo: { execute: ({ give = null }) => give },
  fail: {
    execute() {
      throw new Error('no')
    },
  },
  model: {
    async execute({ prompt }, context) {
      for (const text of ['Hel', 'lo']) {
        context.emitToken(text)
        await idle()
      }
      context.reportProgress({ progress: 1, total: 1 })
      context.reportUsage({ totalTokensIn: 3, totalTokensOut: 2 })
      context.log('info', String(prompt))
      return 'Hello'
    },
  },
}

/** Runs it, as execution `x`. */
export function makeExecutor(store?: ExecutionStore, clock = new FakeClock()): StreamingExecutor {
  return new StreamingExecutor(TOOLS, { clock, createId: () => 'x', ...(store && { store }) })
}

/** Fails from the `count`th append on, at once or later. */
export function failing(count: number, error: unknown, isLater: boolean): ExecutionStore {
  const inner = createMemoryStore()
  const store = isLater ? answerLater(inner) : inner
  let appends = 0
  return {
    ...store,
    append(lease, first, entries) {
      appends += 1
      if (appends < count) return store.append(lease, first, entries)
      if (!isLater) throw error
      return idle().then(() => Promise.reject(error))
    },
  }
}
