import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { type ConnectOptions, connectClient, type McpClient } from '../mcp-server/mcp-rig.ts'
import { end, expectBuild, root, start } from './program.ts'

// The built program as a host starts it: a client of the SDK on a pipe, and one on a socket.

beforeAll(expectBuild)

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const HELLO = {
  inputSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  tasks: [{ id: 'a', tool: 'echo', arguments: { text: 'Hello, $INPUT.name' } }],
  output: '$OUTPUT[a].text',
}

/** A folder with one registered workflow. */
function makeFolder(workflow: object = HELLO): string {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-mcp-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'hello.json'), JSON.stringify(workflow))
  return folder
}

interface Hosted extends McpClient {
  readonly stderr: () => string
}

async function host(argv: readonly string[], onElicit?: ConnectOptions['onElicit']): Promise<Hosted> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MAIN, 'mcp', ...argv],
    cwd: root,
    stderr: 'pipe',
  })
  let stderr = ''
  transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const client = await connectClient(transport, onElicit)
  return { ...client, stderr: () => stderr }
}

test('`mcp` serves registered workflows over standard input and output', async () => {
  const { call, client } = await host(['--workflows', makeFolder()])
  expect((await client.listTools()).tools[0]?.name).toBe('hello')
  const { structured } = await call('hello', { name: 'Ada' })
  expect(structured).toEqual({ executionId: expect.any(String), status: 'success', output: 'Hello, Ada' })
  const { isError, text } = await call('hello', {})
  expect([isError, (JSON.parse(text) as { issueCount: number }).issueCount]).toEqual([true, 1])
})

test('questions are asked by elicitation over standard input and output', async () => {
  const workflow = { tasks: [{ id: 'a', tool: 'echo', arguments: { n: 1 }, approve: { message: 'Go?' } }] }
  const { call } = await host(['--workflows', makeFolder(workflow)], ({ message }) => {
    return { action: 'accept', content: { answer: message === 'Go?' } }
  })
  expect((await call('hello')).structured).toMatchObject({ status: 'success', output: { a: { n: 1 } } })
})

test('whatever tools print goes to standard error, and the protocol is unharmed', async () => {
  const { call, stderr } = await host(['--tools', 'test/cli/printing-tools.mjs'])
  const tools = ['log', 'write', 'fsWriteSync', 'spawn']
  const workflow = { tasks: tools.map(tool => ({ id: tool, tool })) }
  expect((await call('run_workflow', { workflow })).structured).toMatchObject({ status: 'success' })
  await expect
    .poll(() => ['log', 'write', 'fs.writeSync', 'spawn'].filter(way => !stderr().includes(`noise: ${way}`)))
    .toEqual([])
})

test('`mcp` ends with its standard input', async () => {
  const { code, stdout, stderr } = await end(start(['mcp']))
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('`serve --mcp-server` serves them over HTTP', async () => {
  const server = start(['serve', '--port', '0', '--store', 'memory', '--mcp-server', '--workflows', makeFolder()])
  onTestFinished(() => void server.kill('SIGKILL'))
  const url = await new Promise<string>(resolve => {
    let text = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const match = /listens on (\S+)/.exec(text)
      if (match !== null) resolve(match[1] as string)
    })
  })
  const { call } = await connectClient(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)))
  expect((await call('hello', { name: 'Bob' })).structured).toMatchObject({ status: 'success', output: 'Hello, Bob' })
})
