import { afterEach, expect, test, vi } from 'vitest'
import { TOOLS_HINT } from '../../src/cli/render/issue-lines.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import { run } from './fake-process.ts'
import { messagesOf, processFor, runRemotely, SERVER, startFakeServer } from './remote-rig.ts'

afterEach(() => vi.unstubAllGlobals())

const two = {
  tasks: [
    { id: 'a', tool: 'echo', arguments: { n: 1 } },
    { id: 'b', tool: 'text:join', arguments: { parts: ['b', '$OUTPUT[a].n', '$INPUT'] } },
  ],
}

const waiting = { tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }] }

test('a workflow runs on a server as it runs here: same outputs, same lines, same exit code', async () => {
  startFakeServer()
  const strip = (text: string): string => text.replaceAll(/\d+(\.\d+)?/g, '#')
  const here = await run(['run', '-', '--input', '"x"'], two)
  const there = await runRemotely(two, '--input', '"x"')
  expect([there.code, there.stdout.text, strip(there.stderr.text)]).toEqual([
    here.code,
    here.stdout,
    strip(here.stderr),
  ])

  const failing = { tasks: [{ id: 'a', tool: 'fail' }] }
  expect((await runRemotely(failing)).code).toBe(1)
})

test('--json prints the result with outputs that are too large for events', async () => {
  startFakeServer()
  const value = 'x'.repeat(100_000)
  const { code, stdout } = await runRemotely({ tasks: [{ id: 'a', tool: 'echo', arguments: { value } }] }, '--json')
  expect([code, (JSON.parse(stdout.text) as ExecutionResult).results[0]?.output]).toEqual([0, { value }])
})

test('--sse prints the messages as they are on the wire', async () => {
  const { handler } = startFakeServer()
  const { code, stdout } = await runRemotely(two, '--sse', '--input', '"ü"')
  const executionId = /^id: ([\w-]+)\.1\n/.exec(stdout.text)?.[1] ?? ''
  const response = await handler.fetch(
    new Request(`http://localhost/executions/${executionId}/events?after=${executionId}.0`),
  )
  expect([code, messagesOf(stdout.text)]).toEqual([0, messagesOf(await response.text())])
})

test('the flags reach the server', async () => {
  startFakeServer()
  const timedOut = await runRemotely(waiting, '--timeout', '20', '--json')
  expect([timedOut.code, (JSON.parse(timedOut.stdout.text) as ExecutionResult).reason?.code]).toEqual([
    1,
    'EXECUTION_TIMEOUT',
  ])
  const failing = { tasks: [{ id: 'x', tool: 'fail' }, ...waiting.tasks] }
  const failed = await runRemotely(failing, '--fail-fast', '--json')
  expect(JSON.parse(failed.stdout.text)).toMatchObject({ errorCount: 1, cancelledCount: 1 })
  const { stdout } = await runRemotely(two, '--schedule', 'dataflow', '--sse', '--input', '1')
  expect(stdout.text).toContain('"schedule":"dataflow"')

  const asked = await runRemotely(two, '--concurrency', '65')
  expect([asked.code, asked.stdout.text, asked.stderr.text]).toEqual([
    2,
    '',
    'error POST /executions was answered with 400: Bad request: Expected `options.maxConcurrency` to be an integer from 1 to 64, the bound of the server, got `65` (number)\n',
  ])
})

test.each([['tasks'], ['input']])(
  'a body above the limit of the server is refused before it is sent: %s',
  async place => {
    const server = startFakeServer()
    const body = (padding: string): [unknown, ...string[]] => {
      if (place === 'tasks') return [{ tasks: [{ id: 'a', tool: 'echo', arguments: { padding } }] }]
      return [{ tasks: [{ id: 'a', tool: 'echo' }] }, '--input', JSON.stringify(padding)]
    }
    const large = await runRemotely(...body('é'.repeat(600_000)))
    expect([large.code, large.stdout.text, server.requests]).toEqual([2, '', []])
    expect(large.stderr.text).toMatch(
      /^error The request has 1,200,\d{3} bytes, and a server takes at most 1,048,576\. Let tasks read large data themselves, or run without --server\n$/,
    )
    expect((await runRemotely(...body('é'.repeat(500_000)))).code).toBe(0)
  },
)

test('an invalid workflow is reported as in a local run, without where tools come from', async () => {
  startFakeServer()
  const broken = { tasks: Array.from({ length: 150 }, (_, index) => ({ id: `t${index}`, tool: 'none' })) }
  const here = await run(['run', '-'], broken)
  const there = await runRemotely(broken)
  const told = `${there.stderr.text}${TOOLS_HINT}\n`
  expect([there.code, there.stdout.text, told]).toEqual([here.code, here.stdout, here.stderr])
})

