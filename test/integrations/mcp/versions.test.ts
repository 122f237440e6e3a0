import { describe, expect, test } from 'vitest'
import { call, serve } from './mcp-rig.ts'
import { type VerbatimServer, verbatimJson, verbatimProcess, verbatimStream } from './verbatim-rig.ts'

const VERSIONS = ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
const TRANSPORTS: [string, VerbatimServer][] = [
  ['a process', verbatimProcess],
  ['JSON', verbatimJson],
  ['a stream', verbatimStream],
]

function answerVersion(version: string): string {
  const result = { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 'v', version: '1' } }
  return `{"jsonrpc":"2.0","id":$ID,"result":${JSON.stringify(result)}}`
}

describe.each(TRANSPORTS)('over %s', (_, open) => {
  test.each(VERSIONS)('a server of version %s is called', async version => {
    const tools = await serve({ h: await open({ initialize: answerVersion(version) }) }).tools()
    expect((await call(tools, 'h:odd')).task).toMatchObject({ status: 'success', output: 'fair' })
  })

  test.each(['2026-07-28', '1999-01-01'])('a server that insists on version %s does not start', async version => {
    const servers = serve({ h: await open({ initialize: answerVersion(version) }) })
    await expect(servers.toolsFor({ tasks: [{ tool: 'h:odd' }] })).rejects.toMatchObject({
      code: 'TOOLS_UNAVAILABLE',
      message: `MCP server \`h\` does not start: Server's protocol version is not supported: ${version}`,
    })
  })
})
