import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { JsonNumber, type JsonSchema } from '../../../src/index.ts'
import type { McpConfig } from '../../../src/integrations/mcp/index.ts'
import { listen } from './http-rig.ts'
import { run, serve } from './mcp-rig.ts'

const SCHEMA: JsonSchema = { type: 'object', properties: { id: { type: 'integer', maximum: 2 ** 63 } } }

/** The answer of a server that writes and reads JSON by hand: the arguments of a call come back as they were written. */
const ANSWER = `(line => {
  const { id, method } = JSON.parse(line)
  const answer = result => '{"jsonrpc":"2.0","id":' + id + ',"result":' + result + '}'
  if (method === 'initialize')
    return answer('{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"raw","version":"1"}}')
  if (method === 'tools/list') return answer('{"tools":[{"name":"raw","inputSchema":${JSON.stringify(SCHEMA)}}]}')
  if (method !== 'tools/call') return undefined
  const written = /"arguments":({[^}]*})/.exec(line)[1]
  const text = '{"content":[{"type":"text","text":"1e999 \\\\"9007199254740993\\\\" é"}],"structuredContent":' + '{"got":' + written + ',"big":[1e999]}}'
  return answer(text)
})`

const answer = (line: string): string | undefined => {
  // oxlint-disable-next-line no-eval -- the same code runs in a process of its own
  return (0, eval)(ANSWER)(line) as string | undefined
}

/** A log line of a server. */
const LOG =
  '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"id":9007199254740993}}}'

const PROGRAM = `
const answer = ${ANSWER}
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const text = answer(line)
  if (text?.includes('structuredContent')) process.stdout.write('${LOG}\\n')
  if (text !== undefined) process.stdout.write(text + '\\n')
})`

async function startHttp(kind: 'json' | 'sse' | 'bytes'): Promise<McpConfig['mcpServers']> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const text = request.method === 'POST' ? answer(body) : undefined
    if (text === undefined) return void response.writeHead(request.method === 'POST' ? 202 : 405).end()
    if (kind === 'json') return void response.setHeader('content-type', 'application/json').end(text)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = Buffer.from(`: 9007199254740993 "result"\nid: 9007199254740993\nevent: message\ndata: ${text}\n\n`)
    if (text.includes('structuredContent')) response.write(`data: ${LOG}\n\n`)
    if (kind === 'sse') return void response.end(event)
    for (let at = 0; at < event.length; at += 7) {
      response.write(event.subarray(at, at + 7))
      await new Promise(setImmediate)
    }
    response.end()
  }
  const { url } = await listen((request, response) => void handle(request, response))
  return { s: { url } }
}

const servers: Record<string, () => Promise<McpConfig['mcpServers']> | McpConfig['mcpServers']> = {
  stdio: () => ({ s: { command: process.execPath, args: ['-e', PROGRAM] } }),
  'HTTP, one JSON': () => startHttp('json'),
  'HTTP, a stream': () => startHttp('sse'),
  'HTTP, a stream in pieces': () => startHttp('bytes'),
}

test.each(Object.keys(servers))('digits of arguments and results are kept: %s', async name => {
  const config = (await servers[name]?.()) ?? {}
  const provider = serve(config)
  const tasks = [{ id: 'a', tool: 's:raw', arguments: { id: '$INPUT.id', text: '1e999', n: '$INPUT.n' } }]
  const input = { id: new JsonNumber('9007199254740993'), n: new JsonNumber('-1e400') }
  const tools = await provider.toolsFor({ tasks })
  const { result, events } = await run([...tools], tasks, { input })
  expect(result.results.map(({ error, output }) => error ?? output)).toEqual([
    { got: { id: input.id, text: '1e999', n: input.n }, big: [new JsonNumber('1e999')] },
  ])
  const logged = events.flatMap(event => (event.type === 'info' ? [event.data.message] : []))
  // One JSON has no place for it.
  expect(logged.some(message => message.includes('{"id":9007199254740993}'))).toBe(name !== 'HTTP, one JSON')
  const warnings = events.filter(event => event.type === 'info' && event.data.message.includes('digits'))
  expect(warnings).toEqual([])
})
