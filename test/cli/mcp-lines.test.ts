import { expect, test } from 'vitest'
import { McpLines } from '../../src/cli/render/mcp-lines.ts'
import { contextOf, FakeProcess } from './fake-process.ts'

test('a line that reads like the end of a server is reported, the end itself is not', () => {
  const process = new FakeProcess()
  const lines = new McpLines(contextOf(process))
  lines.debug('MCP server `db`: the pool `main`: was closed', { server: 'db' })
  lines.debug('MCP server `db`: was closed', { server: 'db', isClosed: true })
  expect(process.stderr.text).toBe('mcp db: the pool `main`: was closed\n')
})
