// Real sockets: a proxy in front of a server over HTTP.
import { expect, test } from 'vitest'
import { startProxy } from '../../tools/proxy-server.ts'
import { createSessions, listen } from './http-rig.ts'
import { call, serve } from './mcp-rig.ts'

/** A server under a name that only the proxy knows, and its place. */
async function listenBehind() {
  const { url } = await listen(createSessions().handle)
  const { port } = new URL(url)
  return { url: `http://tools.internal:${port}/mcp`, place: `tools.internal:${port}`, direct: url }
}

test.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])('a server is reached through %s', async name => {
  const { url, place } = await listenBehind()
  const proxy = await startProxy()
  const tools = await serve({ h: { url } }, { env: { [name]: proxy.url } }).tools()
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
  expect([...new Set(proxy.targets)]).toEqual([place])
})

test.each(['NO_PROXY', 'no_proxy'])('%s goes past the proxy', async name => {
  const { direct } = await listenBehind()
  const proxy = await startProxy()
  const env = { HTTP_PROXY: proxy.url, [name]: 'localhost, 127.0.0.1' }
  const tools = await serve({ h: { url: direct } }, { env }).tools()
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
  expect(proxy.targets).toEqual([])
})

test('a proxy that refuses is named, without its password', async () => {
  const proxy = await startProxy(() => 407)
  const env = { HTTP_PROXY: `http://user:hunter2@127.0.0.1:${proxy.port}` }
  const servers = serve({ h: { url: 'http://tools.internal:8080/mcp' } }, { env })
  await expect(servers.toolsFor({ tasks: [{ tool: 'h:echo' }] })).rejects.toMatchObject({
    message: `MCP server \`h\` does not start: The proxy \`127.0.0.1:${proxy.port}\` answered 407: it refuses the user and password given`,
  })
})
