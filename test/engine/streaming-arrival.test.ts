// Real time: what this file is about. Every event must reach its reader the moment it happens, not when a layer or the
// execution ends; so it is the times of arrival that are held against the times at which tools ended.
import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionOptions,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { follow } from '../log/log-rig.ts'

/** How long the slow tool runs, ms: far longer than any hiccup of the machine. */
const SLOW_MS = 250

const WORKFLOW: DAGStructure = {
  tasks: [
    { id: 'slow', tool: 'slow' },
    { id: 'fast', tool: 'fast' },
    { id: 'model', tool: 'model' },
    { id: 'broken', tool: 'broken' },
    { id: 'after', tool: 'fast', dependsOn: ['slow'] },
  ],
}

interface Arrivals {
  readonly at: Map<string, number>
  readonly note: (event: SSEEvent) => void
}

function noteArrivals(): Arrivals {
  const at = new Map<string, number>()
  return {
    at,
    note({ type, data }) {
      const { taskId } = data as { taskId?: string }
      const name = taskId === undefined ? type : `${type} ${taskId}`
      // The first of its kind: tokens of one turn are joined, so how many there are is up to the machine.
      if (!at.has(name)) at.set(name, performance.now())
    },
  }
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function makeExecutor(options: ExecutionOptions) {
  const endedAt = { slow: Number.NaN }
  const executor = new StreamingExecutor(
    {
      async slow() {
        await wait(SLOW_MS)
        endedAt.slow = performance.now()
      },
      fast: () => 1,
      broken() {
        throw new Error('no')
      },
      async model(_, context) {
        context.emitToken('Hel')
        await wait(10)
        context.emitToken('lo')
        await wait(2 * SLOW_MS)
      },
    },
    options,
  )
  return { executor, endedAt }
}

type Read = (executor: StreamingExecutor, arrivals: Arrivals) => Promise<unknown>

const READERS: readonly (readonly [string, Read])[] = [
  [
    'the iterator',
    async (executor, { note }) => {
      for await (const event of executor.stream(WORKFLOW)) note(event)
    },
  ],
  ['the sink', (executor, { note }) => executor.executeWithStreaming(WORKFLOW, new WritableStream({ write: note }))],
  [
    'the reader behind a TransformStream',
    async (executor, { note }) => {
      const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>()
      const run = executor.executeWithStreaming(WORKFLOW, writable)
      for await (const event of readable) note(event)
      await run
    },
  ],
  [
    'a subscriber',
    async (executor, { note }) => {
      const source = executor.stream(WORKFLOW).subscribe()
      const take = source.take.bind(source)
      // Notes entries as they are taken.
      await follow({
        get done() {
          return source.done
        },
        onReadable: callback => source.onReadable(callback),
        close: () => source.close(),
        take(maxBytes) {
          const noted = (entries: Awaited<ReturnType<typeof take>>): typeof entries => {
            for (const entry of entries) note(entry.toEvent())
            return entries
          }
          const entries = take(maxBytes)
          return entries instanceof Promise ? entries.then(noted) : noted(entries)
        },
      })
    },
  ],
]

const OPTIONS: readonly (readonly [string, () => ExecutionOptions])[] = [
  ['by layers', () => ({ schedule: 'layers' })],
  ['by data flow', () => ({ schedule: 'dataflow' })],
  ['on a store that answers later', () => ({ store: answerLater(createMemoryStore()) })],
]

for (const [reader, read] of READERS) {
  for (const [way, options] of OPTIONS) {
    test.concurrent(`${way}, ${reader} gets the events so far while a slow task still runs`, async () => {
      const { executor, endedAt } = makeExecutor(options())
      const arrivals = noteArrivals()
      await read(executor, arrivals)
      const { at } = arrivals
      const early = [
        'execution_start',
        'task_start slow',
        'task_start fast',
        'task_complete fast',
        'task_complete broken',
        'token model',
      ]
      const late = early.filter(event => !((at.get(event) as number) < endedAt.slow))
      expect(late).toEqual([])
      // And what the slow task's end brings about is not held back by the model, which runs twice as long.
      expect(at.get('task_complete slow')).toBeLessThan(at.get('task_complete model') as number)
      expect(at.get('task_complete slow')).toBeGreaterThanOrEqual(endedAt.slow)
    })
  }
}
