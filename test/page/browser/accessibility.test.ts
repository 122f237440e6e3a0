import { expect, test } from 'vitest'
import { findFaults } from './axe.ts'
import { addressOf, isBrowserMissing, type PageServer, shows, showsRows, usePages } from './page-rig.ts'

const pages = usePages()
async function openViews(server: PageServer, colorScheme: 'light' | 'dark'): Promise<void> {
  const id = await server.start({
    name: 'report',
    tasks: [
      { id: 'a', tool: 'work', arguments: { n: 1 } },
      { id: 'b', tool: 'work', dependsOn: ['a'], forEach: [1, 2] },
      { id: 'c', tool: 'work', dependsOn: ['a'], approve: 'Go on?' },
      { id: 'd', tool: 'work', dependsOn: ['a'] },
    ],
  })
  const page = await pages.open(server.url, { colorScheme, reducedMotion: 'reduce' })
  await shows(async () => expect(await page.textContent('.list .name')).toBe('report'))
  const found = { list: await findFaults(page) } as Record<string, string[]>
  await page.goto(addressOf(server, id, '?task=a'))
  const a = await server.tool.nextCall('a')
  a.succeed({ text: 'done', n: [1, null, true] })
  ;(await server.tool.nextCall('d')).fail(new Error('no'))
  await showsRows(page, { a: 'success', b: 'running', 'b[0]': 'running', 'b[1]': 'running', c: 'waiting', d: 'error' })
  await shows(async () => expect(await page.textContent('.pane')).toContain('"done"'))
  found['execution'] = await findFaults(page)
  await page.click('.tabs a:last-child')
  await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(4))
  found['graph'] = await findFaults(page)
  await page.goto(`${server.url}#/new`)
  await page.fill('.editor textarea', '{ "tasks": [{ "id": "a" }] }')
  await shows(async () => expect(await page.textContent('.problems')).toContain('INVALID_SHAPE'))
  found['new'] = await findFaults(page)
  expect(found).toEqual({ list: [], execution: [], graph: [], new: [] })
}

test.skipIf(isBrowserMissing)('axe finds nothing in any view, in light colours', async () => {
  await openViews(await pages.serve(), 'light')
})

test.skipIf(isBrowserMissing)('axe finds nothing in any view, in dark colours', async () => {
  await openViews(await pages.serve(), 'dark')
})

test.skipIf(isBrowserMissing)('axe finds nothing where the token is asked for', async () => {
  const page = await pages.open((await pages.serve({ token: 'secret' })).url)
  await shows(async () => expect(await page.textContent('h1')).toBe('This server asks for a token'))
  expect(await findFaults(page)).toEqual([])
})

test.skipIf(isBrowserMissing)('everything is reached by the keyboard alone', async () => {
  const server = await pages.serve()
  const id = await server.start({
    name: 'first',
    tasks: [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work' },
      { id: 'group', tool: 'work', forEach: [1, 2] },
    ],
  })
  const page = await pages.open(server.url)
  await shows(async () => expect(await page.textContent('.list .name')).toBe('first'))
  const tabTo = async (text: RegExp): Promise<void> => {
    for (let presses = 0; presses < 40; presses++) {
      const focused = await page.evaluate(() => {
        const { activeElement: element } = document
        return `${element?.getAttribute('aria-label') ?? ''} ${element?.textContent ?? ''}`
      })
      if (text.test(focused)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Expected to come to ${text} by the tabulator`)
  }
  await tabTo(/first$/)
  await page.keyboard.press('Enter')
  await shows(async () => expect(new URL(page.url()).hash).toBe(`#/executions/${id}`))
  await showsRows(page, { a: 'running', b: 'running', group: 'running', 'group[0]': 'running', 'group[1]': 'running' })
  await tabTo(/^ a$/)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await shows(async () => expect(await page.textContent('.pane h2')).toBe('b'))
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowLeft')
  await showsRows(page, { a: 'running', b: 'running', group: 'running' })
  await page.keyboard.press('ArrowRight')
  await showsRows(page, { a: 'running', b: 'running', group: 'running', 'group[0]': 'running', 'group[1]': 'running' })
  await tabTo(/^Place in the log/)
  await page.keyboard.press('Home')
  await shows(async () => expect(await page.textContent('.place')).toContain('event 0 of'))
  await page.keyboard.press('End')
  for (let presses = 0; presses < 40; presses++) await page.keyboard.press('Shift+Tab')
  await tabTo(/Cancel$/)
  await page.keyboard.press('Enter')
  await shows(async () => expect(await page.textContent('.facts')).toContain('Cancelled by request'))
  for (const call of server.tool.takeAll()) call.succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
})

test.skipIf(isBrowserMissing)('progress is announced, at most every five seconds', async () => {
  const server = await pages.serve()
  const id = await server.start({ tasks: Array.from({ length: 20 }, (_, n) => ({ id: `t${n}`, tool: 'work' })) })
  const page = await pages.open(addressOf(server, id))
  await page.evaluate(() => {
    const told: string[] = ((globalThis as unknown as { told: string[] }).told = [])
    new MutationObserver(() => told.push(document.querySelector('[aria-live]')?.textContent ?? '')).observe(
      document.querySelector('[aria-live]') as Element,
      { childList: true, characterData: true, subtree: true },
    )
  })
  for (const call of await server.tool.nextCalls(...Array.from({ length: 20 }, (_, n) => `t${n}`))) {
    call.succeed()
    await server.tool.idle()
  }
  await shows(async () => expect(await page.textContent('[aria-live]')).toBe('success: 20 of 20 tasks'))
  const told = await page.evaluate(() => (globalThis as unknown as { told: string[] }).told)
  expect(told.length).toBeLessThan(6)
})
