import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type * as dagstream from '../../src/client/index.ts'
import { createHandler, type HandlerOptions } from '../../src/http/index.ts'
import { createListener } from '../../src/http/node/index.ts'
import { createMemoryStore } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { followInPage, isBrowserMissing, launchBrowser, openPage } from './browser.ts'
import { createCertificate } from './certificate.ts'
import { findProgram } from './programs.ts'
import { type ReaderServer, startReaderServer } from './reader-server.ts'
import { Reading } from './reading.ts'

// A real browser: what it makes of errors and origins, and whether the client runs there as it is published.

const openssl = findProgram('openssl', 'openssl')
let browser: Browser
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  if (!isBrowserMissing) browser = await launchBrowser()
}, 60_000)
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})
afterAll(async () => {
  await browser?.close()
})

async function start(options: Partial<HandlerOptions> = {}): Promise<ReaderServer> {
  const server = await startReaderServer(options, serveBuild)
  closing.push(server.close)
  return server
}

async function open(url: string): Promise<Page> {
  const page = await openPage(browser, url)
  closing.push(() => page.close())
  return page
}

/** The call of a task that somebody else starts, over the network. */
async function nextCall({ tool }: ReaderServer, taskId: string): ReturnType<ReaderServer['tool']['nextCall']> {
  await vi.waitFor(() => expect(tool.started).toContain(taskId), { timeout: 5000, interval: 5 })
  return tool.nextCall(taskId)
}

test.skipIf(isBrowserMissing)('an `error` event has data, an error of the connection has none', async () => {
  const inner = createMemoryStore()
  let isLost = false
  const store: typeof inner = {
    ...inner,
    append(lease, firstSeq, entries) {
      if (isLost) throw new Error('secret')
      return inner.append(lease, firstSeq, entries)
    },
  }
  const server = await start({ store })
  const executionId = await server.start({ tasks: [{ id: 'a', tool: 'work' }] })
  const reading = new Reading()
  await followInPage(await open(server.url), `${server.url}/executions/${executionId}/events`, reading)
  await reading.until('task_start', 'a')
  server.cut()
  await vi.waitFor(() => expect([reading.lostCount, server.requests.length]).toEqual([1, 3]), { timeout: 10_000 })
  expect(reading.messages.map(({ type }) => type)).toEqual(['execution_start', 'task_start'])
  isLost = true
  ;(await server.tool.nextCall('a')).succeed()
  const { id, data } = await reading.until('error')
  expect(JSON.parse(data)).toMatchObject({ executionId, code: 'STORE_FAILED', error: expect.any(String) as unknown })
  expect(data).not.toContain('secret')
  // It has no id of its own: a reader that comes back goes on behind the last one that had.
  expect(id).toBe(`${executionId}.2`)
})

test.skipIf(isBrowserMissing)('a page of another origin reads only if its origin is named', async () => {
  const pages = await start()
  const pageUrl = pages.url.replace('127.0.0.1', 'localhost')
  const [closed, named] = [await start(), await start({ allowedOrigins: [pageUrl] })]
  const read = async (server: ReaderServer): Promise<string[]> => {
    const executionId = await server.start({ tasks: [] })
    const reading = new Reading()
    await followInPage(await open(pageUrl), `${server.url}/executions/${executionId}/events`, reading)
    await reading.closed
    return reading.messages.map(({ type }) => type)
  }
  expect(await Promise.all([read(closed), read(named)])).toEqual([[], ['execution_start', 'execution_complete']])
})

test.skipIf(isBrowserMissing)('a seventh stream from one server waits until one of six is closed', async () => {
  const server = await start()
  const executionId = await server.start({ tasks: [{ id: 'a', tool: 'work' }] })
  const page = await open(server.url)
  const opened: number[] = []
  await page.exposeFunction('tellOpened', (index: number) => void opened.push(index))
  await page.evaluate(url => {
    const scope = globalThis as unknown as { tellOpened: (index: number) => void; sources: EventSource[] }
    scope.sources = Array.from({ length: 7 }, (_, index) => {
      const source = new EventSource(`${url}?reader=${index}`)
      source.addEventListener('execution_start', () => scope.tellOpened(index))
      return source
    })
  }, `${server.url}/executions/${executionId}/events`)
  await vi.waitFor(() => expect(new Set(opened)).toEqual(new Set([0, 1, 2, 3, 4, 5])), { timeout: 5000 })
  await page.evaluate(() => (globalThis as unknown as { sources: EventSource[] }).sources[2]?.close())
  await vi.waitFor(() => expect(opened.at(-1)).toBe(6), { timeout: 5000 })
  expect(server.requests.filter(({ reader }) => reader !== null)).toHaveLength(7)
})

