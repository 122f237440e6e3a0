// Outputs that are too large to be told inline, and one that is too large for anything.
import { describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  type ExecutionStore,
  type SSEEvent,
  type StoredEntry,
  StreamingExecutor,
  type ToolContext,
} from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { endings } from '../support/outline.ts'
import { readAll } from './iterator-rig.ts'

const TEXT = 'ü'.repeat(40_000)
const LARGE = { text: TEXT }

/** 24 MiB of text: more than the log keeps of it. */
async function flood(_: unknown, { log }: ToolContext): Promise<void> {
  for (let i = 0; i < 24 * 128; i++) {
    log('info', 'x'.repeat(8192))
    if (i % 200 === 0) await idle()
  }
}

const TOOLS = { large: () => LARGE, text: () => TEXT, small: () => 'small', flood }
const WORKFLOW = {
  tasks: [
    { id: 'large', tool: 'large' },
    { id: 'text', tool: 'text', dependsOn: ['large'] },
    { id: 'small', tool: 'small', dependsOn: ['text'] },
    { id: 'flood', tool: 'flood', dependsOn: ['small'] },
  ],
}

/** Keeps of an entry what it must, and tells in which order it was given outputs and entries. */
function plainStore(): { readonly store: ExecutionStore; readonly entries: StoredEntry[]; readonly given: string[] } {
  const entries: StoredEntry[] = []
  const given: string[] = []
  const inner = createMemoryStore()
  const store: ExecutionStore = {
    ...inner,
    putOutput(lease, taskId, json) {
      given.push(`output of ${taskId}`)
      return inner.putOutput(lease, taskId, json)
    },
    append(_, __, batch) {
      for (const { seq, type, json } of batch) {
        entries.push({ seq, type, json })
        if (type === 'task_complete') given.push(`entry of ${(JSON.parse(json) as { taskId: string }).taskId}`)
      }
    },
    read: (_, afterSeq, limit) => entries.slice(afterSeq, afterSeq + limit),
  }
  return { store, entries, given }
}

function outputs(events: readonly SSEEvent[]): unknown[] {
  return events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.output] : []))
}

describe.each([
  ['at once', (store: ExecutionStore) => store],
  ['later', (store: ExecutionStore) => answerLater(store)],
] as const)('on a store that answers %s', (_, wrap) => {
  test('a large output is kept beside the log before its entry, and its entry refers to it', async () => {
    const { store, entries, given } = plainStore()
    const executor = new StreamingExecutor(TOOLS, { store: wrap(store), createId: () => 'x' })
    await executor.execute({ tasks: WORKFLOW.tasks.slice(0, 3) })
    expect(given).toEqual(['output of large', 'entry of large', 'output of text', 'entry of text', 'entry of small'])
    const kept = [await store.getOutput('x', 'large'), await store.getOutput('x', 'text')]
    expect(kept).toEqual([JSON.stringify(LARGE), JSON.stringify(TEXT)])
    const told = entries.flatMap(({ type, json }) =>
      type === 'task_complete' ? [JSON.parse(json) as Record<string, unknown>] : [],
    )
    expect(told.map(({ output, outputBytes, outputPath }) => [output, outputBytes, outputPath])).toEqual([
      [undefined, 80_011, '/executions/x/tasks/large/output'],
      [undefined, 80_002, '/executions/x/tasks/text/output'],
      ['small', undefined, undefined],
    ])
  })

  test('an iterator that begins where only the store still has the events gets outputs as values, small and large', async () => {
    const { store } = plainStore()
    const executor = new StreamingExecutor(TOOLS, { store: wrap(store), createId: () => 'x' })
    const execution = executor.stream(WORKFLOW)
    await execution.result
    const events = await readAll(execution)
    expect([events[0]?.id, outputs(events)]).toEqual(['x.1', [LARGE, TEXT, 'small', null]])
    const large = events.find(({ type }) => type === 'task_complete')?.data
    expect(Object.keys(large ?? {}).filter(key => key.startsWith('output'))).toEqual(['output'])
  })

  test('that cannot keep a large output the execution is lost', async () => {
    const { store, entries } = plainStore()
    const broken: ExecutionStore = {
      ...store,
      putOutput() {
        throw new Error('disk full')
      },
    }
    const executor = new StreamingExecutor(TOOLS, { store: wrap(broken), createId: () => 'x' })
    const execution = executor.stream(WORKFLOW)
    const read = readAll(execution)
    await expect(execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const last = (await read).at(-1)
    expect([last?.type, entries.some(({ type }) => type === 'task_complete')]).toEqual(['error', false])
  })
})

test('95 million control characters, whose JSON no string can hold, fail their task and hang nothing', async () => {
  const vast = '\u0001'.repeat(95_000_000)
  const tools = { sync: () => vast, later: async () => vast, fine: () => 1 }
  const clock = new FakeClock()
  const result = await new StreamingExecutor(tools, { clock }).execute({
    tasks: [
      { id: 'a', tool: 'sync', retry: { maxAttempts: 3 } },
      { id: 'b', tool: 'later', retry: { maxAttempts: 3 } },
      { id: 'c', tool: 'fine' },
    ],
  })
  expect(endings(result)).toEqual(['a error OUTPUT_TOO_LARGE', 'b error OUTPUT_TOO_LARGE', 'c success'])
  expect([result.results[0]?.attempts, clock.timerCount]).toEqual([1, 0])
})
