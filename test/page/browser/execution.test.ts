import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addressOf, isBrowserMissing, readRows, shows, showsRows, usePages } from './page-rig.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'

const pages = usePages()

const DIAMOND = {
  name: 'diamond',
  tasks: [
    { id: 'a', tool: 'work', arguments: { n: 1 } },
    { id: 'b', tool: 'work', arguments: { of: '$OUTPUT[a]' } },
    { id: 'c', tool: 'work', dependsOn: ['a'] },
    { id: 'd', tool: 'work', dependsOn: ['b', 'c'] },
  ],
}

test.skipIf(isBrowserMissing)('an execution is followed live, and its end equals what `GET` answers', async () => {
  const server = await pages.serve()
  const id = await server.start(DIAMOND)
  const page = await pages.open(addressOf(server, id))
  const a = await server.tool.nextCall('a')
  await showsRows(page, { a: 'running', b: 'pending', c: 'pending', d: 'pending' })
  a.succeed({ n: 7 })
  const [b, c] = await server.tool.nextCalls('b', 'c')
  await showsRows(page, { a: 'success', b: 'running', c: 'running', d: 'pending' })
  b?.succeed()
  c?.fail(new Error('The disk is full'))
  await showsRows(page, { a: 'success', b: 'success', c: 'error', d: 'skipped' })
  await shows(async () => expect(await page.textContent('.facts')).toContain('partial'))
  const { result } = (await server.getJson(`/executions/${id}`)) as { result: { results: Outcome[] } }
  expect(await readRows(page)).toEqual(result.results.map(({ taskId, status }) => [taskId, status]))
  await page.click('[title="c"]')
  await shows(async () => expect(await page.textContent('.pane')).toContain('The disk is full'))
  await page.click('[title="b"]')
  await shows(async () => expect(await page.textContent('.pane [aria-label="Arguments"]')).toContain('"n": 7'))
  expect(new URL(page.url()).hash).toBe(`#/executions/${id}?task=b`)
})

interface Outcome {
  readonly taskId: string
  readonly status: string
}

test.skipIf(isBrowserMissing)(
  'after a restart of the server the page says that it reconnected, and misses nothing',
  async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'dagstream-page-')), 'store.db')
    let store = await openSqliteStore(file)
    const server = await pages.serve({ store, abortGraceMs: 1 })
    const id = await server.start(DIAMOND)
    const page = await pages.open(addressOf(server, id))
    ;(await server.tool.nextCall('a')).succeed(1)
    const calls = await server.tool.nextCalls('b', 'c')
    await showsRows(page, { a: 'success', b: 'running', c: 'running', d: 'pending' })
    await server.restart(async () => {
      await store.close()
      return (store = await openSqliteStore(file))
    })
    for (const call of calls) call.succeed()
    await shows(async () => expect(server.tool.started).toEqual(['a', 'b', 'c', 'b', 'c']))
    for (const call of server.tool.takeAll()) call.succeed()
    ;(await server.tool.nextCall('d')).succeed()
    await showsRows(page, { a: 'success', b: 'success', c: 'success', d: 'success' })
    await shows(async () => expect(await page.textContent('.connection')).toMatch(/^complete, reconnected/))
    await page.click('[title="b"]')
    await shows(async () => expect(await page.textContent('.attempts')).toContain('interrupted'))
    await store.close()
  },
)

test.skipIf(isBrowserMissing)('the replay shows each place in the log, and the end again', async () => {
  const server = await pages.serve({ tools: { work: () => 1 } })
  const id = await server.start(DIAMOND)
  const page = await pages.open(addressOf(server, id))
  await showsRows(page, { a: 'success', b: 'success', c: 'success', d: 'success' })
  await page.focus('[role=slider]')
  expect(await page.getAttribute('[role=slider]', 'aria-valuenow')).toBe('10')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await showsRows(page, { a: 'pending', b: 'pending', c: 'pending', d: 'pending' })
  await page.keyboard.press('ArrowRight')
  await showsRows(page, { a: 'running', b: 'pending', c: 'pending', d: 'pending' })
  await page.keyboard.press('End')
  await showsRows(page, { a: 'success', b: 'success', c: 'success', d: 'success' })
  expect(await page.getAttribute('[role=slider]', 'aria-valuetext')).toBe('live, event 10 of 10')
})

test.skipIf(isBrowserMissing)('the graph has a node for each task and an edge for each dependency', async () => {
  const server = await pages.serve({ tools: { work: () => 1 } })
  const id = await server.start(DIAMOND)
  const page = await pages.open(addressOf(server, id, '?view=graph'))
  await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(4))
  await shows(async () => expect(await page.locator('.drawing .edge').count()).toBe(4))
  await shows(async () => expect(await page.locator('.node', { hasText: 'd work, success' }).count()).toBe(1))
  await page.locator('.node', { hasText: 'a work, success' }).focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await shows(async () => expect(await page.textContent('.pane h2')).toMatch(/^[bc]$/))
})

test.skipIf(isBrowserMissing)('items are folded below their parent, and filters find them', async () => {
  const server = await pages.serve({ tools: { work: ({ n }) => n } })
  const forEach = Array.from({ length: 80 }, (_, n) => n)
  const id = await server.start({ tasks: [{ id: 'all', tool: 'work', forEach, arguments: { n: '$ITEM' } }] })
  const page = await pages.open(addressOf(server, id))
  await showsRows(page, { all: 'success' })
  await page.fill('[placeholder="Filter tasks"]', '[7')
  const found = ['7', '70', '71', '72', '73', '74', '75', '76', '77', '78', '79'].map(n => [`all[${n}]`, 'success'])
  await showsRows(page, { all: 'success', ...Object.fromEntries(found) })
  await page.fill('[placeholder="Filter tasks"]', '')
  await page.click('.twist[aria-expanded]')
  await shows(async () => expect((await readRows(page)).length).toBeGreaterThan(10))
})

test.skipIf(isBrowserMissing)(
  'ten thousand tasks are opened whole, and only the visible rows are elements',
  async () => {
    const server = await pages.serve({ tools: { work: () => 1 } })
    const tasks = Array.from({ length: 10_000 }, (_, n) => ({ id: `t${n}`, tool: 'work' }))
    const id = await server.start({ tasks })
    const page = await pages.open(addressOf(server, id))
    await shows(async () => expect(await page.textContent('.counts')).toContain('10,000/10,000'))
    expect(await page.getAttribute('.timeline table', 'aria-rowcount')).toBe('10001')
    expect(await page.locator('.timeline tbody tr').count()).toBeLessThan(70)
    await page.evaluate(() => document.querySelector('.timeline')?.scrollTo(0, 1e9))
    await shows(async () => expect(await readRows(page)).toContainEqual(['t9999', 'success']))
    await page.click('.tabs a:last-child')
    await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(1))
  },
)