test.skipIf(isBrowserMissing || openssl.isMissing)('over HTTP/2 twenty streams are open at once', async () => {
  const tool = new ControlledTool()
  const handler = createHandler({ drainMs: 0, tools: { work: tool.execute } })
  const listener = createListener(handler)
  const versions = new Set<string>()
  const server = createSecureServer(createCertificate(openssl.path), (incoming, outgoing) => {
    versions.add(incoming.httpVersion)
    // What the server itself answers forbids pages to connect.
    if (incoming.url === '/page') outgoing.end('<!doctype html>')
    else listener(incoming, outgoing)
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto(`https://127.0.0.1:${(server.address() as AddressInfo).port}/page`)
  const openedCount = await page.evaluate(async () => {
    const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' }
    const body = JSON.stringify({ tasks: [{ id: 'a', tool: 'work' }] })
    const response = await fetch('/executions', { method: 'POST', headers, body })
    const { executionId } = (await response.json()) as { executionId: string }
    const opening = Array.from({ length: 20 }, () => {
      const source = new EventSource(`/executions/${executionId}/events`)
      return new Promise(resolve => source.addEventListener('execution_start', resolve))
    })
    return (await Promise.all(opening)).length
  })
  expect([openedCount, ...versions]).toEqual([20, '2.0'])
  await context.close()
  ;(await tool.nextCall('a')).succeed()
  await handler.close()
  await new Promise(resolve => server.close(resolve))
})

/** Files of the build, as a web server would hand them out. */
async function serveBuild(path: string): Promise<Response | undefined> {
  if (!/^\/dist\/[a-z\d/-]+\.js$/.test(path)) return undefined
  return new Response(await readFile(new URL(`../..${path}`, import.meta.url)), {
    headers: { 'Content-Type': 'text/javascript' },
  })
}

describe('the client in a page', () => {
  const isBuilt = existsSync(new URL('../../dist/client/index.js', import.meta.url))
  if (!isBuilt) console.warn('Skipped: there is no dist/client (npm run build)')
  const inBrowser = test.skipIf(isBrowserMissing || !isBuilt)

  interface InPage {
    readonly dagstream: typeof dagstream
    readonly tell: (what: string) => Promise<void>
  }

  /** A page that has the client, as it is published, and what it tells. */
  async function openClient(url: string): Promise<{ page: Page; told: string[] }> {
    const page = await open(url)
    const told: string[] = []
    await page.exposeFunction('tell', (what: string) => void told.push(what))
    await page.evaluate(`import('/dist/client/index.js').then(module => { globalThis.dagstream = module })`)
    return { page, told }
  }

  /** Streams three tasks in the page; tells the type and place of each event as it comes. */
  const stream = async (url: string): Promise<dagstream.ExecutionResult> => {
    const { dagstream, tell } = globalThis as unknown as InPage
    const tasks = ['first', 'unseen', 'last'].map(id => ({ id, tool: 'work' }))
    const execution = dagstream.createClient({ url }).stream({ tasks })
    for await (const { type, id, data } of execution) {
      const taskId = 'taskId' in data ? data.taskId : ''
      await tell(`${id?.split('.')[1]} ${type} ${taskId}`.trim())
    }
    return execution.result
  }

  const STREAMED = [
    '1 execution_start',
    '2 task_start first',
    '3 task_start unseen',
    '4 task_start last',
    '5 task_complete first',
    '6 task_complete unseen',
    '7 task_complete last',
    '8 execution_complete',
  ]

  inBrowser('streams as it happens, goes on behind a cut, and has the result', async () => {
    const server = await start()
    const { page, told } = await openClient(server.url)
    const result = page.evaluate(stream, server.url)
    ;(await nextCall(server, 'first')).succeed(1)
    await vi.waitFor(() => expect(told).toContain(STREAMED[4]), { timeout: 5000 })
    server.cut()
    ;(await nextCall(server, 'unseen')).succeed(2)
    await vi.waitFor(() => expect(told).toContain(STREAMED[5]), { timeout: 5000 })
    ;(await nextCall(server, 'last')).succeed(3)
    expect(await result).toMatchObject({ status: 'success', results: [{ output: 1 }, { output: 2 }, { output: 3 }] })
    expect(told).toEqual(STREAMED)
    const asked = server.requests.map(({ method, path, lastEventId }) => [
      method,
      path.split('/')[3],
      lastEventId?.split('.')[1],
    ])
    expect(asked).toEqual([
      ['POST', undefined, undefined],
      ['GET', 'events', '5'],
      // The whole result, which events have only an outline of.
      ['GET', undefined, undefined],
    ])
  })

  inBrowser('cancels', async () => {
    const server = await start()
    const { page } = await openClient(server.url)
    const result = page.evaluate(async url => {
      const { createClient } = (globalThis as unknown as InPage).dagstream
      const execution = createClient({ url }).stream({ tasks: [{ id: 'a', tool: 'work' }] })
      for await (const { type } of execution) if (type === 'task_start') await execution.cancel()
      return execution.result
    }, server.url)
    const call = await nextCall(server, 'a')
    if (!call.context.signal.aborted) await once(call.context.signal, 'abort')
    call.fail()
    expect(await result).toMatchObject({ status: 'cancelled', reason: { code: 'CANCELLED' } })
  })

  inBrowser('works from another origin that is named', async () => {
    const pages = await start()
    const pageUrl = pages.url.replace('127.0.0.1', 'localhost')
    const server = await start({ allowedOrigins: [pageUrl] })
    const { page, told } = await openClient(pageUrl)
    const result = page.evaluate(stream, server.url)
    for (const taskId of ['first', 'unseen', 'last']) (await nextCall(server, taskId)).succeed()
    expect(await result).toMatchObject({ status: 'success' })
    expect(told).toEqual(STREAMED)
  })
})
