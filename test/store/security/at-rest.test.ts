import { createHandler } from 'dagstream/http'
import { httpTools } from 'dagstream/tools/http'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'
import { describe, expect, test, vi } from 'vitest'
import { startWorker } from '../../../src/worker/run-worker.ts'
import { createDatabase, execute, isPostgresMissing } from '../../support/postgres.ts'
import { afterTest, openHere } from '../postgres-rig.ts'

// What a reader of the database finds, by table, is what docs/machines.md says.

const WAIT = { timeout: 30_000, interval: 20 }

const tables = new Map<string, readonly string[]>()

/** The tables whose rows hold a text. */
async function findText(url: string, text: string): Promise<readonly string[]> {
  const listed = `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'dagstream' ORDER BY 1`
  const names = tables.get(url) ?? (await execute(url, listed)).map(({ name }) => String(name))
  tables.set(url, names)
  const look = (name: string): string =>
    `SELECT '${name}' AS name WHERE EXISTS (SELECT FROM dagstream.${name} AS t WHERE t::text LIKE $1)`
  return (await execute(url, names.map(look).join(' UNION ALL '), [`%${text}%`])).map(({ name }) => String(name))
}

interface Context {
  ask(question: object): Promise<unknown>
  emitToken(text: string): void
  log(level: string, message: string): void
}

describe.skipIf(isPostgresMissing)('in the database', () => {
  test('each text of an execution is in the documented tables alone', { timeout: 120_000 }, async () => {
    const url = await createDatabase()
    const [store, workerStore] = [await openHere(url), await openHere(url)]
    let go = (): void => {}
    const gate = new Promise<void>(resolve => (go = resolve))
    const work = async (_: unknown, context: Context): Promise<unknown> => {
      await context.ask({ message: 'question-mark', secret: true })
      context.emitToken('token-mark')
      await gate
      return 'output-mark'
    }
    const fail = (): never => {
      throw new Error('error-mark')
    }
    afterTest(async () => go())
    const worker = await startWorker({ store: workerStore, tools: { work: work as never, fail } })
    afterTest(() => worker.close(0))
    const handler = createHandler({ store, tools: {}, work: false, authorize: () => ({ owner: 'owner-mark' }) })
    afterTest(() => handler.close())
    const send = (method: string, path: string, body?: unknown): Promise<Response> =>
      handler.fetch(
        new Request(`http://localhost${path}`, {
          method,
          headers: { 'Content-Type': 'application/json', Prefer: 'respond-async', 'Idempotency-Key': 'key-mark' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        }),
      )
    const tasks = [
      { id: 'task-mark', tool: 'work', arguments: { a: 'argument-mark', b: '$INPUT.text' }, timeoutMs: 600_000 },
      { id: 'b', tool: 'fail', retry: { maxAttempts: 1 } },
    ]
    const created = await send('POST', '/executions', { workflow: { tasks }, input: { text: 'input-mark' } })
    const { executionId } = (await created.json()) as { executionId: string }
    const path = `/executions/${executionId}`
    await vi.waitFor(async () => expect(await findText(url, 'question-mark')).toContain('events'), WAIT)
    expect(await findText(url, 'question-mark')).toEqual(['events', 'orders'])
    expect((await send('POST', `${path}/inputs/task-mark.1`, { response: 'secret-mark' })).status).toBe(204)
    await vi.waitFor(async () => expect(await findText(url, 'token-mark')).toEqual(['events']), WAIT)
    await vi.waitFor(async () => expect(await findText(url, 'error-mark')).toEqual(['events']), WAIT)
    const during = async (text: string): Promise<readonly string[]> => [text, ...(await findText(url, text))]
    // The log says who has answered.
    expect(await during('owner-mark')).toEqual(['owner-mark', 'events', 'executions', 'orders'])
    expect(await during('key-mark')).toEqual(['key-mark', 'executions'])
    expect(await during('argument-mark')).toEqual(['argument-mark', 'orders', 'requests'])
    expect(await during('input-mark')).toEqual(['input-mark', 'orders', 'requests'])
    expect(await during('secret-mark')).toEqual(['secret-mark', 'secrets'])
    go()
    await vi.waitFor(
      async () => expect(((await (await send('GET', path)).json()) as { status: string }).status).toBe('partial'),
      WAIT,
    )
    expect(await during('output-mark')).toEqual(['output-mark', 'events'])
    for (const text of ['argument-mark', 'input-mark']) expect(await during(text)).toEqual([text, 'requests'])
    expect(await during('secret-mark')).toEqual(['secret-mark'])
    expect((await send('DELETE', path)).status).toBe(204)
    for (const text of ['owner', 'key', 'argument', 'input', 'question', 'token', 'error', 'output', 'secret']) {
      await vi.waitFor(async () => expect(await during(`${text}-mark`)).toEqual([`${text}-mark`]), WAIT)
    }
  })

  test('what workers know of their tools is in no table and at no server', { timeout: 120_000 }, async () => {
    const url = await createDatabase()
    const [store, workerStore] = [await openHere(url), await openHere(url)]
    const marks = ['key-of-model', 'header-of-model', 'secret.example', 'word-of-environment']
    vi.stubEnv('TOOL_SECRET', 'word-of-environment')
    afterTest(async () => void vi.unstubAllEnvs())
    const provider = new OpenRouterProvider({
      apiKey: 'key-of-model',
      baseURL: 'https://secret.example/v1',
      headers: { 'X-Key': 'header-of-model' },
      fetch: async () => new Response('{}', { status: 401 }),
    })
    const mine = { name: 'mine', description: 'Knows a word', execute: () => process.env['TOOL_SECRET']?.length }
    const tools = [createChatTool(provider), ...httpTools({ allowedHosts: ['secret.example'] }), mine]
    const worker = await startWorker({ store: workerStore, tools })
    afterTest(() => worker.close(0))
    const log: string[] = []
    const note = (message: string, fields?: object): void => void log.push(`${message} ${JSON.stringify(fields ?? {})}`)
    const handler = createHandler({ store, tools: {}, work: false, logger: { debug: note, warn: note } })
    afterTest(() => handler.close())
    const get = async (path: string): Promise<string> =>
      (await handler.fetch(new Request(`http://localhost${path}`))).text()
    const tasks = [
      { id: 'a', tool: 'llm:chat', arguments: { prompt: 'Hi' }, retry: { maxAttempts: 1 } },
      { id: 'b', tool: 'mine' },
    ]
    const created = await handler.fetch(
      new Request('http://localhost/executions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify({ workflow: { tasks } }),
      }),
    )
    const result = await created.text()
    expect(JSON.parse(result)).toMatchObject({ status: 'partial', successCount: 1, errorCount: 1 })
    const shown = [result, await get('/workers'), await get('/tools'), await get('/metrics'), ...log].join('\n')
    expect(shown).toContain('Knows a word')
    for (const mark of marks) expect([mark, shown.includes(mark), await findText(url, mark)]).toEqual([mark, false, []])
  })
})
