import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { renderOfflinePage } from '../../../src/cli/page/offline-page.ts'
import { addressOf, isBrowserMissing, readRows, shows, showsRows, usePages } from './page-rig.ts'
import type { ToolContext } from '../../../src/index.ts'
import { readMessages } from '../../http/handler/handler-rig.ts'

const pages = usePages()

const EVIL = '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script>\u202e"\'`${1}</title>'

const tools = {
  work: (_: unknown, { emitToken, log, attempt }: ToolContext) => {
    emitToken(EVIL)
    log('warning', EVIL)
    if (attempt === 1) throw Object.assign(new Error(EVIL), { code: EVIL })
    return { [EVIL]: EVIL, __proto__: { a: 1 }, constructor: null }
  },
}

const retry = { maxAttempts: 2, initialDelayMs: 0 }
const WORKFLOW = {
  name: EVIL,
  tasks: [
    { id: `a${EVIL.replaceAll(/[[\]\u202e]/g, '')}`, tool: 'work', arguments: { text: EVIL }, retry },
    { id: '__proto__', tool: 'work' },
    { id: 'constructor', tool: 'work', retry, approve: EVIL },
  ],
}

test.skipIf(isBrowserMissing)(
  'names, ids, texts, errors and outputs are shown as texts, wherever they stand',
  async () => {
    const server = await pages.serve({ tools })
    const id = await server.start(WORKFLOW)
    const page = await pages.open(addressOf(server, id, `?task=${encodeURIComponent('__proto__')}`))
    await shows(async () => expect(await page.textContent('.pane')).toContain(EVIL.slice(0, 40)))
    await page.click('button:text-is("Approve")')
    await shows(async () => expect(await page.textContent('.facts')).toContain('partial'))
    expect((await readRows(page)).map(([taskId]) => taskId)).toEqual(WORKFLOW.tasks.map(task => task.id))
    expect(await page.textContent('.title h1')).toBe(EVIL)
    await page.click('.timeline [data-row="0"]')
    await shows(async () => expect(await page.textContent('[aria-label="Output"]')).toContain('onerror=\\"'))
    await page.click('.tabs a:last-child')
    await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(3))
    await page.goto(server.url)
    await shows(async () => expect(await page.textContent('.list .name')).toBe(EVIL))
    expect(await page.evaluate(() => [(globalThis as { owned?: number }).owned, document.images.length])).toEqual([
      undefined,
      0,
    ])
  },
)

test.skipIf(isBrowserMissing)(
  'an exported execution is one file that replays, and asks nobody for anything',
  async () => {
    const server = await pages.serve({ tools })
    const id = await server.start({ tasks: WORKFLOW.tasks.slice(0, 2) })
    await shows(async () => expect(await server.getJson(`/executions/${id}`)).toMatchObject({ status: 'partial' }))
    const messages = await readMessages(await fetch(`${server.url}executions/${id}/events`))
    const events = messages.map(({ id: eventId, event, data }) => {
      return `{"id":${JSON.stringify(eventId)},"type":${JSON.stringify(event)},"data":${data}}`
    })
    const file = join(await mkdtemp(join(tmpdir(), 'dagstream-page-')), 'out.html')
    const html = renderOfflinePage({ executionId: id, graph: undefined, events })
    const data = /<script type="application\/json"[^>]*>([^]*?)<\/script>/.exec(html)?.[1] as string
    expect([data.includes('<'), JSON.parse(data).events.length]).toEqual([false, events.length])
    await writeFile(file, html)
    const page = await pages.open(pathToFileURL(file).href)
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await shows(async () => {
      const rows = [
        [WORKFLOW.tasks[0]?.id, 'success'],
        ['__proto__', 'error'],
      ]
      expect(await readRows(page)).toEqual(rows)
    })
    await page.focus('[role=slider]')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await shows(async () => expect((await readRows(page)).map(([, status]) => status)).toEqual(['pending', 'pending']))
    await page.click('.timeline [data-row="0"]')
    await page.click('.tabs a:last-child')
    await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(2))
    expect(asked).toEqual([])
    expect(await page.evaluate(() => (globalThis as { owned?: number }).owned)).toBeUndefined()
  },
)

test.skipIf(isBrowserMissing)(
  'a script that would be inline does not run: the policy of the page forbids it',
  async () => {
    const server = await pages.serve()
    const page = await pages.open(server.url)
    await shows(async () => expect(await page.textContent('h1')).toBe('Executions'))
    const violated = await page.evaluate(async () => {
      const told = new Promise<string>(resolve => {
        addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), { once: true })
      })
      const script = document.createElement('script')
      script.textContent = 'globalThis.owned = 1'
      document.body.append(script)
      return [await told, (globalThis as { owned?: number }).owned]
    })
    expect(violated).toEqual(['script-src-elem', undefined])
    // The violation is reported on the console, which would fail the test.
    pages.forgive(/Content Security Policy/)
  },
)

test.skipIf(isBrowserMissing)(
  'a server that stalls is said to be lost, and the page goes on once it answers',
  async () => {
    let isStalled = false
    const stalled: (() => void)[] = []
    const server = await pages.serve({
      authorize: async (_, { action }) => {
        if (isStalled && action === 'subscribe') await new Promise<void>(resolve => stalled.push(resolve))
        return {}
      },
    })
    const id = await server.start({ tasks: [{ id: 'a', tool: 'work' }] })
    const page = await pages.open(addressOf(server, id))
    await server.tool.nextCall('a')
    await showsRows(page, { a: 'running' })
    isStalled = true
    await page.reload()
    await shows(async () => expect(stalled).toHaveLength(1))
    expect(await page.textContent('.connection')).toBe('connecting')
    isStalled = false
    for (const resolve of stalled) resolve()
    await showsRows(page, { a: 'running' })
  },
)
