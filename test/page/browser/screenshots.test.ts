import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { DAGStructure, ToolContext } from '../../../src/index.ts'
import { addressOf, isBrowserMissing, shows, usePages } from './page-rig.ts'

// The pictures of the docs. `SCREENSHOTS=1` writes them; without it the test takes them and looks whether the docs have them.

const pages = usePages()
const folder = new URL('../../../docs/images/', import.meta.url)
const WORDS =
  'Orders rose by four percent, driven by the north; the east is flat after two weeks of late deliveries. '.split(' ')

const tools = {
  fetch: async ({ ms, fails = 0 }: { ms: number; fails?: number }, { attempt, log, signal }: ToolContext) => {
    await pause(ms, signal)
    if (attempt <= fails) throw Object.assign(new Error('The service answered 503'), { code: 'BUSY' })
    log('info', 'Read 1,204 rows')
    return { rows: 1204, updated: '2026-11-30' }
  },
  model: async ({ words }: { words: number }, { emitToken, reportUsage, signal }: ToolContext) => {
    for (let word = 0; word < words; word++) {
      await pause(12, signal)
      emitToken(`${WORDS[word % WORDS.length]} `)
    }
    reportUsage({ totalTokensIn: 1180, totalTokensOut: words * 2, totalCost: 0.0042 })
    return { text: 'Orders rose by four percent.' }
  },
}

const report: DAGStructure = {
  name: 'weekly-report',
  tasks: [
    { id: 'orders', tool: 'fetch', arguments: { ms: 260 } },
    { id: 'customers', tool: 'fetch', arguments: { ms: 420 } },
    { id: 'prices', tool: 'fetch', arguments: { ms: 180, fails: 2 }, retry: { maxAttempts: 3, initialDelayMs: 120 } },
    { id: 'join', tool: 'fetch', arguments: { ms: 200 }, dependsOn: ['orders', 'customers', 'prices'] },
    {
      id: 'regions',
      tool: 'model',
      forEach: ['north', 'south', 'east', 'west'],
      arguments: { words: 40, region: '$ITEM' },
      dependsOn: ['join'],
    },
    { id: 'archive', tool: 'fetch', arguments: { ms: 150, fails: 9 }, dependsOn: ['join'], optional: true },
    { id: 'alert', tool: 'fetch', arguments: { ms: 90 }, runOn: 'failure', dependsOn: ['archive'] },
    { id: 'summary', tool: 'model', arguments: { words: 60, of: '$OUTPUT[regions]' } },
    { id: 'translation', tool: 'model', arguments: { words: 50, of: '$OUTPUT[summary].text' } },
    {
      id: 'publish',
      tool: 'fetch',
      arguments: { ms: 120 },
      dependsOn: ['translation'],
      approve: 'Publish the report of this week?',
    },
  ],
  finally: [{ id: 'clean-up', tool: 'fetch', arguments: { ms: 60 } }],
}

test.skipIf(isBrowserMissing)('the four main views are as the docs show them', async () => {
  const server = await pages.serve({ tools })
  for (const name of ['nightly-sync', 'invoice-import', 'nightly-sync']) {
    await server.start({
      name,
      tasks: [{ id: 'a', tool: 'fetch', arguments: { ms: 50, fails: name === 'invoice-import' ? 9 : 0 } }],
    })
  }
  const id = await server.start(report)
  const page = await pages.open(addressOf(server, id, '?task=summary'), { viewport: { width: 1280, height: 720 } })
  await shows(async () => expect(await page.textContent('.questions')).toContain('Publish the report'))
  await shows(async () => expect(await page.textContent('.pane')).toContain('Orders rose by four percent."'))
  await take(page, 'timeline')
  await page.goto(addressOf(server, id, '?view=graph'))
  await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(11))
  await take(page, 'graph')
  await page.goto(server.url)
  await shows(async () => expect(await page.locator('.list tbody tr').count()).toBe(4))
  await take(page, 'executions')
  await page.goto(`${server.url}#/new`)
  const document = {
    ...report,
    inputSchema: { type: 'object', required: ['week'], properties: { week: { type: 'integer', title: 'Week' } } },
  }
  const text = JSON.stringify(document, undefined, 2).replace('"tool": "model"', '"tool": "modle"')
  await page.fill('.editor textarea', text)
  await shows(async () => expect(await page.textContent('.problems')).toContain('UNKNOWN_TOOL'))
  await page.click('.problem')
  await take(page, 'new')
})

/** Takes a picture. */
async function take(page: Page, name: string): Promise<void> {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  const taken = await page.screenshot()
  const file = new URL(`${name}.png`, folder)
  if (process.env['SCREENSHOTS'] === '1') {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, taken)
  }
  expect(sizeOf(readFileSync(file))).toEqual(sizeOf(taken))
}

/** Width and height of a PNG. */
function sizeOf(png: Buffer): [number, number] {
  return [png.readUInt32BE(16), png.readUInt32BE(20)]
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
}
