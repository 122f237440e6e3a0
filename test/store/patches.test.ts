import { createHandler } from 'dagstream/http'
import { openPostgresStore } from 'dagstream/store/postgres'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

test.skipIf(isPostgresMissing)(
  'a patch reaches the coordinator through PostgreSQL, and its answer comes back',
  async () => {
    const url = await createDatabase()
    let release = (): void => {}
    const held = new Promise<number>(resolve => (release = () => resolve(7)))
    const tools = { hold: () => held, echo: (args: Record<string, unknown>) => args }
    const servers = await Promise.all(
      [0, 1].map(async () => {
        const store = await openPostgresStore(url)
        const handler = createHandler({ store, tools })
        await handler.started
        onTestFinished(async () => {
          await handler.close()
          await store.close()
        })
        return (path: string, body?: unknown, accept = 'application/json'): Promise<Response> =>
          handler.fetch(
            new Request(`http://localhost/executions${path}`, {
              headers: { ...JSON_TYPE, accept },
              ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
            }),
          )
      }),
    )
    const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]]
    const workflow = {
      tasks: [
        { id: 'a', tool: 'hold' },
        { id: 'b', tool: 'echo', dependsOn: ['a'] },
      ],
    }
    const started = await first('', { workflow, options: { onDisconnect: 'continue' } }, 'text/event-stream')
    const id = started.headers.get('execution-id') as string
    const reader = (started.body as ReadableStream<Uint8Array>).getReader()
    let seen = ''
    while (!seen.includes('event: task_start')) seen += new TextDecoder().decode((await reader.read()).value)
    const patched = await second(`/${id}/plan`, {
      replace: [{ id: 'b', tool: 'echo', arguments: { a: '$OUTPUT[a]' } }],
      add: [{ id: 'c', tool: 'echo', dependsOn: ['b'] }],
    })
    expect([patched.status, await patched.json()]).toEqual([200, { totalTasks: 3 }])
    const refused = await second(`/${id}/plan`, { remove: ['a'] })
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'PLAN_CONFLICT', taskIds: ['a'] }])
    release()
    while (!seen.includes('event: execution_complete')) seen += new TextDecoder().decode((await reader.read()).value)
    const shown = (await (await second(`/${id}`)).json()) as { result: { results: readonly unknown[] } }
    expect(shown.result.results).toMatchObject([
      { taskId: 'a', output: 7 },
      { taskId: 'b', output: { a: 7 } },
      { taskId: 'c', status: 'success' },
    ])
  },
)
