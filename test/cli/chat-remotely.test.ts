import { afterEach, expect, test, vi } from 'vitest'
import { createChatTools } from '../../src/cli/input/chat-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import type { ToolContext } from '../../src/index.ts'
import { chat, chatProcess, type FakeModel, saySix, startModel, untilWritten } from './chat-rig.ts'
import { type FakeServer, SERVER, startFakeServer } from './remote-rig.ts'

afterEach(() => vi.unstubAllGlobals())

/** A server that has the key; the command line has none. */
function serveChat(model: FakeModel): FakeServer {
  return startFakeServer({ tools: createChatTools(model.env) })
}

test('a server answers as this process does: same output, same lines, same request to the model', async () => {
  const model = await startModel(saySix)
  serveChat(model)
  const strip = (text: string): string => text.replaceAll(/\d+(\.\d+)?m?s/g, '#')
  const argv = ['what is $INPUT?', '--mode', 'code', '--model', 'tiny', '--stream']
  const here = await chat(model.env, ...argv)
  const there = await chat({}, ...argv, '--server', SERVER)
  expect([there.code, there.stdout, strip(there.stderr)]).toEqual([here.code, here.stdout, strip(here.stderr)])
  expect([here.code, here.stdout]).toEqual([0, 'Six.\n'])
  expect(model.bodies[1]).toEqual(model.bodies[0])
})

test('an answer that is too large for events comes whole', async () => {
  const piece = 'word '.repeat(2_000)
  const text = piece.repeat(10)
  const model = await startModel(call => {
    for (let count = 0; count < 10; count++) call.say(piece)
    call.end(1, 1)
  })
  serveChat(model)
  expect((await chat({}, 'hi', '--server', SERVER)).stdout).toBe(`${text}\n`)
})

test.each<[what: string, output: unknown, stdout: string]>([
  ['text without a model', { text: 'Six.' }, 'Six.\n'],
  ['a string', 'Six.', 'Six.\n'],
  ['an object without text', { answer: 6 }, '{"answer":6}\n'],
  ['nothing', null, ''],
])('an answer that is %s is shown, and is not an error', async (_, output, stdout) => {
  startFakeServer({ tools: { 'llm:chat': () => output } })
  const ended = await chat({}, 'hi', '--server', SERVER, '--hide-token-usage', '--verbose')
  expect([ended.code, ended.stdout]).toEqual([0, stdout])
  expect(ended.stderr).toMatch(/^1 attempt, 0 retries\nTime: [\d.]+m?s\n$/)
})

test('streamed text stays if the answer has no output', async () => {
  const write = (_: unknown, { emitToken }: ToolContext): void => emitToken('Six.')
  startFakeServer({ tools: { 'llm:chat': write } })
  expect(await chat({}, 'hi', '--server', SERVER, '--stream')).toMatchObject({ code: 0, stdout: 'Six.\n' })
})

/** Puts a connection under the answers to POST that can be lost. @returns what loses the last one */
function stubCuttingFetch(): () => void {
  let cut = (): void => {}
  const { fetch } = globalThis
  vi.stubGlobal('fetch', async (request: Request) => {
    const response = await fetch(request)
    if (request.method !== 'POST') return response
    const lost = new AbortController()
    cut = () => lost.abort(new TypeError('terminated'))
    return new Response(response.body?.pipeThrough(new TransformStream(), { signal: lost.signal }) ?? null, response)
  })
  return () => cut()
}

test('a lost connection is resumed: it is reported, and no text comes twice', async () => {
  const model = await startModel()
  const server = serveChat(model)
  const cut = stubCuttingFetch()
  const process = chatProcess({}, 'hi', '--server', SERVER, '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.say('One')
  await untilWritten(process.stdout, 'One')
  cut()
  await untilWritten(process.stderr, 'trying again in')
  call.say(', two')
  call.end(7, 3)
  expect([await ended, process.stdout.text]).toEqual([0, 'One, two\n'])
  expect([process.stderr.text.includes('Token usage: 7 in, 3 out\n'), model.bodies.length]).toEqual([true, 1])
  expect(server.requests.filter(request => request.startsWith('POST'))).toEqual(['POST /executions'])
})

test('Ctrl-C cancels on the server and reports the usage', async () => {
  const model = await startModel()
  const server = serveChat(model)
  const process = chatProcess({}, 'hi', '--server', SERVER, '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.tellUsage(7, 3)
  call.say('One')
  await untilWritten(process.stdout, 'One')
  process.interrupt()
  expect([await ended, process.stdout.text]).toEqual([130, 'One\n'])
  expect(process.stderr.text).toContain('Token usage: 7 in, 3 out\n')
  expect(server.requests.some(request => request.endsWith('/cancel'))).toBe(true)
})

test('a connection that is lost for good still reports the usage so far', async () => {
  const model = await startModel()
  const server = serveChat(model)
  const cut = stubCuttingFetch()
  const process = chatProcess({}, 'hi', '--server', SERVER, '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.say('One')
  await untilWritten(process.stdout, 'One')
  server.intercept = () => new Response(null, { status: 404 })
  cut()
  expect([await ended, process.stdout.text]).toEqual([1, 'One\n'])
  expect(process.stderr.text).toMatch(/\nToken usage: not reported\nTime: .*\n(?:.*\n)*error GET .* 404/)
})

test('a server without a model names the missing variable', async () => {
  startFakeServer()
  const { code, stdout, stderr } = await chat({}, 'hi', '--server', SERVER)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^UNKNOWN_TOOL \/tasks\/0\/tool: .*\nA server has `llm:chat` where OPENROUTER_API_KEY is set/)
})
