import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { httpGetTool } from '../../src/cli/http-get.ts'
import { httpTools } from '../../src/tools/http/index.ts'
import { run } from './fake-process.ts'

test('the built-in tool is what `httpTools` gives, but for the client that it loads late', () => {
  const given = httpTools().find(({ name }) => name === 'http:get')
  expect({ ...httpGetTool, execute: 0 }).toEqual({ ...given, execute: 0 })
})

// A real socket, on loopback: that it is not connected to is what is shown.
test('addresses that are not public are refused, and not connected to', async () => {
  let requestCount = 0
  const server = createServer((_, response) => {
    requestCount += 1
    response.end('private')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/`
  const { code, stdout } = await run(['run', '-', '--json'], {
    tasks: [{ id: 'a', tool: 'http:get', arguments: { url } }],
  })
  const { results } = JSON.parse(stdout) as { results: { status: string; code: string }[] }
  expect([code, results[0]?.status, results[0]?.code, requestCount]).toEqual([
    1,
    'error',
    'HTTP_ADDRESS_NOT_ALLOWED',
    0,
  ])
})
