import { expect, test } from 'vitest'
import { addressOf, isBrowserMissing, shows, showsRows, usePages } from './page-rig.ts'
import type { ToolContext } from '../../../src/index.ts'

const pages = usePages()

test.skipIf(isBrowserMissing)('the list shows the executions newest first, live, and is filtered', async () => {
  const server = await pages.serve()
  await server.start({ name: 'first', tasks: [{ id: 'a', tool: 'work' }] })
  const page = await pages.open(server.url)
  const list = (): Promise<string[]> =>
    page.evaluate(() =>
      Array.from(document.querySelectorAll('.list tbody tr'), row =>
        [row.querySelector('.status'), row.querySelector('.name')].map(cell => cell?.textContent).join(' '),
      ),
    )
  await shows(async () => expect(await list()).toEqual(['running first']))
  ;(await server.tool.nextCall('a')).succeed()
  await server.start({ name: 'second', tasks: [{ id: 'b', tool: 'work' }] })
  await shows(async () => expect(await list()).toEqual(['running second', 'success first']))
  await page.fill('[type=search]', 'FIR')
  await shows(async () => expect(await list()).toEqual(['success first']))
  await page.fill('[type=search]', '')
  await page.selectOption('.toolbar select >> nth=0', 'running')
  await shows(async () => expect(await list()).toEqual(['running second']))
  await page.click('.list tbody a')
  await showsRows(page, { b: 'running' })
})

test.skipIf(isBrowserMissing)('an execution is cancelled, then run again from a task', async () => {
  const server = await pages.serve()
  const tasks = [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
  ]
  const id = await server.start({ tasks })
  const page = await pages.open(addressOf(server, id))
  ;(await server.tool.nextCall('a')).succeed()
  await server.tool.nextCall('b')
  await page.click('button:text-is("Cancel")')
  await shows(async () => expect(await page.textContent('.facts')).toContain('cancelled'))
  await page.click('[title="b"]')
  await page.click('text=Run again from here')
  await shows(async () => expect(new URL(page.url()).hash).not.toContain(id))
  ;(await server.tool.nextCall('b')).succeed()
  await showsRows(page, { a: 'success', b: 'success' })
  expect(server.tool.started).toEqual(['a', 'b', 'b'])
})

test.skipIf(isBrowserMissing)(
  'a question is answered by a form of its schema, and problems stand at their fields',
  async () => {
    const schema = {
      type: 'object',
      required: ['environment', 'replicas'],
      properties: {
        environment: { enum: ['staging', 'production'] },
        replicas: { type: 'integer', minimum: 1, title: 'Number of replicas' },
        big: { type: 'integer' },
        note: { type: 'string' },
      },
    }
    const server = await pages.serve({
      tools: {
        ask: { exactNumbers: true, execute: (_: unknown, { ask }: ToolContext) => ask({ message: 'Where?', schema }) },
      },
    })
    const id = await server.start({ tasks: [{ id: 'a', tool: 'ask' }] })
    const page = await pages.open(addressOf(server, id))
    await showsRows(page, { a: 'waiting' })
    await page.getByLabel('environment').selectOption('production')
    await page.getByLabel('Number of replicas').fill('0')
    await page.getByLabel('big').fill('12345678901234567890')
    await page.click('button:text-is("Answer")')
    await shows(async () => expect(await page.getAttribute('input[aria-invalid]', 'inputmode')).toBe('decimal'))
    await page.getByLabel('Number of replicas').fill('3')
    await page.click('button:text-is("Answer")')
    await showsRows(page, { a: 'success' })
    const output = await (await fetch(`${server.url}executions/${id}/tasks/a/output`)).text()
    expect(output.trim()).toBe('{"environment":"production","big":12345678901234567890,"replicas":3}')
  },
)

test.skipIf(isBrowserMissing)('an approval is declined', async () => {
  const server = await pages.serve()
  const id = await server.start({ tasks: [{ id: 'a', tool: 'work', approve: 'Really?' }] })
  const page = await pages.open(addressOf(server, id))
  await shows(async () => expect(await page.textContent('.asked')).toContain('Really?'))
  await page.click('button:text-is("Decline")')
  await showsRows(page, { a: 'error' })
  expect(server.tool.started).toEqual([])
})

test.skipIf(isBrowserMissing)(
  'a document is checked as it is written, and run with the input of its form',
  async () => {
    const server = await pages.serve({ tools: { work: args => args } })
    const page = await pages.open(`${server.url}#/new`)
    await page.fill('.editor textarea', '{\n "tasks": [{ "id": "a", "tool": "wrk" }]\n}')
    await shows(async () => expect(await page.textContent('.problems')).toContain('UNKNOWN_TOOL'))
    expect(await page.textContent('.gutter .marked')).toBe('2')
    await page.fill('.editor textarea', '{ "tasks": [')
    await shows(async () => expect(await page.textContent('.problems')).toContain('Not JSON from here on'))
    const document = {
      inputSchema: { type: 'object', required: ['who'], properties: { who: { type: 'string' } } },
      tasks: [{ id: 'a', tool: 'work', arguments: { hello: '$INPUT.who' } }],
      output: '$OUTPUT[a]',
    }
    await page.fill('.editor textarea', JSON.stringify(document))
    await shows(async () => expect(await page.textContent('.verdict')).toBe('Valid'))
    await page.getByLabel('who').fill('Ada')
    await page.click('button:text-is("Run")')
    await showsRows(page, { a: 'success' })
    await page.click('text=Output of the workflow')
    expect(await page.textContent('.workflow-output pre')).toBe('{\n  "hello": "Ada"\n}')
  },
)

test.skipIf(isBrowserMissing)('the token is asked for, kept in the tab, and in no address', async () => {
  const server = await pages.serve({ token: 'secret-token', tools: { work: () => 1 } })
  const id = await server.start({ name: 'guarded', tasks: [{ id: 'a', tool: 'work' }] })
  const page = await pages.open(server.url)
  const urls: string[] = []
  page.on('request', request => urls.push(request.url()))
  await shows(async () => expect(await page.textContent('h1')).toBe('This server asks for a token'))
  await page.fill('[type=password]', 'wrong')
  await page.click('text=Continue')
  await shows(async () => expect(await page.textContent('.prompt')).toContain('The token was refused'))
  await page.fill('[type=password]', 'secret-token')
  await page.click('text=Continue')
  await shows(async () => expect(await page.textContent('.list tbody')).toContain('guarded'))
  await page.goto(addressOf(server, id))
  await showsRows(page, { a: 'success' })
  expect(urls.filter(url => url.includes('token'))).toEqual([])
  expect(await page.evaluate(() => [Object.keys(localStorage), document.cookie])).toEqual([[], ''])
})
