import { mkdtemp, readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { serve } from '../../src/http/node/serve.ts'
import { PageFiles } from '../../src/cli/page/page-files.ts'
import { runFake, runWithBrowser, runWithInput } from './page-commands-rig.ts'

const RECORD = {
  executionId: 'x1',
  status: 'success',
  // As `executions export` writes it.
  workflow: {
    tasks: [
      { id: 'a', tool: 't' },
      { id: 'b', tool: 't', dependsOn: ['a'] },
    ],
  },
}
const EVENT = { id: 'x1.1', type: 'execution_start', data: { executionId: 'x1', timestamp: '', text: '</script><b>' } }
const lines = (...values: readonly object[]): string => values.map(value => `${JSON.stringify(value)}\n`).join('')

/** What a page holds. */
function readData(html: string): { readonly graph?: readonly object[]; readonly events: readonly object[] } {
  const text = /<script type="application\/json" id="dagstream-execution">([^]*?)<\/script>/.exec(html)?.[1] as string
  expect(text).not.toContain('<')
  return JSON.parse(text)
}

describe('`view`', () => {
  test('writes one file whose policy has the hash of its script, and whose data has no `<`', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'dagstream-view-')), 'out.html')
    const { code, stdout } = await runWithInput(lines(RECORD, EVENT), 'view', '-', '-o', file)
    expect([code, stdout]).toEqual([0, ''])
    const html = await readFile(file, 'utf8')
    expect(readData(html)).toMatchObject({ executionId: 'x1', events: [EVENT] })
    const graph = [
      { taskId: 'a', tool: 't', dependsOn: [] },
      { taskId: 'b', tool: 't', dependsOn: ['a'] },
    ]
    expect(readData(html).graph).toEqual(graph)
    const script = /<script type="module">([^]*?)<\/script>/.exec(html)?.[1] as string
    const hash = createHash('sha256').update(script).digest('base64')
    expect(html).toContain(`default-src 'none'; script-src 'sha256-${hash}'`)
    expect(html).not.toMatch(/ (?:src|href)="/)
  })

  test('draws the document as patches have changed it', async () => {
    const added = {
      taskId: 'c',
      tool: 't',
      layer: 1,
      dependsOn: ['a'],
      definition: { id: 'c', tool: 't', dependsOn: ['a'] },
    }
    const events = [
      { id: 'x1.2', type: 'tasks_removed', data: { executionId: 'x1', timestamp: '', taskIds: ['b'], totalTasks: 1 } },
      { id: 'x1.3', type: 'tasks_added', data: { executionId: 'x1', timestamp: '', tasks: [added], totalTasks: 2 } },
    ]
    const { stdout } = await runWithInput(lines(RECORD, EVENT, ...events), 'view', '-')
    expect(readData(stdout).graph).toMatchObject([{ taskId: 'a' }, { taskId: 'c', dependsOn: ['a'] }])
  })

  test('writes to standard output without a file, and takes an export of a server, which has no document', async () => {
    const { executionId, status } = RECORD
    const { code, stdout } = await runWithInput(lines({ executionId, status }, EVENT), 'view', '-')
    expect([code, readData(stdout).graph]).toEqual([0, undefined])
  })

  test.each([
    ['several executions', lines(RECORD, EVENT, RECORD), 'Expected standard input to hold one execution'],
    ['what is no export', lines({ a: 1 }), 'Expected line 1 of standard input to be an event'],
    ['events without an execution', lines(EVENT), 'Expected standard input to begin with an execution'],
    ['a line that is not JSON', `${lines(RECORD)}{"id":`, 'Line 2 of standard input is not JSON'],
    ['nothing', '', 'Expected standard input to begin with an execution'],
  ])('refuses %s', async (_, input, message) => {
    const { code, stderr } = await runWithInput(input, 'view', '-')
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

describe('`open`', () => {
  test('opens the page of an execution, and prints its address', async () => {
    const files = new PageFiles()
    const handler = createHandler({ tools: {} })
    const fetch = async (request: Request): Promise<Response> => (await files.answer(request)) ?? handler.fetch(request)
    const server = await serve({ fetch, close: handler.close }, { port: 0 })
    const opened: string[] = []
    const open = (url: string): boolean => opened.push(url) > 0
    const address = `${server.url}/#/executions/x1`
    expect(await runWithBrowser(open, 'open', 'x1', '--server', server.url)).toMatchObject({
      code: 0,
      stdout: `${address}\n`,
    })
    expect(await runWithBrowser(open, 'open', '--server', server.url)).toMatchObject({ stdout: `${server.url}/\n` })
    expect(await runWithBrowser(open, 'open', 'x1', '--print', '--server', server.url)).toMatchObject({ code: 0 })
    expect(opened).toEqual([address, `${server.url}/`])
    const without = await runWithBrowser(() => false, 'open', 'x1', '--server', server.url)
    expect([without.code, without.stderr]).toEqual([0, expect.stringContaining('open the address yourself')])
    await server.close()
  })

  test('fails where there is no page, and refuses a malformed id', async () => {
    const handler = createHandler({ tools: {} })
    const server = await serve(handler, { port: 0 })
    const { code, stderr } = await runFake('open', 'x1', '--server', server.url)
    expect([code, stderr]).toEqual([1, expect.stringContaining('serves no page')])
    await server.close()
    expect((await runFake('open', '../x', '--server', server.url)).code).toBe(2)
  })
})
