import { afterEach, expect, test, vi } from 'vitest'
import { createChatTools } from '../../src/cli/input/chat-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { chatProcess, startModel, untilWritten } from './chat-rig.ts'
import { FakeProcess } from './fake-process.ts'
import { processFor, SERVER, startFakeServer } from './remote-rig.ts'

afterEach(() => vi.unstubAllGlobals())

const waiting = { tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }] }

const busy = (): Response =>
  Response.json(
    { title: 'Service unavailable', code: 'SHUTTING_DOWN' },
    { status: 503, headers: { 'content-type': 'application/problem+json', 'retry-after': '60' } },
  )

test('Ctrl-C while a workflow is handed in again and again ends that at once', async () => {
  const server = startFakeServer()
  server.intercept = busy
  const process = processFor(waiting, 'run', '-', '--server', SERVER)
  const ended = runCli(process)
  await untilWritten(process.stderr, 'trying again in')
  process.interrupt()
  expect(await ended).toBe(130)
  expect(process.stderr.text).toMatch(
    /\nCancelling; press Ctrl-C again to exit at once\nCancelled before the server had taken the workflow on\n$/,
  )
  expect(server.requests).toEqual(['POST /executions'])
})

test('tools that a server cannot have are reported at once', async () => {
  const server = startFakeServer()
  server.intercept = () =>
    Response.json(
      { title: 'Service unavailable', detail: 'The tools of `db` are not available', code: 'TOOLS_UNAVAILABLE' },
      { status: 503, headers: { 'content-type': 'application/problem+json', 'retry-after': '5' } },
    )
  const process = processFor(waiting, 'run', '-', '--server', SERVER)
  expect([await runCli(process), process.stderr.text]).toEqual([
    1,
    'error POST /executions was answered with 503: Service unavailable: The tools of `db` are not available\n',
  ])
})

/** Breaks the stream of the one execution off, and leaves everything after it unanswered. */
function loseServer(): () => void {
  const lost = new AbortController()
  const { fetch } = globalThis
  vi.stubGlobal('fetch', async (request: Request) => {
    if (lost.signal.aborted) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
    const response = await fetch(request)
    return new Response(response.body?.pipeThrough(new TransformStream(), { signal: lost.signal }) ?? null, response)
  })
  return () => lost.abort(new TypeError('terminated'))
}

test('Ctrl-C while the connection is lost asks the server once, detaches, and reports the usage', async () => {
  const model = await startModel()
  const server = startFakeServer({ tools: createChatTools(model.env) })
  const lose = loseServer()
  const process = chatProcess({}, 'hi', '--server', SERVER, '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.say('One')
  await untilWritten(process.stdout, 'One')
  lose()
  await untilWritten(process.stderr, 'trying again in')
  process.interrupt()
  expect([await ended, process.stdout.text]).toEqual([130, 'One\n'])
  expect(process.stderr.text).toMatch(
    /\nToken usage: not reported\nTime: .*\nThe execution may still run\. To follow it again:\n {2}dagstream watch .* --after .*\n$/,
  )
  expect(server.requests).toEqual(['POST /executions'])
  await server.handler.close()
}, 30_000)

test('a connection that is lost after Ctrl-C is not had again', async () => {
  const server = startFakeServer()
  const lose = loseServer()
  server.intercept = ({ url }) => {
    if (!url.endsWith('/cancel')) return undefined
    lose()
    return Response.json({}, { status: 202 })
  }
  const process = processFor(waiting, 'run', '-', '--server', SERVER, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) setImmediate(() => process.interrupt())
  })
  expect(await runCli(process)).toBe(130)
  expect(process.stderr.text).not.toContain('trying again')
  expect(process.stderr.text).toContain('. To follow it again:\n')
  expect(server.requests.filter(request => request.startsWith('GET'))).toEqual([])
})

test('Ctrl-C in watch detaches while the connection is retried', async () => {
  const server = startFakeServer()
  server.intercept = busy
  const process = new FakeProcess('watch', 'x', '--server', SERVER)
  const ended = runCli(process)
  await untilWritten(process.stderr, 'trying again in')
  process.interrupt()
  expect([await ended, process.stderr.text.split('\n').slice(1)]).toEqual([
    130,
    ['Detached; nothing was cancelled. To continue from here:', `  dagstream watch x --server ${SERVER}`, ''],
  ])
  expect(server.requests).toEqual(['GET /executions/x/events'])
})

test('after SIGTERM the message names SIGTERM', async () => {
  const process = processFor(waiting, 'run', '-', '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) setImmediate(() => process.interrupt('SIGTERM'))
  })
  expect(await runCli(process)).toBe(130)
  expect(process.stderr.text).toContain('Cancelling; send SIGTERM again to exit at once\n')
})
