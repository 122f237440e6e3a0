import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { McpConfig } from '../../../src/integrations/mcp/index.ts'
import { listen, readBody } from './http-rig.ts'

const VERBATIM = fileURLToPath(new URL('../../../fixtures/mcp/verbatim-server.mjs', import.meta.url))

/** Texts by method; `$ID` stands for the id of the request, `$TOKEN` for its progress token. */
export type Verbatim = Readonly<Record<string, string>>

/** A server that answers word for word, and methods that are not named fairly. */
export type VerbatimServer = (verbatim: Verbatim) => Promise<McpConfig['mcpServers'][string]>

export const verbatimProcess: VerbatimServer = async verbatim => ({
  command: process.execPath,
  args: [VERBATIM, JSON.stringify(verbatim)],
})

/** One whole body of JSON as each answer. */
export const verbatimJson: VerbatimServer = verbatim =>
  listenVerbatim(verbatim, (response, text) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  })

/** One event as each answer, on a stream that stays open: whoever waits for its end waits for ever. */
export const verbatimStream: VerbatimServer = verbatim =>
  listenVerbatim(verbatim, (response, text) => {
    const data = text.split('\n').map(line => `data: ${line}\n`)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`id: 7\n${data.join('')}\n`)
  })

const FAIR: Verbatim = {
  initialize:
    '{"jsonrpc":"2.0","id":$ID,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"v","version":"1"}}}',
  'tools/list': '{"jsonrpc":"2.0","id":$ID,"result":{"tools":[{"name":"odd","inputSchema":{"type":"object"}}]}}',
  'tools/call': '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"fair"}]}}',
}

async function listenVerbatim(verbatim: Verbatim, answer: (response: ServerResponse, text: string) => void) {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: Params }
    if (id === undefined) return void response.writeHead(202).end()
    const token = String(params?.['_meta']?.progressToken)
    const text = (verbatim[method] ?? FAIR[method] ?? '').replaceAll('$ID', String(id)).replaceAll('$TOKEN', token)
    answer(response, text)
  }
  const { url } = await listen((request, response) => void handle(request, response))
  return { url }
}

type Params = Readonly<Record<string, { readonly progressToken?: number }>>
