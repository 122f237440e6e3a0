import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { line, PlanClient } from '../../http/plans/plan-client.ts'
import { findFaults } from './axe.ts'
import { addressOf, isBrowserMissing, type PageServer, readRows, shows, showsRows, usePages } from './page-rig.ts'

const pages = usePages()

const CHAIN = {
  name: 'chain',
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
    { id: 'c', tool: 'work', arguments: { of: '$OUTPUT[b]' } },
  ],
}

interface Outcome {
  readonly taskId: string
  readonly status: string
}

/** Starts a plan whose lines the test sends when it wants. */
async function writePlan(server: PageServer, first: string): Promise<{ client: PlanClient; id: string }> {
  const client = new PlanClient(Number(new URL(server.url).port))
  client.write(first)
  const { executionId } = await client.next('execution_start')
  return { client, id: String(executionId) }
}

const facts = (page: Page): Promise<string | null> => page.textContent('.facts')
const alert = (page: Page): Promise<string | null> => page.textContent('.alerts')

/** Opens the form and sends a patch by the keyboard alone. */
async function change(page: Page, patch: string): Promise<void> {
  const area = page.getByLabel('Change of the plan, JSON')
  if (!(await area.isVisible())) {
    await page.focus('summary:text-is("Change the plan")')
    await page.keyboard.press('Enter')
  }
  await area.focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.insertText(patch)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
}

test.skipIf(isBrowserMissing)('a plan grows on the page while it is written, and its end equals `GET`', async () => {
  const server = await pages.serve()
  const { client, id } = await writePlan(server, `{"name": "cities", "eager": "all"}\n${line('a')}`)
  const page = await pages.open(addressOf(server, id))
  await showsRows(page, { a: 'running' })
  expect(await facts(page)).toContain('plan still being written')
  client.write(line('b', { dependsOn: ['a'] }))
  await showsRows(page, { a: 'running', b: 'pending' })
  ;(await server.tool.nextCall('a')).succeed()
  const b = await server.tool.nextCall('b')
  await showsRows(page, { a: 'success', b: 'running' })
  await page.reload()
  await showsRows(page, { a: 'success', b: 'running' })
  expect(await facts(page)).toContain('plan still being written')
  client.write(line('c', { dependsOn: ['b'] }) + line('d', { dependsOn: ['a'] }))
  await showsRows(page, { a: 'success', b: 'running', c: 'pending', d: 'running' })
  await page.click('.tabs a:last-child')
  await shows(async () => expect(await page.locator('.drawing .node').count()).toBe(4))
  await shows(async () => expect(await page.locator('.drawing .edge').count()).toBe(3))
  await page.click('.tabs a:first-child')
  client.end('{"seal": true}\n')
  await shows(async () => expect(await facts(page)).not.toContain('still being written'))
  b.succeed()
  for (const call of await server.tool.nextCalls('c', 'd')) call.succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
  const { result } = (await server.getJson(`/executions/${id}`)) as { result: { results: Outcome[] } }
  expect(await readRows(page)).toEqual(result.results.map(({ taskId, status }) => [taskId, status]))
  expect((await readRows(page)).map(([taskId]) => taskId).toSorted()).toEqual(['a', 'b', 'c', 'd'])
})

test.skipIf(isBrowserMissing)('refused lines are listed with their problems, also after a reload', async () => {
  const server = await pages.serve()
  const { client, id } = await writePlan(server, `{"eager": "all", "onPlanError": "skip"}\n${line('a')}`)
  const page = await pages.open(addressOf(server, id))
  await showsRows(page, { a: 'running' })
  client.write(`${line('b', { tool: 'wrok' })}${line('c', { dependsOn: ['later'] })}${line('d')}`)
  await showsRows(page, { a: 'running', d: 'running' })
  const refused = (): Promise<string[]> => page.locator('.refused li').allTextContents()
  await shows(async () => expect(await refused()).toHaveLength(2))
  const found = await refused()
  expect(found[0]).toMatch(/^line 3 refused: UNKNOWN_TOOL at \/tool: .*wrok/)
  expect(found[1]).toMatch(/^line 4 refused: FORWARD_DEPENDENCY at \/dependsOn\/0: .*later/)
  expect(await findFaults(page)).toEqual([])
  await page.reload()
  await shows(async () => expect(await refused()).toEqual(found))
  client.end()
  for (const call of await server.tool.nextCalls('a', 'd')) call.succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
})

test.skipIf(isBrowserMissing)('a refused line that ends the plan is the reason on the page', async () => {
  const server = await pages.serve()
  const { client, id } = await writePlan(server, `{"name": "strict"}\n${line('a')}`)
  const page = await pages.open(addressOf(server, id))
  await showsRows(page, { a: 'pending' })
  client.write(line('b', { tool: 'none' }))
  await showsRows(page, { a: 'cancelled' })
  expect(await facts(page)).toContain('cancelled')
  await shows(async () => expect(await page.textContent('.refused')).toContain('UNKNOWN_TOOL'))
  await shows(async () => expect(await page.locator('text=Change the plan').count()).toBe(0))
})

