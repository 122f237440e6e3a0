import pc from 'picocolors'
import { expect, test } from 'vitest'
import { Output } from '../../src/cli/console.ts'
import { McpLines } from '../../src/cli/mcp-lines.ts'
import { FakeProcess } from './fake-process.ts'

test('a line that reads like the end of a server is told, the end itself is not', () => {
  const process = new FakeProcess()
  const [stdout, stderr] = [new Output(process.stdout), new Output(process.stderr)]
  const lines = new McpLines({ process, stdout, stderr, colors: pc.createColors(false) })
  lines.debug('MCP server `db`: the pool `main`: was closed', { server: 'db' })
  lines.debug('MCP server `db`: was closed', { server: 'db', isClosed: true })
  expect(process.stderr.text).toBe('mcp db: the pool `main`: was closed\n')
})
