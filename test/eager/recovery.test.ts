import { createHandler } from 'dagstream/http'
import { expect, onTestFinished, test } from 'vitest'
import { createMemoryStore, type ExecutionStore, StreamingExecutor, type Tool } from '../../src/index.ts'
import { collectNames } from '../../src/workflow/tool-names.ts'
import { leaveAfter, outlive, readKept } from '../support/crash.ts'

/** A provider that starts the tools that a document names, and no others. */
function createProvider(names: readonly string[]): {
  toolsFor: (workflow: unknown) => Promise<Tool[]>
  tools: () => Promise<Tool[]>
  asked: string[][]
} {
  const create = (name: string): Tool => ({ name, readOnly: true, execute: args => ({ name, args }) })
  const asked: string[][] = []
  return {
    asked,
    toolsFor: async workflow => {
      const named = [...collectNames(workflow).tools].sort()
      asked.push(named)
      return named.filter(name => names.includes(name)).map(create)
    },
    tools: async () => (asked.push(['all']), names.map(create)),
  }
}

const NAMES = ['find', 'sum', 'tell']
const LINES = [
  { id: 'a', tool: 'find' },
  { id: 'b', tool: 'sum', arguments: { a: '$OUTPUT[a]' } },
  { id: 'w', workflow: 'report', arguments: { b: '$OUTPUT[b]' } },
]
const workflows = { report: { tasks: [{ id: 'x', tool: 'tell', arguments: { b: '$INPUT.b' } }], output: '$OUTPUT[x]' } }

/** What a process leaves of a plan, with so many entries in its log. */
async function leave(find: (types: readonly string[]) => number): Promise<{ left: ExecutionStore; id: string }> {
  const store = createMemoryStore()
  const tools = await createProvider(NAMES).tools()
  const execution = await new StreamingExecutor(tools, { store, workflows }).streamPlan(LINES)
  await execution.result
  const kept = await readKept(store, execution.executionId)
  const left = await leaveAfter(kept, find(kept.entries.map(({ type }) => type)))
  return { left: await outlive(left, execution.executionId), id: execution.executionId }
}

test('a server that recovers a plan asks a provider for the tools of the tasks that joined it', async () => {
  const { left, id } = await leave(types => types.indexOf('plan_sealed') + 1)
  const provider = createProvider(NAMES)
  const handler = createHandler({ store: left, tools: provider })
  onTestFinished(() => handler.close())
  const ended = await handler.fetch(new Request(`http://localhost/executions/${id}/events`))
  await ended.text()
  const { status, result } = (await (await handler.fetch(new Request(`http://localhost/executions/${id}`))).json()) as {
    status: string
    result: { results: { taskId: string; status: string }[] }
  }
  expect(provider.asked).toEqual([NAMES])
  expect([status, result.results.map(each => each.status)]).toEqual(['success', ['success', 'success', 'success']])
})

test('a plan that is still being written may name any tool after a recovery', async () => {
  const { left, id } = await leave(types => types.indexOf('tasks_added') + 1)
  const provider = createProvider(NAMES)
  const handler = createHandler({ store: left, tools: provider })
  onTestFinished(() => handler.close())
  const cancelled = await handler.fetch(new Request(`http://localhost/executions/${id}/cancel`, { method: 'POST' }))
  expect([cancelled.status, provider.asked.at(-1)]).toEqual([202, ['all']])
})
