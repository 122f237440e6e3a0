import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { HandlerOptions } from '../../src/http/index.ts'
import { createMemoryStore } from '../../src/index.ts'
import { isBrowserMissing, launchBrowser } from '../readers/browser.ts'
import { type ReaderServer, startReaderServer } from '../readers/reader-server.ts'
import { ControlledTool } from '../support/controlled-tool.ts'

// docs/examples/page.html in a real browser, over real sockets; and docs/examples/page-server.ts, which serves it.

const PAGE = new URL('../../docs/examples/page.html', import.meta.url)

const EVENT_SOURCE_CLOSED = 2

let browser: Browser
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  if (!isBrowserMissing) browser = await launchBrowser()
}, 60_000)
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  for (const close of closing.splice(0).toReversed()) await close()
})
afterAll(() => browser?.close())

interface Opened {
  readonly server: ReaderServer
  readonly page: Page
  readonly tool: ControlledTool
  /** What the page tells: its status, then what has ended. */
  readonly shows: (status: string, ...ended: string[]) => Promise<void>
  /** The states of all `EventSource`s that the page has made since it was loaded. */
  readonly states: () => Promise<number[]>
}

async function open(options: Partial<HandlerOptions> = {}): Promise<Opened> {
  const tool = new ControlledTool()
  const html = await readFile(PAGE)
  const server = await startReaderServer({ ...options, tools: { prepare: tool.execute } }, async path =>
    path === '/' ? new Response(html, { headers: { 'Content-Type': 'text/html' } }) : undefined,
  )
  closing.push(async () => {
    for (const call of tool.takeAll()) call.succeed()
    await server.close()
  })
  const page = await browser.newPage()
  closing.push(() => page.close())
  await page.addInitScript(() => {
    const scope = globalThis as unknown as { sources: EventSource[]; EventSource: typeof EventSource }
    const sources: EventSource[] = (scope.sources = [])
    scope.EventSource = class extends EventSource {
      constructor(url: string | URL) {
        super(url)
        sources.push(this)
      }
    }
  })
  await page.goto(server.url)
  const read = (): Promise<string[]> =>
    page.evaluate(() => Array.from(document.querySelectorAll('#status, #ended li'), each => each.textContent ?? ''))
  return {
    server,
    page,
    tool,
    shows: (...told) => vi.waitFor(async () => expect(await read()).toEqual(told), { timeout: 10_000 }),
    states: () =>
      page.evaluate(() =>
        (globalThis as unknown as { sources: EventSource[] }).sources.map(({ readyState }) => readyState),
      ),
  }
}

/** The call of a task that the page has started. */
async function nextCall(tool: ControlledTool, taskId: string): ReturnType<ControlledTool['nextCall']> {
  await vi.waitFor(() => expect(tool.started).toContain(taskId), { timeout: 10_000, interval: 5 })
  return tool.nextCall(taskId)
}

test.skipIf(isBrowserMissing)(
  'the page continues where it was cut, also after a reload, and leaves at the end',
  async () => {
    const { server, page, tool, shows, states } = await open()
    await page.click('#start')
    ;(await nextCall(tool, 'flour')).succeed('flour')
    await shows('Runs 3 tasks', 'flour: flour')
    server.cut()
    await shows('The connection is lost: it comes back by itself', 'flour: flour')
    ;(await nextCall(tool, 'yeast')).succeed('yeast')
    await shows('Connected', 'flour: flour', 'yeast: yeast')
    const resumed = server.requests.at(-1)
    expect([resumed?.method, resumed?.lastEventId?.split('.')[1]]).toEqual(['GET', '4'])

    await page.reload()
    await shows('Runs 3 tasks', 'flour: flour', 'yeast: yeast')
    const bread = await nextCall(tool, 'bread')
    expect(bread.args['what']).toBe('bread of flour and yeast')
    bread.succeed('bread')
    await shows('Ended: success', 'flour: flour', 'yeast: yeast', 'bread: bread')
    expect(await states()).toEqual([EVENT_SOURCE_CLOSED])
    expect(tool.started).toEqual(['flour', 'yeast', 'bread'])
  },
)

test.skipIf(isBrowserMissing)('the page leaves for good at an `error` event', async () => {
  const inner = createMemoryStore()
  let isLost = false
  const store: typeof inner = {
    ...inner,
    append(lease, firstSeq, entries) {
      if (isLost) throw new Error('no room')
      return inner.append(lease, firstSeq, entries)
    },
  }
  const { page, tool, shows, states } = await open({ store })
  await page.click('#start')
  const call = await nextCall(tool, 'flour')
  await shows('Runs 3 tasks')
  isLost = true
  call.succeed('flour')
  await vi.waitFor(async () => expect(await page.textContent('#status')).toMatch(/^STORE_FAILED: /), {
    timeout: 10_000,
  })
  expect(await states()).toEqual([EVENT_SOURCE_CLOSED])
})

test.skipIf(isBrowserMissing)('the page reports why nothing was started', async () => {
  const { page, shows } = await open({ maxExecutions: 1 })
  await page.click('#start')
  await shows('Runs 3 tasks')
  const other = await browser.newPage()
  closing.push(() => other.close())
  await other.goto(page.url().replace(/#.*/, ''))
  await other.click('#start')
  await vi.waitFor(async () => expect(await other.textContent('#status')).toMatch(/executions/), { timeout: 10_000 })
})

test('its server gives the page beside the routes', async () => {
  vi.stubEnv('PORT', '0')
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { server } = await import('../../docs/examples/page-server.ts')
  closing.push(server.close)
  expect(log).toHaveBeenCalledWith(`Open ${server.url}`)
  const page = await (await fetch(server.url)).text()
  expect(page).toBe(await readFile(PAGE, 'utf8'))
  const { tools } = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] }
  expect(tools.map(({ name }) => name)).toEqual(['prepare'])
  expect(page).toContain("tool: 'prepare'")
})
