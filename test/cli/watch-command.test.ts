import { afterEach, expect, test, vi } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import { FakeProcess, run } from './fake-process.ts'
import { type FakeServer, messagesOf, SERVER, startFakeServer } from './remote-rig.ts'

afterEach(() => vi.unstubAllGlobals())

const short = {
  tasks: [
    { id: 'a', tool: 'echo' },
    { id: 'b', tool: 'wait', arguments: { ms: 150 }, dependsOn: ['a'] },
  ],
}

/** Starts a workflow that continues without followers. @returns its id */
async function start({ handler }: FakeServer, workflow: unknown = short): Promise<string> {
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
  const body = JSON.stringify(workflow)
  const response = await handler.fetch(new Request('http://localhost/executions', { method: 'POST', headers, body }))
  return response.headers.get('execution-id') as string
}

test('an execution is followed from its first event to its summary', async () => {
  const executionId = await start(startFakeServer())
  const { code, stdout, stderr } = await run(['watch', executionId, '--server', SERVER])
  expect([code, stdout, stderr.replaceAll(/\d+(\.\d+)?/g, '#')]).toEqual([
    0,
    '',
    '✔ a #ms\n✔ b #ms\nsuccess # tasks: # succeeded in #ms\n# layers · critical path #ms · speedup #×\n',
  ])
})

test('--json prints the result alone, and the exit code is the one of the execution', async () => {
  const executionId = await start(startFakeServer(), { tasks: [{ id: 'a', tool: 'fail' }] })
  const { code, stdout } = await run(['watch', executionId, '--server', SERVER, '--json'])
  expect([code, (JSON.parse(stdout) as ExecutionResult).errors.map(({ taskId }) => taskId)]).toEqual([1, ['a']])
})

test('Ctrl-C detaches, cancels nothing, and reports a command that gives the rest, each event once', async () => {
  const server = startFakeServer()
  const executionId = await start(server)
  const process = new FakeProcess('watch', executionId, '--server', SERVER, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('"taskId":"a"') && text.includes('event: task_complete')) process.interrupt()
  })
  expect(await runCli(process)).toBe(130)
  const [said, resume] = process.stderr.text.replace(/^✔ a .*\n/, '').split('\n  ')
  expect([said, resume]).toEqual([
    'Detached; nothing was cancelled. To continue from here:',
    `dagstream watch ${executionId} --server ${SERVER} --after ${executionId}.3\n`,
  ])
  expect(server.requests.filter(request => request.endsWith('/cancel'))).toEqual([])

  const rest = await run([...(resume as string).trim().split(' ').slice(1), '--sse'])
  const whole = await run(['watch', executionId, '--server', SERVER, '--sse'])
  expect([rest.code, messagesOf(process.stdout.text + rest.stdout)]).toEqual([0, messagesOf(whole.stdout)])
})

test('a reader of the events who leaves detaches quietly', async () => {
  const server = startFakeServer()
  const executionId = await start(server)
  const process = new FakeProcess('watch', executionId, '--server', SERVER, '--sse')
  process.stdout.failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  expect([await runCli(process), process.stderr.text]).toEqual([130, expect.not.stringContaining('Detached')])
  expect(server.requests.filter(request => request.endsWith('/cancel'))).toEqual([])
})

test('of an execution that has ended and has nothing left, the summary is reported', async () => {
  const executionId = await start(startFakeServer())
  const whole = await run(['watch', executionId, '--server', SERVER, '--sse'])
  const last = /^id: (.*)$/m.exec(messagesOf(whole.stdout).at(-1) ?? '')?.[1] ?? ''
  const { code, stdout, stderr } = await run(['watch', executionId, '--server', SERVER, '--after', last, '--sse'])
  expect([code, stdout, stderr.startsWith('success 2 tasks')]).toEqual([0, '', true])
})

test('after an event a terminal shows lines: a tree needs the events before', async () => {
  const executionId = await start(startFakeServer())
  await run(['watch', executionId, '--server', SERVER])
  const process = new FakeProcess('watch', executionId, '--server', SERVER, '--after', `${executionId}.3`)
  Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 })
  process.env['NO_COLOR'] = '1'
  expect([await runCli(process), process.stderr.text.split('\n')[0]]).toEqual([0, expect.stringMatching(/^✔ b \d+ms$/)])
})

test('a connection that is lost is reported, and the events continue without a gap', async () => {
  const server = startFakeServer({ heartbeatMs: 50 })
  const executionId = await start(server, { tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 1500 } }] })
  let isCut = false
  server.intercept = ({ url }) => {
    if (isCut || !url.endsWith('/events')) return undefined
    isCut = true
    const text = `id: ${executionId}.1\nevent: execution_start\ndata: {"executionId":"${executionId}","layers":[["a"]]}\n\n`
    const headers = { 'content-type': 'text/event-stream' }
    return new Response(text, { headers })
  }
  const { code, stdout, stderr } = await run(['watch', executionId, '--server', SERVER, '--sse'])
  expect([code, messagesOf(stdout).map(message => message.split('\n')[0])]).toEqual([
    0,
    [1, 2, 3, 4].map(seq => `id: ${executionId}.${seq}`),
  ])
  expect(stderr).toMatch(/^The stream ended before its last event; trying again in [\d.]+m?s\n/)
})

test('a connection that is given up is reported, with the command that tries again', async () => {
  const server = startFakeServer()
  server.intercept = () => new Response(null, { status: 503, headers: { 'retry-after': '600' } })
  const { code, stderr } = await run(['watch', 'x', '--server', SERVER, '--after', 'x.7'])
  expect([code, stderr.split('\n')]).toEqual([
    1,
    [
      'The execution may still run. To follow it again:',
      `  dagstream watch x --server ${SERVER} --after x.7`,
      'error The connection was lost: GET /executions/x/events was answered with 503',
      '',
    ],
  ])
})

test.each([
  [['watch', 'x'], "required option '--server <url>' not specified"],
  [['watch', '../x', '--server', SERVER], 'Expected the id of an execution'],
  [
    ['watch', 'x', '--server', SERVER, '--after', 'y.1'],
    'Expected --after to be the id of an event of x: `x.<number>`',
  ],
  [['watch', 'x', '--server', SERVER, '--after', '1'], 'Expected --after to be the id of an event of x'],
  [['watch', 'x', '--server', 'ftp://x'], 'Expected an http or https URL without credentials, query and fragment.'],
  [['watch', 'x', '--server', 'http://a:b@x'], 'Expected an http or https URL'],
  [['watch', 'x', '--server', SERVER, '--json', '--sse'], "option '--json' cannot be used with option '--sse'"],
  [['run', '-', '--server', SERVER, '--tools', 'x'], "option '--tools <module>' cannot be used with option '--server"],
  [['run', '-', '--token', 'x'], 'Expected --server with --token'],
])('%j is refused', async (argv, message) => {
  startFakeServer()
  const { code, stdout, stderr } = await run(argv, short)
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
})

test('an execution that is not there is reported', async () => {
  startFakeServer()
  const { code, stderr } = await run(['watch', 'x', '--server', SERVER])
  expect([code, stderr]).toEqual([
    1,
    'error GET /executions/x/events was answered with 404: Not found: There is no such execution\n',
  ])
})
