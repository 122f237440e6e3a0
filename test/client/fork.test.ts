import { expect, test } from 'vitest'
import { createClient } from 'dagstream/client'
import { createHandler } from 'dagstream/http'

const WORKFLOW = {
  tasks: [
    { id: 'a', tool: 'echo', arguments: { of: '$INPUT' } },
    { id: 'b', tool: 'echo', arguments: { of: '$OUTPUT[a].of' } },
  ],
}

test('a client forks an execution, with tasks that run again, another input and another workflow', async () => {
  const called: string[] = []
  const echo = (args: unknown, { taskId }: { readonly taskId: string }): unknown => {
    called.push(taskId)
    return args
  }
  const handler = createHandler({ tools: { echo } })
  const client = createClient({ url: 'http://server.test', fetch: handler.fetch })
  const old = client.stream(WORKFLOW, { input: 1 })
  await old.result
  const id = await old.executionId
  const forks = [
    [{}, [], { status: 'success' }],
    [{ from: ['b'] }, ['b'], { status: 'success' }],
    [{ input: 2 }, ['a', 'b'], { results: [{ output: { of: 2 } }, { output: { of: 2 } }] }],
    [{ workflow: { tasks: [...WORKFLOW.tasks, { id: 'c', tool: 'echo' }] } }, ['c'], { status: 'success' }],
  ] as const
  for (const [options, calls, result] of forks) {
    called.length = 0
    const fork = client.fork(id, options)
    expect(await fork.result).toMatchObject(result)
    expect(called).toEqual(calls)
    expect(await fork.executionId).not.toBe(id)
  }
  await handler.close()
})

test('a fork that cannot be is refused: by the client for its options, by the server for its tasks', async () => {
  const handler = createHandler({ tools: { echo: () => 1 } })
  const client = createClient({ url: 'http://server.test', fetch: handler.fetch })
  const old = client.stream(WORKFLOW, { input: 1 })
  await old.result
  const id = await old.executionId
  for (const options of [{ from: 'b' }, { workflow: 'name' }, { at: 'b' }]) {
    expect(() => client.fork(id, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
  await expect(client.fork(id, { from: ['bb'] }).result).rejects.toMatchObject({
    code: 'HTTP_ERROR',
    details: { status: 422, code: 'UNKNOWN_TASK' },
  })
  await handler.close()
})
