import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { listenByHand, STREAM } from './http-rig.ts'
import { run, serve } from './mcp-rig.ts'

const JSON_BODY = { 'content-type': 'application/json' }
const fine = (id: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'fine' }] } })

/** Runs one call without any timeout: what is never answered would end its test. */
async function callOdd(url: string) {
  const tools = await serve({ h: { url } }).tools()
  const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }], { taskTimeoutMs: 0 })
  return result.results[0]
}

const FAULT = 'MCP server `h` sent an answer that violates the protocol: '

describe('a call fails at once by a response', () => {
  test.each<[string, (response: ServerResponse, id: unknown) => void, string]>([
    ['of an empty body', response => response.writeHead(200, JSON_BODY).end(), `${FAULT}it is empty`],
    ['of an empty array', response => response.writeHead(200, JSON_BODY).end('[]'), `${FAULT}it is an empty array`],
    ['of null', response => response.writeHead(200, JSON_BODY).end('null'), `${FAULT}it is null, not an object`],
    ['of text', response => response.writeHead(200, JSON_BODY).end('"done"'), `${FAULT}it is a string, not an object`],
    [
      'of no JSON',
      response => response.writeHead(200, JSON_BODY).end('Bad gateway'),
      `${FAULT}it is not JSON: Bad gateway`,
    ],
    [
      'of another call',
      (response, id) => response.writeHead(200, JSON_BODY).end(fine(Number(id) + 1000)),
      `${FAULT}it does not belong to this call`,
    ],
    [
      'that only accepts it',
      response => response.writeHead(202).end(),
      `${FAULT}it is 202 Accepted, and there is no stream for the answer itself`,
    ],
    [
      'that only accepts it, in words',
      response => response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted'),
      `${FAULT}it is 202 Accepted, and there is no stream for the answer itself`,
    ],
    ['without content', response => response.writeHead(204).end(), `${FAULT}it is empty`],
    [
      'of another type',
      response => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'MCP server `h`: it sent no answer of the protocol: Unexpected content type: text/html',
    ],
  ])('%s', async (_, answer, error) => {
    const { url } = await listenByHand((id, response) => answer(response, id))
    expect(await callOdd(url)).toMatchObject({ status: 'error', code: 'TOOL_ERROR', error })
  })
})

describe('a call is answered', () => {
  test.each<[string, (response: ServerResponse, id: unknown) => void]>([
    [
      'by JSON with a charset',
      (response, id) => response.writeHead(200, { 'content-type': 'Application/JSON; charset=utf-8' }).end(fine(id)),
    ],
    ['by JSON that is accepted', (response, id) => response.writeHead(202, JSON_BODY).end(fine(id))],
    [
      'by an event that the stream ends without a blank line',
      (response, id) => response.writeHead(200, STREAM).end(`data: ${fine(id)}`),
    ],
    [
      'by an event of several lines',
      (response, id) =>
        response.writeHead(200, STREAM).end(`data: {"jsonrpc":"2.0",\r\ndata: ${fine(id).slice(17)}\r\n\r\n`),
    ],
    [
      'behind comments and events of other kinds',
      (response, id) =>
        response
          .writeHead(200, STREAM)
          .end(`: hello\n\nevent: ping\ndata: x\n\ndata: ping\n\ndata:\n\ndata: ${fine(id)}\n\n`),
    ],
    [
      'by a stream of events with ids',
      (response, id) => response.writeHead(200, STREAM).end(`id: 1\ndata: ${fine(id)}\n\n`),
    ],
  ])('%s', async (_, answer) => {
    const { url } = await listenByHand((id, response) => answer(response, id))
    expect(await callOdd(url)).toMatchObject({ status: 'success', output: 'fine' })
  })

  test('on the stream that the client listens on, where the response only accepts the call', async () => {
    let listening: ServerResponse | undefined
    const { url } = await listenByHand(
      (id, response) => {
        response.writeHead(202).end('Accepted')
        setTimeout(() => listening?.write(`event: message\ndata: ${fine(id)}\n\n`), 50)
      },
      response => {
        listening = response.writeHead(200, STREAM)
        response.flushHeaders()
      },
    )
    expect(await callOdd(url)).toMatchObject({ status: 'success', output: 'fine' })
  })

  test.each<[string, string]>([
    ['an error', '"error":{"code":5,"message":"no"}'],
    ['an answer that is none', '"result":null'],
  ])('%s on a stream with event ids does not make the client resume it', async (_, members) => {
    const lastIds: unknown[] = []
    const { url } = await listenByHand(
      (id, response) =>
        response
          .writeHead(200, STREAM)
          .end(`id: e1\nretry: 1\ndata: {"jsonrpc":"2.0","id":${String(id)},${members}}\n\n`),
      (response, request) => {
        lastIds.push(request.headers['last-event-id'])
        response.writeHead(405).end()
      },
    )
    const tools = await serve({ h: { url } }).tools()
    for (let n = 0; n < 5; n++) {
      const { result } = await run(tools, [{ id: 'a', tool: 'h:odd' }])
      expect(result.results).toMatchObject([{ status: 'error', code: 'TOOL_ERROR' }])
    }
    expect(lastIds).toEqual([undefined])
  })
})
