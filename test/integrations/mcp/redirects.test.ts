import { expect, test } from 'vitest'
import type { Tool } from '../../../src/index.ts'
import { createSessions, listen } from './http-rig.ts'
import { call, serve } from './mcp-rig.ts'

const HEADERS = { 'X-Key': 'abcdefgh' }

/** What a workflow that names the server gets. */
function open(url: string): Promise<Tool[]> {
  return serve({ h: { url, headers: HEADERS, concurrency: 1 } }).toolsFor({ tasks: [{ tool: 'h:echo' }] })
}

test.each([307, 308])('a redirect by %i to another path of the server is followed', async status => {
  const sessions = createSessions()
  const { url } = await listen((request, response) => {
    if (request.url === '/mcp') response.writeHead(status, { location: '/mcp/' }).end()
    else sessions.handle(request, response)
  })
  const tools = await open(url)
  expect((await call(tools, 'h:echo', { text: 'x' })).task).toMatchObject({ status: 'success', output: 'x' })
  expect(new Set(sessions.headers.map(headers => headers['x-key']))).toEqual(new Set(['abcdefgh']))
})

test('a redirect to another origin is not followed: it would get the configured headers', async () => {
  const sessions = createSessions()
  const other = await listen(sessions.handle)
  const { url } = await listen((_request, response) => void response.writeHead(307, { location: other.url }).end())
  await expect(open(url)).rejects.toMatchObject({
    code: 'TOOLS_UNAVAILABLE',
    message: expect.stringContaining(
      `it answered 307: Error POSTing to endpoint: Redirect to ${other.url} not followed`,
    ),
  })
  expect(sessions.headers).toEqual([])
})
