import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryStore } from '../../src/index.ts'
import { type FakeServer, runRemotely, SERVER, startFakeServer } from './remote-rig.ts'
import { leaveUnfinished, makeFolder, openHere, parseLines, type Ran, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const WORKFLOW = {
  tasks: [
    { id: 'a', tool: 'echo', arguments: { text: '$INPUT' } },
    { id: 'b/é', tool: 'echo', arguments: { text: 'x'.repeat(100_000) }, dependsOn: ['a'] },
  ],
}

const on = (argv: string): Promise<Ran> => runIn(makeFolder(), `executions ${argv} --server ${SERVER}`)

async function runThere(): Promise<string> {
  const { stdout } = await runRemotely(WORKFLOW, '--input', '"Ada"', '--json')
  return (JSON.parse(stdout.text) as { executionId: string }).executionId
}

/** A server that runs what `wait` waits for. @returns the id of its execution */
async function startWaiting(server: FakeServer): Promise<string> {
  const tasks = [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }]
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
  const url = 'http://server.test/executions'
  const response = await server.handler.fetch(
    new Request(url, { method: 'POST', headers, body: JSON.stringify({ tasks }) }),
  )
  return ((await response.json()) as { executionId: string }).executionId
}

test('list, show and export report the executions of a server', async () => {
  const store = createMemoryStore()
  startFakeServer({ store })
  const id = await runThere()
  const listed = await on('list')
  expect(listed.stdout).toMatch(new RegExp(`^id +status +age +tasks +time\n${id} +success +\\d+s +2/2 +\\S+\n$`))
  expect(JSON.parse((await on('list --json')).stdout)).toEqual([
    {
      executionId: id,
      status: 'success',
      createdAt: expect.stringMatching(/Z$/),
      totalTasks: 2,
      successCount: 2,
      errorCount: 0,
      skippedCount: 0,
      cancelledCount: 0,
      startedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
      executionTimeMs: expect.any(Number),
    },
  ])
  for (const [flags, count] of [
    ['--status success --since 2000-01-01', 1],
    ['--status error', 0],
    ['--name other', 0],
    ['--since 9000-01-01T00:00:00Z', 0],
  ] as const) {
    expect([flags, (JSON.parse((await on(`list --json ${flags}`)).stdout) as unknown[]).length]).toEqual([flags, count])
  }

  const shown = await on(`show ${id}`)
  expect(shown.stdout).toMatch(/^workflow · layers · 2\/2 tasks · .*\nlayer 1 · 1\/1\n {2}✔ a /)
  expect(shown.stdout).toContain('\nsuccess 2 tasks: 2 succeeded in ')
  expect(JSON.parse((await on(`show ${id} --json`)).stdout)).toMatchObject({
    executionId: id,
    status: 'success',
    result: { results: [{ output: { text: 'Ada' } }, { output: { text: 'x'.repeat(100_000) } }] },
  })

  const [record, ...events] = parseLines((await on(`export ${id}`)).stdout)
  expect(record).toMatchObject({
    executionId: id,
    status: 'success',
    workflow: { tasks: [{ id: 'a' }, { id: 'b/é' }] },
  })
  const entries = await store.read(id, 0, 100)
  expect(events.map(event => event['id'])).toEqual(entries.map(({ seq }) => `${id}.${seq}`))
  for (const [at, { type, json }] of entries.entries()) {
    const data = JSON.parse(json) as Record<string, unknown>
    if (data['outputPath'] === undefined) expect(events[at]).toEqual({ id: `${id}.${at + 1}`, type, data })
    else expect(events[at]).toMatchObject({ type, data: { output: { text: 'x'.repeat(100_000) } } })
  }
})