test.skipIf(isBrowserMissing)('a task that waits is removed by its button; one that runs has none', async () => {
  const server = await pages.serve()
  const id = await server.start(CHAIN)
  const a = await server.tool.nextCall('a')
  const page = await pages.open(addressOf(server, id, '?task=b'))
  const button = page.getByRole('button', { name: 'Remove', exact: true })
  await button.click()
  await shows(async () => expect(await alert(page)).toContain('In task `c`'))
  await showsRows(page, { a: 'running', b: 'pending', c: 'pending' })
  await page.click('[title="c"]')
  await button.focus()
  await page.keyboard.press('Enter')
  await showsRows(page, { a: 'running', b: 'pending' })
  expect(await alert(page)).toBe('')
  await page.click('[title="a"]')
  await shows(async () => expect(await page.textContent('.pane h2')).toBe('a'))
  expect(await button.count()).toBe(0)
  a.succeed()
  ;(await server.tool.nextCall('b')).succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
  // The replay shows a waiting task again: it cannot be removed from what has ended.
  await page.click('[title="b"]')
  await page.focus('[role=slider]')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await showsRows(page, { a: 'pending', b: 'pending', c: 'pending' })
  expect(await button.count()).toBe(0)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test.skipIf(isBrowserMissing)(
    `the plan is changed by the form, and a refusal says why, in ${colorScheme}`,
    async () => {
      const server = await pages.serve()
      const id = await server.start(CHAIN)
      const a = await server.tool.nextCall('a')
      const page = await pages.open(addressOf(server, id), { colorScheme, reducedMotion: 'reduce' })
      await showsRows(page, { a: 'running', b: 'pending', c: 'pending' })
      const area = page.getByLabel('Change of the plan, JSON')
      await change(page, '{"add": [{"id": "d", "tool": "work", "dependsOn": ["b"]}], "remove": ["c"]}')
      await showsRows(page, { a: 'running', b: 'pending', d: 'pending' })
      await shows(async () => expect(await area.inputValue()).toBe(''))
      const wrong = '{"add": [{"id": "e", "tool": "wrok"}, {"id": "f", "tool": "work", "dependsOn": ["zz"]}]}'
      await change(page, wrong)
      await shows(async () => expect(await alert(page)).toContain('UNKNOWN_TOOL at /add/0/tool: '))
      expect(await alert(page)).toContain('UNKNOWN_DEPENDENCY at /add/1/dependsOn/0: ')
      expect(await area.inputValue()).toBe(wrong)
      expect(await findFaults(page)).toEqual([])
      await change(page, '{"remove": ["a"]}')
      await shows(async () => expect(await alert(page)).toMatch(/`a`/))
      expect(await alert(page)).not.toContain('UNKNOWN_TOOL')
      await change(page, '{"remove": ')
      await shows(async () => expect(await alert(page)).toMatch(/JSON/))
      await change(page, '{"replace": [{"id": "b", "tool": "work", "arguments": {"n": 12345678901234567890}}]}')
      await shows(async () => expect(await area.inputValue()).toBe(''))
      expect(await alert(page)).toBe('')
      const b = await server.tool.nextCall('b')
      await showsRows(page, { a: 'running', b: 'running', d: 'pending' })
      for (const call of [a, b]) call.succeed()
      ;(await server.tool.nextCall('d')).succeed()
      await showsRows(page, { a: 'success', b: 'success', d: 'success' })
      await shows(async () => expect(await page.locator('text=Change the plan').count()).toBe(0))
    },
  )
}

test.skipIf(isBrowserMissing)('the forecast is shown with a history, and absent without', async () => {
  const server = await pages.serve()
  const first = await server.start({ name: 'nightly', tasks: [{ id: 'a', tool: 'work' }] })
  const page = await pages.open(addressOf(server, first))
  await showsRows(page, { a: 'running' })
  expect(await facts(page)).not.toContain('forecast')
  ;(await server.tool.nextCall('a')).succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
  const second = await server.start({ name: 'nightly', tasks: [{ id: 'a', tool: 'work' }] })
  await page.goto(addressOf(server, second))
  await shows(async () =>
    expect(await facts(page)).toMatch(/forecast (?:about \d+ s left|longer than the forecast of \d+ s)/),
  )
  ;(await server.tool.nextCall('a')).succeed()
  await shows(async () => expect(await page.textContent('.connection')).toBe('complete'))
  expect(await facts(page)).not.toContain('forecast')
})
