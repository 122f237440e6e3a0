import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { createHandler, type Handler, type HandlerOptions } from '../../../src/http/index.ts'
import { type NodeServer, serve } from '../../../src/http/node/serve.ts'
import { PageFiles } from '../../../src/cli/page/page-files.ts'
import { createMemoryStore, type DAGStructure, type ExecutionStore } from '../../../src/index.ts'
import { findProgram } from '../../readers/programs.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'

const program = findProgram('chromium', 'chromium')

/** Says why, once, where there is no Chromium. */
export const isBrowserMissing: boolean = program.isMissing

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Time for the page to show something: the machine may be busy. */
const SHOWN_MS = 20_000

/** A server with its page, and a tool whose calls the test holds in its hand. */
export interface PageServer {
  readonly url: string
  readonly tool: ControlledTool
  /** Starts an execution. @returns its id */
  readonly start: (workflow: DAGStructure, input?: unknown) => Promise<string>
  readonly getJson: (path: string) => Promise<Record<string, unknown>>
  /** Ends the server; another one takes its place at the same address, with the store that `reopen` gives. */
  readonly restart: (reopen: () => Promise<ExecutionStore>) => Promise<void>
}

/** The browser of a test file, and what its tests opened. */
export interface PageRig {
  readonly serve: (options?: Partial<HandlerOptions>) => Promise<PageServer>
  /** Opens an address in a context of its own. Faults of the page fail the test. */
  readonly open: (url: string, options?: BrowserContextOptions) => Promise<Page>
  /** Faults that a test has caused on purpose. */
  readonly forgive: (fault: RegExp) => void
}

/** Use it at the top of a file. */
export function usePages(): PageRig {
  let browser: Browser
  const closing: (() => Promise<void>)[] = []
  const faults: string[] = []
  beforeAll(async () => {
    if (!isBrowserMissing) browser = await chromium.launch({ executablePath: program.path, headless: true, args: ARGS })
  }, 60_000)
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
    expect(faults.splice(0)).toEqual([])
  }, 30_000)
  afterAll(() => browser?.close())
  return {
    serve: async options => {
      const server = await startServer(options)
      closing.push(server.close)
      return server
    },
    open: async (url, options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 760 }, ...options })
      closing.push(() => context.close())
      const page = await context.newPage()
      page.on('pageerror', error => faults.push(String(error.stack)))
      page.on('console', message => {
        // A policy that is violated is reported here; a refused or lost request is not a fault of the page.
        if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text())
      })
      await page.goto(url)
      return page
    },
    forgive: fault => {
      for (const [at, text] of [...faults.entries()].toReversed()) if (fault.test(text)) faults.splice(at, 1)
    },
  }
}

async function startServer(
  options: Partial<HandlerOptions> = {},
): Promise<PageServer & { close: () => Promise<void> }> {
  const tool = new ControlledTool()
  let store = options.store ?? createMemoryStore()
  const files = new PageFiles()
  let handler: Handler
  let server: NodeServer
  const begin = async (port: number): Promise<void> => {
    handler = createHandler({ tools: { work: tool.execute }, drainMs: 0, ...options, store })
    const fetch = async (request: Request): Promise<Response> => (await files.answer(request)) ?? handler.fetch(request)
    server = await serve({ fetch, close: () => handler.close() }, { port })
  }
  await begin(0)
  const token = typeof options.token === 'string' ? { Authorization: `Bearer ${options.token}` } : undefined
  const send = (path: string, init?: RequestInit): Promise<Response> =>
    handler.fetch(
      new Request(new URL(path, server.url), {
        ...init,
        headers: { 'content-type': 'application/json', prefer: 'respond-async', ...token },
      }),
    )
  return {
    get url() {
      return `${server.url}/`
    },
    tool,
    start: async (workflow, input) => {
      const body = JSON.stringify({ workflow, ...(input !== undefined && { input }) })
      const answer = await send('/executions', { method: 'POST', body })
      return ((await answer.json()) as { executionId: string }).executionId
    },
    getJson: async path => (await send(path)).json() as Promise<Record<string, unknown>>,
    restart: async reopen => {
      const { port } = server
      await server.close()
      store = await reopen()
      await begin(port)
    },
    close: async () => {
      for (const call of tool.takeAll()) call.succeed()
      await server.close()
    },
  }
}

/** The address of an execution. */
export function addressOf({ url }: PageServer, executionId: string, query = ''): string {
  return `${url}#/executions/${executionId}${query}`
}

/** The rows of the timeline: the task and the word of its status. */
export function readRows(page: Page): Promise<[string, string][]> {
  return page.evaluate(() =>
    Array.from(document.querySelectorAll('.timeline tbody tr:not(.spacer)'), row => [
      row.querySelector('[data-row]')?.getAttribute('title') ?? '',
      row.querySelector('.word')?.textContent ?? '',
    ]),
  )
}

/** Waits until the page shows something. */
export function shows(check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: SHOWN_MS, interval: 50 })
}

/** Waits until the timeline has these rows. */
export async function showsRows(page: Page, rows: Readonly<Record<string, string>>): Promise<void> {
  await shows(async () => expect(Object.fromEntries(await readRows(page))).toEqual(rows))
}