test('control characters from a server do not reach the terminal', async () => {
  const server = startFakeServer()
  const issues = [{ code: '\u001b[2J', pointer: '/\u001b', message: 'm\u001b', hint: 'h\u001b' }, { code: 1 }]
  server.intercept = () =>
    Response.json(
      { title: 't', issues, issueCount: 2 },
      { status: 422, headers: { 'content-type': 'application/problem+json' } },
    )
  const { code, stderr } = await runRemotely(two, '--input', '1')
  expect([code, stderr.text]).toEqual([
    2,
    '\\u001b[2J /\\u001b: m\\u001b (h\\u001b) (line 1, column 1)\n2 issues in all; the first 1 are shown\n',
  ])
})

test('Ctrl-C cancels on the server and waits for the end', async () => {
  const { requests } = startFakeServer()
  const process = processFor(waiting, 'run', '-', '--server', SERVER, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) setImmediate(() => process.interrupt())
  })
  expect(await runCli(process)).toBe(130)
  expect(process.stderr.text).toContain('Cancelling; press Ctrl-C again to exit at once\n')
  expect(process.stderr.text).toContain('CANCELLED: Cancelled by request\n')
  expect([messagesOf(process.stdout.text).at(-1)?.includes('execution_complete'), process.interrupt()]).toEqual([
    true,
    0,
  ])
  expect(requests.filter(request => request.endsWith('/cancel'))).toHaveLength(1)
})

test('a cancellation that the server refuses is reported, and the end is still waited for', async () => {
  const server = startFakeServer()
  server.intercept = ({ url }) => (url.endsWith('/cancel') ? new Response(null, { status: 409 }) : undefined)
  const short = { tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 100 } }] }
  const process = processFor(short, 'run', '-', '--server', SERVER, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) setImmediate(() => process.interrupt())
  })
  expect(await runCli(process)).toBe(0)
  expect(process.stderr.text).toMatch(/^Cannot cancel: POST \/executions\/[\w-]+\/cancel was answered with 409$/m)
})

test('a reader of the events who leaves cancels on the server, once', async () => {
  const { requests } = startFakeServer()
  const process = processFor(waiting, 'run', '-', '--server', SERVER, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) {
      process.stdout.failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    }
  })
  expect([await runCli(process), process.stderr.text.includes('EPIPE')]).toEqual([130, false])
  expect(requests.filter(request => request.endsWith('/cancel'))).toHaveLength(1)
})

test('a server that cannot be reached is reported at once', async () => {
  let count = 0
  vi.stubGlobal('fetch', () => {
    count += 1
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' })
    return Promise.reject(new TypeError('fetch failed', { cause }))
  })
  const { code, stdout, stderr } = await runRemotely(two)
  expect([count, code, stdout.text, stderr.text]).toEqual([
    1,
    1,
    '',
    `error Cannot reach a server at ${SERVER}: connect ECONNREFUSED 127.0.0.1:9\n`,
  ])
})

test('something else than a dagstream server is reported', async () => {
  const server = startFakeServer()
  server.intercept = () => new Response('<html>', { headers: { 'content-type': 'text/html' } })
  const { code, stderr } = await runRemotely(two)
  expect([code, stderr.text]).toEqual([1, expect.stringContaining('is there a dagstream server at `url`?')])
})

test('the token of the flag, or of DAGSTREAM_TOKEN, is sent, and never shown', async () => {
  startFakeServer({ token: 'secret' })
  const refused = await runRemotely(two, '--input', '1')
  expect([refused.code, refused.stderr.text]).toEqual([
    1,
    expect.stringMatching(/401: Unauthorized.*\nGive --token, or set DAGSTREAM_TOKEN\n$/),
  ])
  expect((await runRemotely(two, '--input', '1', '--token', 'secret')).code).toBe(0)

  const process = processFor(two, 'run', '-', '--server', SERVER, '--input', '1')
  process.env['DAGSTREAM_TOKEN'] = 'secret'
  expect(await runCli(process)).toBe(0)

  for (const token of ['', 'two words', 'sécret']) {
    const { code, stderr } = await runRemotely(two, '--token', token)
    expect([code, stderr.text]).toEqual([2, 'error Expected --token to be one or more visible ASCII characters\n'])
  }
})

test('an empty DAGSTREAM_TOKEN is refused: it would be taken for protection', async () => {
  const process = processFor(two, 'run', '-', '--server', SERVER)
  process.env['DAGSTREAM_TOKEN'] = ''
  expect([await runCli(process), process.stderr.text]).toEqual([
    2,
    'error Expected DAGSTREAM_TOKEN to be one or more visible ASCII characters; unset it to use no token\n',
  ])
})

test('no tree is drawn before there is something to draw', async () => {
  startFakeServer()
  const process = processFor({ tasks: [{ id: 'a', tool: 'none' }] }, 'run', '-', '--server', SERVER)
  Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 })
  process.env['NO_COLOR'] = '1'
  expect([await runCli(process), process.stderr.text]).toEqual([2, expect.stringMatching(/^UNKNOWN_TOOL /)])
})
