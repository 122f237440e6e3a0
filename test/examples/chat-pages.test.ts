import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type * as ChatServer from '../../docs/examples/chat-server.ts'
import type { DAGStructure } from '../../src/index.ts'
import { isBrowserMissing, launchBrowser } from '../readers/browser.ts'
import { type ReaderServer, startReaderServer } from '../readers/reader-server.ts'

// docs/examples/chat-page.tsx and docs/examples/ag-ui-page.ts in a real browser, over real sockets; and
// docs/examples/chat-server.ts, which serves them.

const CHAT: DAGStructure = {
  tasks: [
    { id: 'search', tool: 'work' },
    { id: 'answer', tool: 'work', arguments: { messages: '$INPUT.messages' }, dependsOn: ['search'] },
  ],
}

let browser: Browser
/** The server of the example, with its own workflow and model. */
let example: typeof ChatServer
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  if (isBrowserMissing) return
  browser = await launchBrowser()
  vi.stubEnv('PORT', '0')
  vi.spyOn(console, 'log').mockImplementation(() => {})
  example = await import('../../docs/examples/chat-server.ts')
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
}, 60_000)
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})
afterAll(async () => {
  await browser?.close()
  await example?.server.close()
})

interface Opened {
  readonly server: ReaderServer
  readonly page: Page
  readonly type: (text: string) => Promise<void>
  /** What the page shows, without white space. */
  readonly shows: (...parts: readonly (string | RegExp)[]) => Promise<void>
}

async function open(path: string): Promise<Opened> {
  const server = await startReaderServer({ workflows: { chat: CHAT } }, async given => example.findPage(given))
  closing.push(server.close)
  return { server, ...(await openAt(`${server.url}${path}`)) }
}

async function openAt(url: string): Promise<Omit<Opened, 'server'>> {
  const page = await browser.newPage()
  closing.push(() => page.close())
  await page.goto(url)
  return {
    page,
    type: async text => {
      await page.getByLabel('Message').fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
    },
    shows: async (...parts) => {
      for (const part of parts) {
        await vi.waitFor(async () => expect(await page.locator('body').innerText()).toMatch(part), { timeout: 10_000 })
      }
    },
  }
}

/** The call of a task that the page starts, over the network. */
async function nextCall(
  { tool }: ReaderServer,
  taskId: string,
  count = 1,
): ReturnType<ReaderServer['tool']['nextCall']> {
  const started = (): number => tool.started.filter(each => each === taskId).length
  await vi.waitFor(() => expect(started()).toBe(count), { timeout: 10_000, interval: 5 })
  return tool.nextCall(taskId)
}

const statusOf = async ({ url }: ReaderServer, executionId: string): Promise<string> => {
  const response = await fetch(`${url}/executions/${executionId}`)
  return ((await response.json()) as { status: string }).status
}

describe.each([
  { path: '/chat', running: 'streaming', ended: 'ready', succeeded: 'output-available', started: 'input-available' },
  { path: '/ag-ui', running: 'running', ended: 'success', succeeded: 'success', started: 'running' },
])('the page $path', ({ path, running, ended, succeeded, started }) => {
  test.skipIf(isBrowserMissing)('shows tasks and text as they arrive, and takes the next message', async () => {
    const { server, type, shows } = await open(path)
    await type('Hi')
    const search = await nextCall(server, 'search')
    await shows('Hi', `search: ${started}`, running)
    search.succeed({ hits: 3 })
    const answer = await nextCall(server, 'answer')
    await shows(`search: ${succeeded}`, `answer: ${started}`)
    answer.context.emitToken('Hel')
    await shows(/\bHel\b/)
    answer.context.emitToken('lo')
    answer.succeed({ text: 'Hello' })
    await shows(/\bHello\b/, `answer: ${succeeded}`, ended)
    await type('And?')
    ;(await nextCall(server, 'search', 2)).succeed()
    const second = await nextCall(server, 'answer', 2)
    expect((second.args['messages'] as unknown[]).length).toBeGreaterThan(2)
    second.succeed('Again')
    await shows(/Hi[^]*Hello[^]*And\?[^]*Again/, ended)
  })

  test.skipIf(isBrowserMissing)('goes on after a reload in the middle', async () => {
    const { server, page, type, shows } = await open(path)
    await type('Hi')
    ;(await nextCall(server, 'search')).succeed()
    const answer = await nextCall(server, 'answer')
    answer.context.emitToken('Hel')
    await shows(/\bHel\b/)
    await page.reload()
    await shows('Hi', `search: ${succeeded}`, /\bHel\b/, running)
    answer.context.emitToken('lo')
    answer.succeed({ text: 'Hello' })
    await shows(/\bHello\b/, `answer: ${succeeded}`, ended)
    const text = await page.locator('body').innerText()
    expect([text.match(/Hel/g)?.length, text.match(/search:/g)?.length]).toEqual([1, 1])
    expect(server.tool.started).toEqual(['search', 'answer'])
  })

  test.skipIf(isBrowserMissing)('stops: the execution is cancelled, and its tool aborted', async () => {
    const { server, page, type, shows } = await open(path)
    await type('Hi')
    ;(await nextCall(server, 'search')).succeed()
    const answer = await nextCall(server, 'answer')
    answer.context.emitToken('Hel')
    await shows(/\bHel\b/)
    await page.getByRole('button', { name: 'Stop' }).click()
    await vi.waitFor(() => expect(answer.context.signal.aborted).toBe(true), { timeout: 10_000 })
    answer.fail()
    const { executionId } = answer.context
    await vi.waitFor(async () => expect(await statusOf(server, executionId)).toBe('cancelled'), { timeout: 10_000 })
    await page.getByRole('button', { name: 'Send' }).waitFor({ state: 'visible', timeout: 10_000 })
    await shows(/\bHel\b/, path === '/chat' ? 'ready' : 'cancelled')
  })
})

test.skipIf(isBrowserMissing)('the server of the example answers both pages with its model', async () => {
  for (const path of ['/chat', '/ag-ui']) {
    const { type, shows } = await openAt(`${example.server.url}${path}`)
    await type('Hi there')
    await shows('You said: Hi there', /ready|success/)
  }
})
