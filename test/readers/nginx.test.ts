import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import type { HandlerOptions } from '../../src/http/index.ts'
import type { DAGStructure } from '../../src/index.ts'
import { isNginxMissing, RECOMMENDED, startNginx } from './nginx.ts'
import { type ReaderServer, startReaderServer } from './reader-server.ts'
import { parserReader } from './readers.ts'
import { type Reading, seqsOf } from './reading.ts'

// Debian's nginx as it is installed, between real sockets: this file is about what it lets through, and when.

const ONE_TASK: DAGStructure = { tasks: [{ id: 'a', tool: 'work' }] }
const closing: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

interface Proxied extends ReaderServer {
  /** Where nginx listens. */
  readonly proxyUrl: string
}

async function start(options: Partial<HandlerOptions> = {}, settings = RECOMMENDED): Promise<Proxied> {
  const server = await startReaderServer(options)
  closing.push(server.close)
  const nginx = await startNginx(Number(new URL(server.url).port), settings)
  closing.push(nginx.close)
  return { ...server, proxyUrl: nginx.url }
}

function follow({ proxyUrl }: Proxied, executionId: string): Reading {
  const reading = parserReader.open(`${proxyUrl}/executions/${executionId}/events`) as Reading
  closing.push(() => reading.leave())
  return reading
}

interface Answer {
  readonly response: Response
  readonly leave: () => void
}

/** Hands a workflow in through nginx, accepting compression as browsers do. @returns once the headers are there */
async function post({ proxyUrl }: Proxied, accept: string, workflow: DAGStructure): Promise<Answer> {
  const controller = new AbortController()
  const leave = (): void => controller.abort()
  closing.push(leave)
  // To wait for headers without end would say less than this.
  const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(5000)])
  const headers = { Accept: accept, 'Content-Type': 'application/json' }
  const body = JSON.stringify(workflow)
  const response = await fetch(`${proxyUrl}/executions`, { method: 'POST', headers, body, signal })
  return { response, leave }
}

/** The text of a body until it is enough. */
async function readUntil({ body }: Response, isEnough: (text: string) => boolean): Promise<string> {
  let text = ''
  const texts = (body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
  )
  const reader = texts.getReader()
  while (!isEnough(text)) text += (await reader.read()).value ?? ''
  reader.releaseLock()
  return text
}

const SETTINGS = [
  ['the settings of the docs', RECOMMENDED],
  ['nothing set but where to', ''],
] as const

describe.skipIf(isNginxMissing).each(SETTINGS)('through nginx with %s', (_, settings) => {
  test('each event arrives when it happens, and a connection that breaks is resumed by its last id', async () => {
    const server = await start({}, settings)
    const { tool } = server
    const executionId = await server.start({ tasks: ['fast', 'slow'].map(id => ({ id, tool: 'work' })) })
    const reading = follow(server, executionId)
    await reading.until('task_start', 'slow')
    const [fast, slow] = await tool.nextCalls('fast', 'slow')
    fast.succeed()
    // Only what has arrived lets the slow task go on.
    const { at } = await reading.until('task_complete', 'fast')
    expect(at).toBeLessThanOrEqual(Date.now())
    // Between nginx and the server: the reader must be told, by an end or an error, and come back.
    server.cut()
    slow.succeed()
    await reading.closed
    expect(seqsOf(reading.messages)).toEqual([1, 2, 3, 4, 5, 6])
    expect(server.requests.map(({ method, lastEventId }) => [method, lastEventId?.split('.')[1]])).toEqual([
      ['POST', undefined],
      ['GET', undefined],
      ['GET', '4'],
      // Answered with 204, after which it stays away.
      ['GET', '6'],
    ])
  })

  test('a client that leaves is seen at once: the tool is asked to stop', async () => {
    const server = await start({ onDisconnect: 'cancel' }, settings)
    const { leave } = await post(server, 'text/event-stream', ONE_TASK)
    const call = await server.tool.nextCall('a')
    const aborted = once(call.context.signal, 'abort')
    leave()
    await aborted
    expect(call.context.signal.reason).toMatchObject({ code: 'CANCELLED' })
    call.fail()
  })

  test('the headers of a result that is waited for come at once, white space meanwhile, and its client is seen to leave', async () => {
    const server = await start({ onDisconnect: 'cancel', heartbeatMs: 20 }, settings)
    const { response, leave } = await post(server, 'application/json', ONE_TASK)
    const executionId = response.headers.get('execution-id')
    expect(response.headers.get('location')).toBe(`/executions/${executionId}`)
    const call = await server.tool.nextCall('a')
    expect((await readUntil(response, text => text.length > 1)).trim()).toBe('')
    const aborted = once(call.context.signal, 'abort')
    leave()
    await aborted
    call.fail()
  })

  test('comments pass while nothing happens', async () => {
    const server = await start({ heartbeatMs: 20 }, settings)
    const { response } = await post(server, 'text/event-stream', ONE_TASK)
    expect(await readUntil(response, text => text.endsWith(':\n\n:\n\n:\n\n'))).toMatch(/^:\n\nid: /)
  })

  test('an output far beyond every buffer on the way is the same at the end', async () => {
    const output = Array.from({ length: 40_000 }, (_, index) => `${index}: ü😀`)
    const server = await start({ tools: { large: () => output } }, settings)
    const executionId = await server.start({ tasks: [{ id: 'a/b', tool: 'large' }] })
    const reading = follow(server, executionId)
    const { outputPath } = JSON.parse((await reading.until('task_complete')).data) as { outputPath: string }
    await reading.closed
    const response = await fetch(server.proxyUrl + outputPath)
    expect([response.status, await response.json()]).toEqual([200, output])
  })
})