test('show and export report the events so far of a running execution', async () => {
  const server = startFakeServer()
  const id = await startWaiting(server)
  await expect.poll(async () => (await on(`show ${id}`)).stdout).toMatch(/^workflow.*\n.*\n {2}● a .*\nrunning\n$/)
  const lines = parseLines((await on(`export ${id}`)).stdout)
  expect(lines.map(line => line['type'])).toEqual([undefined, 'execution_start', 'task_start'])
  expect(lines[0]).toMatchObject({ executionId: id, status: 'running', workflow: { tasks: [{ id: 'a' }] } })

  const refused = await on(`delete ${id}`)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('409')])
  const cancelled = await on(`cancel ${id}`)
  expect(cancelled).toEqual({ code: 0, stdout: '', stderr: `Execution ${id} is being cancelled\n` })
  await expect.poll(async () => JSON.parse((await on('list --json')).stdout)).toMatchObject([{ status: 'cancelled' }])
  expect(await on(`delete ${id}`)).toEqual({ code: 0, stdout: '', stderr: `Execution ${id} is deleted\n` })
  expect(await on('list')).toEqual({ code: 0, stdout: '', stderr: 'No executions\n' })
})

test('a long list is asked for page by page', async () => {
  const server = startFakeServer()
  await runThere()
  const { executionId, createdAt } = JSON.parse((await on('list --json')).stdout)[0]
  const asked: string[] = []
  server.intercept = ({ url }) => {
    const query = new URL(url).searchParams.get('after')
    asked.push(query ?? '')
    const number = Number(query ?? 0)
    const executions = [{ executionId: `${executionId}-${number}`, status: 'success', createdAt }]
    return Response.json({ executions, ...(number < 2 && { next: `${number + 1}` }) })
  }
  const { stdout } = await on('list --json --limit 2')
  const ids = (JSON.parse(stdout) as { executionId: string }[]).map(each => each.executionId)
  expect([asked, ids]).toEqual([
    ['', '1', '2'],
    [`${executionId}-2`, `${executionId}-1`],
  ])
})

test('resume makes the server continue the execution, and follows it', async () => {
  const cwd = makeFolder()
  const parked = { code: 'CRASH_LIMIT', message: '3 processes in a row ended' }
  const workflow = { tasks: [{ id: 'a', tool: 'echo' }] }
  const id = await leaveUnfinished(join(cwd, 'runs.db'), workflow, { echo: () => null }, 2, { ...parked, tasks: [] })
  const { handler } = startFakeServer({ store: await openHere(join(cwd, 'runs.db')) })
  const shown = await on(`show ${id}`)
  expect(shown.stdout).toMatch(/\nparked: CRASH_LIMIT: 3 processes in a row ended\n$/)
  expect((await on(`export ${id}`)).stdout.trimEnd().split('\n')).toHaveLength(4)
  const { code, stdout, stderr } = await on(`resume ${id} --json`)
  expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ executionId: id, status: 'success' })])
  expect(stderr).toContain('INTERRUPTED')
  const again = await on(`resume ${id}`)
  expect([again.code, again.stdout, again.stderr]).toEqual([1, '', expect.stringContaining('The execution has ended')])
  await handler.close()
})

test.each(['show', 'cancel', 'delete', 'resume', 'export'])(
  '%s of an execution that a server does not have fails',
  async name => {
    startFakeServer()
    const { code, stdout, stderr } = await on(`${name} nobody`)
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      expect.stringContaining('404: Not found: There is no such execution'),
    ])
  },
)

test('a missing token, another kind of server and an unreachable one are reported', async () => {
  const server = startFakeServer({ token: 'secret' })
  const refused = await on('list')
  expect([refused.code, refused.stderr.endsWith('Give --token, or set DAGSTREAM_TOKEN\n')]).toEqual([1, true])
  expect((await on('list --token secret')).code).toBe(0)
  server.intercept = () => Response.json({ executions: [{ a: 1 }] })
  expect((await on('list')).stderr).toContain('is there a dagstream server at --server?')
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })))
  expect((await on('list')).stderr).toMatch(/^error Cannot reach a server at http:\/\/server\.test\/base: /)
})

test('an export that is cut short fails', async () => {
  const server = startFakeServer()
  const id = await runThere()
  let count = 0
  server.intercept = ({ url }) => {
    if (!url.endsWith('/events')) return undefined
    count += 1
    const headers = { 'content-type': 'text/event-stream' }
    return count === 1 ? undefined : new Response(`id: ${id}.1\nevent: execution_start\ndata: {}\n\n`, { headers })
  }
  const { code, stderr } = await on(`export ${id}`)
  expect([code, stderr]).toEqual([1, `error The events of execution ${id} were truncated\n`])
})
