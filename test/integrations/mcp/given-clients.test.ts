import { Client as SplitClient, InMemoryTransport } from '@modelcontextprotocol/client'
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createMcpServers, mcpTools } from '../../../src/integrations/mcp/index.ts'
import { createSdkServer } from './http-rig.ts'
import { call } from './mcp-rig.ts'

/** Both classes have the methods of a client, with types of their own. */
const CLIENTS: [string, () => Promise<SplitClient | FirstClient>][] = [
  ['@modelcontextprotocol/client', () => connect(new SplitClient({ name: 'test', version: '1' }))],
  ['@modelcontextprotocol/sdk', () => connect(new FirstClient({ name: 'test', version: '1' }))],
]

async function connect<T extends SplitClient | FirstClient>(client: T): Promise<T> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await createSdkServer().connect(theirs)
  await client.connect(ours)
  return client
}

describe.each(CLIENTS)('of %s', (_name, open) => {
  test('connected clients give tools, and stay open when these are closed', async () => {
    const client = await open()
    const tools = await mcpTools({ s: client })
    expect(tools.map(({ name }) => name)).toEqual(['s:echo', 's:hang', 's:progress', 's:log'])
    expect((await call(tools, 's:echo', { text: 'x' })).task.output).toBe('x')
    await tools.close()
    expect((await call(tools, 's:echo')).task).toMatchObject({
      code: 'MCP_SERVER_UNAVAILABLE',
      error: 'MCP server `s` was closed',
    })
    await expect(client.ping()).resolves.toEqual({})
  })

  test('a given client may have the options of a server', async () => {
    const tools = await mcpTools({
      s: { client: await open(), readOnlyTools: ['echo'], timeoutMs: 50, checkArguments: false },
    })
    expect(tools[0]).toMatchObject({ readOnly: true, timeoutMs: 50, checkArguments: false })
  })

  test('handlers of the client’s owner still receive their notifications', async () => {
    const client = await open()
    const heard: string[] = []
    const fallback = async ({ method }: { method: string }): Promise<void> => void heard.push(method)
    client.fallbackNotificationHandler = fallback
    const tools = await mcpTools({ s: { client, concurrency: 1 } })
    const { events } = await call(tools, 's:log')
    expect(events.filter(({ type }) => type === 'info')).toHaveLength(1)
    expect(heard).toEqual(['notifications/message'])
    await tools.close()
    expect(client.fallbackNotificationHandler).toBe(fallback)
  })

  test('a call may take longer than the SDK’s own 60 s', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const client = await open()
    const timeouts: string[] = []
    const ours = call(await mcpTools({ s: { client, concurrency: 1 } }), 's:hang', {}, { timeoutMs: 90_000 })
    void ours.then(({ task }) => timeouts.push(String(task.error)))
    void client.callTool({ name: 'hang' }).catch(error => timeouts.push(String(error.message)))
    await vi.advanceTimersByTimeAsync(89_000)
    // That of a call of the SDK alone.
    expect(timeouts).toEqual([expect.stringMatching(/Request timed out$/)])
    await vi.advanceTimersByTimeAsync(2000)
    expect(timeouts.slice(1)).toEqual(['Timed out after 90000 ms'])
  })

  test('a client whose connection ends fails its calls, and is not connected again', async () => {
    const client = await open()
    const tools = await createMcpServers({ s: { client, concurrency: 2 } }).tools()
    const running = call(tools, 's:hang')
    await call(tools, 's:echo')
    await client.close()
    expect((await running).task).toMatchObject({ code: 'MCP_SERVER_LOST' })
    expect((await call(tools, 's:echo')).task).toMatchObject({ error: 'MCP server `s` is not connected' })
  })

  test('an error that the server answers with has its code, and is not repeated where it refuses the call', async () => {
    const client = await open()
    const tools = await mcpTools({ s: { client, concurrency: 1 } })
    const { task } = await call(tools, 's:echo', { text: 'refuse' }, { retry: { maxAttempts: 2, initialDelayMs: 0 } })
    expect(task).toMatchObject({ code: 'TOOL_ERROR', error: 'MCP error -32602: Not like this', attempts: 1 })
  })
})
