import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHandler, type Handler } from 'dagstream/http'
import { openSqliteStore } from 'dagstream/store/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { createMemoryStore, type ExecutionStore, StreamingExecutor } from '../../src/index.ts'

const STORES: readonly (readonly [string, () => Promise<ExecutionStore>])[] = [
  ['in memory', async () => createMemoryStore()],
  [
    'in a file',
    async () => {
      const store = await openSqliteStore(join(await mkdtemp(join(tmpdir(), 'dagstream-plan-')), 'store.db'))
      onTestFinished(() => store.close())
      return store
    },
  ],
]

const echo = { readOnly: true, execute: (args: Record<string, unknown>) => args }

/** What a server answers about an execution whose document was written or changed after its start. */
async function ask(handler: Handler, path: string): Promise<Record<string, unknown>> {
  const response = await handler.fetch(new Request(`http://localhost/executions/${path}`))
  return { httpStatus: response.status, ...((await response.json()) as object) }
}

async function readAll(store: ExecutionStore, executionId: string, taskId: string): Promise<unknown[]> {
  const handler = createHandler({ store, tools: { echo, hold: echo } })
  const { result, httpStatus } = await ask(handler, executionId)
  const { tasks: graph } = await ask(handler, `${executionId}/graph`)
  const { workflow } = await ask(handler, `${executionId}/request`)
  const { arguments: args } = await ask(handler, `${executionId}/tasks/${taskId}`)
  await handler.close()
  const { results } = result as { readonly results: readonly { readonly taskId: string }[] }
  const ids = (list: unknown, key: string): unknown[] => (list as Record<string, unknown>[]).map(each => each[key])
  const { tasks } = workflow as { readonly tasks: readonly unknown[] }
  return [httpStatus, ids(results, 'taskId'), ids(graph, 'taskId'), ids(tasks, 'id'), args]
}

test.each(STORES)('a streamed plan %s is shown whole once it has ended', async (_, open) => {
  const store = await open()
  const lines = [
    '{"id":"a","tool":"echo","arguments":{"n":1}}',
    '{"id":"b","tool":"echo","arguments":{"x":"$OUTPUT[a]"}}',
  ]
  const execution = await new StreamingExecutor({ echo }, { store }).streamPlan([
    `${lines.join('\n')}\n{"seal":true}\n`,
  ])
  await execution.result
  const ids = ['a', 'b']
  expect(await readAll(store, execution.executionId, 'b')).toEqual([200, ids, ids, ids, { x: { n: 1 } }])
})

test.each(STORES)('a patched document %s is shown as it has become', async (_, open) => {
  const store = await open()
  let release = (): void => {}
  const held = new Promise<number>(resolve => (release = () => resolve(5)))
  const document = {
    tasks: [
      { id: 'a', tool: 'hold' },
      { id: 'b', tool: 'echo', dependsOn: ['a'] },
    ],
  }
  const execution = new StreamingExecutor({ echo, hold: () => held }, { store }).stream(document)
  await execution.patch({ remove: ['b'], add: [{ id: 'c', tool: 'echo', arguments: { k: '$OUTPUT[a]' } }] })
  release()
  await execution.result
  const ids = ['a', 'c']
  expect(await readAll(store, execution.executionId, 'c')).toEqual([200, ids, ids, ids, { k: 5 }])
})
