import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpTools } from '../../src/cli/input/http-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { httpTools } from '../../src/integrations/http/index.ts'
import { folderWith } from './chat-rig.ts'
import { FakeProcess } from './fake-process.ts'

test.each([undefined, {}, { limit: 2, limitPerHost: 1, retry: { maxAttempts: 7 } }])(
  'the built-in tools with %j are what `httpTools` gives, but for the client that they load late',
  options => {
    const given = httpTools(options).map(tool => ({ ...tool, execute: 0 }))
    const built = createHttpTools(options).map(tool => ({ ...tool, execute: 0 }))
    expect(built).toEqual(options === undefined ? given.slice(0, 1) : given)
  },
)

/** A server on loopback that keeps what it was asked. */
async function startServer(): Promise<{ readonly url: string; readonly requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.end('private')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}

/** Runs a command line where this configuration lies, if any. */
async function runIn(
  config: unknown,
  argv: readonly string[],
  document: unknown,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = new FakeProcess(...argv)
  if (config !== undefined) Object.assign(process, { cwd: folderWith(config) })
  process.stdin = Readable.from([JSON.stringify(document)])
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}

const one = (tool: string, args: object): object => ({ tasks: [{ id: 'a', tool, arguments: args }] })

// Real sockets, on loopback: what is connected to, and what is not, is what is shown.
test('without a configuration addresses that are not public are refused, and not connected to', async () => {
  const { url, requests } = await startServer()
  const { code, stdout } = await runIn(undefined, ['run', '-', '--json'], one('http:get', { url }))
  const { results } = JSON.parse(stdout) as { results: { code: string }[] }
  expect([code, results[0]?.code, requests.length]).toEqual([1, 'HTTP_ADDRESS_NOT_ALLOWED', 0])
})

test('the section `http` of the configuration says where requests may go, and adds http:request', async () => {
  const { url, requests } = await startServer()
  const http = { allowedHosts: ['127.0.0.1'], hostHeaders: { '127.0.0.1': { authorization: 'Bearer of-the-file' } } }
  const post = one('http:request', { method: 'POST', url, body: { json: 1 } })
  expect(await runIn({ http }, ['run', '-', '--json'], post)).toMatchObject({ code: 0 })
  expect([requests[0]?.method, requests[0]?.headers.authorization]).toEqual(['POST', 'Bearer of-the-file'])
  expect((await runIn({ http }, ['validate', '-'], post)).code).toBe(0)
  expect((await runIn({ http }, ['tools'], {})).stdout).toContain('http:request')
  const elsewhere = await runIn({ http }, ['run', '-', '--json'], one('http:get', { url: 'http://example.test/' }))
  expect(elsewhere.stdout).toContain('HTTP_HOST_NOT_ALLOWED')
  const { code, stderr } = await runIn({}, ['validate', '-'], post)
  expect([code, stderr.split(' ')[0]]).toEqual([2, 'UNKNOWN_TOOL'])
})

test.each([
  [{ allowHosts: [] }, 'There is no field `http.allowHosts` of `dagstream.config.json`; known are allowedHosts, '],
  [{ prefix: 'x' }, 'There is no field `http.prefix`'],
  [[], '`dagstream.config.json`, `http`: Expected `http` to be an object, got array'],
  ['x', '`dagstream.config.json`, `http`: Expected `http` to be an object'],
  [{ allowedHosts: 'x.test' }, '`dagstream.config.json`, `http`: Expected `allowedHosts` to be an array of hosts'],
  [{ timeoutMs: '5' }, 'Expected `timeoutMs` to be a number'],
  [{ maxRedirects: 99 }, 'Expected `maxRedirects` to be an integer from 0 to 20'],
  [{ limit: 'x' }, '`http:get`'],
  [{ retry: { attempts: 2 } }, '`http:get`'],
])('%j as the section `http` is refused', async (http, message) => {
  for (const argv of [['run', '-'], ['validate', '-'], ['tools'], ['serve', '--port', '0', '--store', 'memory']]) {
    const { code, stdout, stderr } = await runIn({ http }, argv, one('echo', {}))
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
  }
})
