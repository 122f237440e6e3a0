import { expect, test } from 'vitest'
import { openExecutionPage } from '../../src/cli/page/execution-page.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { runFake } from './page-commands-rig.ts'

test('others may look, answer and cancel, and start nothing', async () => {
  const tool = new ControlledTool()
  const page = await openExecutionPage({ tools: { work: tool.execute }, createId: () => 'x1' })
  const ask = async (method: string, path: string, headers: Record<string, string> = {}): Promise<number> => {
    const body = method === 'POST' ? JSON.stringify({ tasks: [{ id: 'a', tool: 'work', approve: true }] }) : undefined
    const init = { method, headers: { 'content-type': 'application/json', prefer: 'respond-async', ...headers } }
    const response = await fetch(`${page.url}${path}`, { ...init, ...(body !== undefined && { body }) })
    await response.body?.cancel()
    return response.status
  }
  const own = { authorization: `Bearer ${page.token}` }
  expect(await ask('POST', '/executions')).toBe(403)
  expect(await ask('POST', '/executions', { authorization: 'Bearer other' })).toBe(403)
  expect(await ask('POST', '/executions', own)).toBe(202)
  for (const path of [
    '/',
    '/page/page.js',
    '/executions',
    '/executions/x1',
    '/executions/x1/graph',
    '/executions/x1/events',
  ]) {
    expect([path, await ask('GET', path)]).toEqual([path, 200])
  }
  const refused = [
    ['POST', '/executions/x1/fork'],
    ['POST', '/executions/x1/resume'],
    ['POST', '/executions/x1/token'],
    ['POST', '/workflows/one/executions'],
    ['POST', '/workflows/validate'],
    ['DELETE', '/executions/x1'],
  ] as const
  for (const [method, path] of refused) expect([path, await ask(method, path)]).toEqual([path, 403])
  expect(await ask('POST', '/executions/x1/inputs/a.0')).toBe(400)
  expect(await ask('POST', '/executions/x1/cancel')).toBe(202)
  await page.close()
  expect(tool.started).toEqual([])
})

test('`run --page` prints the address of the page, runs the workflow and ends with its result', async () => {
  const { code, stdout, stderr } = await runFake('run', 'fixtures/hello.json', '--page', '--json')
  expect([code, JSON.parse(stdout).status]).toEqual([0, 'success'])
  const { executionId } = JSON.parse(stdout)
  expect(stderr).toMatch(new RegExp(`^Page: http://127\\.0\\.0\\.1:\\d+/#/executions/${executionId}\n`))
})

test.each([['--server', 'http://127.0.0.1:1'], ['--store', 'x.db'], ['--dry-run']])(
  '`--page` is refused beside %s',
  async (...flags) => {
    const { code, stderr } = await runFake('run', 'fixtures/hello.json', '--page', ...flags)
    expect([code, stderr]).toEqual([2, expect.stringContaining('--page')])
  },
)
