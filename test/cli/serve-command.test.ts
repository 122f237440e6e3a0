import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createBuiltinTools } from '../../src/cli/input/builtin-tools.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { buildSamples } from '../../src/cli/commands/serve-samples.ts'
import { FakeProcess, run } from './fake-process.ts'

// Real sockets, on loopback: to listen is what the command is about.

/** Starts `serve` on a free port. @returns once it listens */
async function startServe(...argv: string[]): Promise<{ process: FakeProcess; url: string; code: Promise<number> }> {
  return startProcess(new FakeProcess('serve', '--port', '0', '--store', 'memory', ...argv))
}

async function startProcess(
  process: FakeProcess,
): Promise<{ process: FakeProcess; url: string; code: Promise<number> }> {
  let code: Promise<number> | undefined
  const url = await new Promise<string>(resolve => {
    process.stderr.onWrite(text => {
      const match = /listens on (\S+)/.exec(text)
      if (match) resolve(match[1] as string)
    })
    code = runCli(process)
    void code.then(ended => resolve(`ended with ${ended}: ${process.stderr.text}`))
  })
  return { process, url, code: code as Promise<number> }
}

/** Asks whether it is well, as `host`, which no `fetch` lets one choose. @returns the status */
async function askAs(host: string, url: string, token = ''): Promise<number | undefined> {
  const request = get(`${url}/healthz`, { headers: { host, authorization: `Bearer ${token}` } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

test('it prints its address and commands to paste, and ends with Ctrl-C', async () => {
  const { process, url, code } = await startServe()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const response = await fetch(`${url}/healthz`)
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  const head = `  curl -N ${url}/executions -H 'Accept: text/event-stream' -H 'Content-Type: application/json'`
  expect(process.stderr.text.split('\n')).toEqual([
    `dagstream listens on ${url}`,
    `Page: ${url}/`,
    'Executions are kept in memory: they are lost when the server ends',
    'Try in another terminal:',
    expect.stringContaining(`${head} -d '{"tasks":[`),
    `${head} --data-binary @fixtures/hello.json`,
    `  dagstream run fixtures/hello.json --server ${url}`,
    'Ctrl-C ends it.',
    expect.stringContaining('"message":"There is no built-in `llm:chat`: OPENROUTER_API_KEY is not set"'),
    '',
  ])
  expect(process.interrupt()).toBe(1)
  expect(await code).toBe(0)
  expect([process.stdout.text, process.stderr.text.endsWith('exit at once\nDrained\n')]).toEqual(['', true])
  expect([process.interrupt(), process.exits]).toEqual([0, []])
})

test('the page is answered at the root, without the token, and not with --no-page', async () => {
  const ask = async (...flags: readonly string[]): Promise<unknown[]> => {
    const { process, url, code } = await startServe(...flags)
    const { status, headers } = await fetch(`${url}/`)
    process.interrupt()
    await code
    return [status, headers.get('content-type'), process.stderr.text.includes('Page: ')]
  }
  expect(await ask('--token', 'secret')).toEqual([200, 'text/html; charset=utf-8', true])
  expect(await ask('--no-page')).toEqual([404, 'application/problem+json', false])
})

test('with the tools of the shipped report, the report is what to paste; elsewhere no file is', async () => {
  const report = await startServe('--tools', 'fixtures/repository-tools.mjs')
  expect(report.process.stderr.text).toContain('--data-binary @fixtures/repository-report.json\n')
  report.process.interrupt()
  await report.code

  const cwd = mkdtempSync(join(tmpdir(), 'dagstream-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const process = Object.assign(new FakeProcess('serve', '--port', '0', '--store', 'memory'), { cwd })
  const elsewhere = await startProcess(process)
  expect([process.stderr.text.includes('curl'), process.stderr.text.includes('@')]).toEqual([true, false])
  process.interrupt()
  await elsewhere.code
})

test('an address in brackets is quoted: some shells take them for a pattern', async () => {
  const tools = new ToolRegistry(createBuiltinTools())
  const lines = await buildSamples('http://[::1]:8321', false, tools, new FakeProcess())
  expect(lines[0]).toContain("curl -N 'http://[::1]:8321/executions' -H")
  expect(lines.at(-1)).toBe("dagstream run fixtures/hello.json --server 'http://[::1]:8321'")
})

test('a token is asked for, and never shown', async () => {
  const process = new FakeProcess('serve', '--port', '0', '--host', '0.0.0.0', '--store', 'memory')
  process.env['DAGSTREAM_TOKEN'] = 'secret-1'
  const { url, code } = await startProcess(process)
  const { port } = new URL(url)
  expect(process.stderr.text).toContain(
    `curl -N http://127.0.0.1:${port}/executions -H 'Accept: text/event-stream' -H 'Content-Type: application/json' -H "Authorization: Bearer $DAGSTREAM_TOKEN" -d`,
  )
  expect(process.stderr.text).toContain('terminal:\nIn that terminal, first: export DAGSTREAM_TOKEN=…\n  curl ')
  const statuses = []
  for (const token of ['secret-1', 'secret-2']) {
    const response = await fetch(`http://127.0.0.1:${port}/tools`, { headers: { authorization: `Bearer ${token}` } })
    await response.body?.cancel()
    statuses.push(response.status)
  }
  expect(statuses).toEqual([200, 401])
  process.interrupt()
  await code
  expect(process.stderr.text).not.toContain('secret')
})

test('an address that others can reach is refused without a token', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', 'LOCALHOST', '']) {
    const { code, stderr } = await run(['serve', '--port', '0', '--host', host])
    expect([code, stderr]).toEqual([
      2,
      `error Expected --token or DAGSTREAM_TOKEN with --host ${host}: without one, anybody who reaches this port can run its tools\n`,
    ])
  }
  const empty = await run(['serve', '--port', '0', '--host', '0.0.0.0', '--token', ''])
  expect([empty.code, empty.stderr]).toEqual([2, 'error Expected --token to be one or more visible ASCII characters\n'])
  const unusable = await run(['serve', '--port', '0', '--store', 'memory', '--token', 'a"b'])
  expect([unusable.code, unusable.stderr]).toEqual([
    2,
    expect.stringMatching(/^error Expected `token` to be (?!.*a"b)/),
  ])
})

test('further hosts and origins are answered beside those of this machine', async () => {
  const flags = ['--allow-host app.example', '--allow-host Other.Example', '--allow-origin https://a.example']
  const all = [...flags, '--allow-origin http://b.example:8080/'].join(' ').split(' ')
  const { process, url, code } = await startServe(...all)
  const ask = (host: string): Promise<number | undefined> => askAs(host, url)
  const hosts = ['127.0.0.1:1', 'localhost', 'app.example', 'other.example:80', 'else.example']
  expect(await Promise.all(hosts.map(ask))).toEqual([200, 200, 200, 200, 403])
  const origins = ['https://a.example', 'http://b.example:8080', 'https://c.example']
  const allowed = origins.map(async origin => {
    const response = await fetch(`${url}/healthz`, { headers: { origin } })
    await response.body?.cancel()
    return response.headers.get('access-control-allow-origin')
  })
  expect(await Promise.all(allowed)).toEqual([origins[0], origins[1], null])
  process.interrupt()
  await code
})

test('on an address for all every host is answered, unless some are named', async () => {
  const any = await startServe('--host', '0.0.0.0', '--token', 't')
  expect(await askAs('else.example', `http://127.0.0.1:${new URL(any.url).port}`, 't')).toBe(200)
  any.process.interrupt()
  await any.code

  const { process, url, code } = await startServe('--host', '0.0.0.0', '--token', 't', '--allow-host', 'app.example')
  const { port } = new URL(url)
  const ask = (host: string): Promise<number | undefined> => askAs(host, `http://127.0.0.1:${port}`, 't')
  expect(await Promise.all(['127.0.0.1', 'app.example', 'else.example'].map(ask))).toEqual([200, 200, 403])
  process.interrupt()
  await code
})

test('a failure to listen is reported', async () => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  expect(await run(['serve', '--port', `${port}`, '--store', 'memory'])).toEqual({
    code: 1,
    stdout: '',
    stderr: `error Cannot listen on 127.0.0.1 port ${port}: it is in use. Give another --port, or 0 for any free one\n`,
  })
  await new Promise(resolve => other.close(resolve))
  const missing = await run(['serve', '--port', '0', '--store', 'memory', '--host', '192.0.2.1', '--token', 'x'])
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringMatching(/^error Cannot listen on 192\.0\.2\.1 port 0: /),
  ])
})

test.each([
  [['--port', '65536'], 'Expected an integer from 0 to 65535; 0 takes any free port.'],
  [['--port', '80a'], 'Expected an integer from 0 to 65535'],
  [['--allow-origin', 'app.example'], 'Expected an origin: scheme, host and port, such as https://app.example.com.'],
  [['--allow-origin', 'https://app.example/page'], 'Expected an origin'],
  [['--allow-origin', '*'], 'Expected an origin'],
  [['--allow-origin', 'null'], 'Expected an origin'],
  [['--allow-host', 'app.example:80'], 'Expected the name of a host, without port'],
  [['--allow-host', 'http://app.example'], 'Expected the name of a host'],
  [['--log-level', 'all'], 'Allowed choices are debug, info, warn, error, silent.'],
  [['--store', ''], 'Expected `file` to be the path of a file'],
  [['--store', ':memory:'], 'Expected `file` to be the path of a file'],
  [['--store', 'memory', '--durability', 'full'], 'Expected a file as --store with --durability'],
  [['--durability', 'high'], 'Allowed choices are normal, full.'],
  [['--retain-age', '30'], 'Expected an integer of at least 1 with its unit: s, m, h or d, such as 12h or 30d.'],
  [['--retain-age', '0d'], 'Expected an integer of at least 1 with its unit'],
  [['--retain-age', '1.5h'], 'Expected an integer of at least 1 with its unit'],
  [['--retain-count', '0'], 'Expected an integer of at least 1.'],
  [['--timeout', '0'], 'Expected an integer of at least 1.'],
  [['--concurrency', '0'], 'Expected an integer of at least 1.'],
  [['--max-executions', '-1'], 'Expected an integer of at least 1.'],
  [['--max-tokens', '1e3'], 'Expected an integer of at least 1.'],
  [['--max-cost', '0'], 'Expected a number above 0, such as 0.5.'],
  [['--max-cost', '$5'], 'Expected a number above 0'],
  [['--max-cost', 'Infinity'], 'Expected a number above 0'],
  [['--drain', '1.5'], 'Expected an integer of at least 0.'],
])('%j is refused', async (argv, message) => {
  const { code, stderr } = await run(['serve', ...argv])
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})

/** Posts one task of a built-in tool, with options. */
function post(url: string, tool: string, args: object, options?: object): Promise<Response> {
  return fetch(`${url}/executions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workflow: { tasks: [{ id: 'a', tool, arguments: args }] }, options }),
  })
}

test('the bounds of its flags hold for every execution, and no request may ask for more', async () => {
  const flags = '--timeout 100 --concurrency 2 --max-executions 1 --drain 0 --log-level silent'
  const { process, url, code } = await startServe(...flags.split(' '))
  const endless = await (await post(url, 'wait', { ms: 86_400_000 })).json()
  expect(endless).toMatchObject({ status: 'cancelled', reason: { code: 'EXECUTION_TIMEOUT' } })
  for (const [options, expected] of [
    [{ timeoutMs: 0 }, 'Expected `options.timeoutMs` to be more than 0 and at most 100 ms'],
    [{ timeoutMs: 101 }, 'Expected `options.timeoutMs` to be more than 0 and at most 100 ms'],
    [{ maxConcurrency: 3 }, 'Expected `options.maxConcurrency` to be an integer from 1 to 2'],
  ] as const) {
    const refused = await post(url, 'echo', {}, options)
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringContaining(expected) as unknown }),
    ])
  }
  process.interrupt()
  expect(await code).toBe(0)
  expect(process.stderr.text).toContain('Draining: running executions may continue for up to 0.0ms; press')
})

test('executions above --max-executions are refused, and one that exceeds its budget is cancelled', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const tools = join(folder, 'tools.mjs')
  writeFileSync(tools, 'export default { spend: (args, { reportUsage }) => reportUsage(args) }')
  const flags = '--max-executions 1 --max-tokens 10 --max-cost 0.5 --drain 0 --log-level silent'
  const { process, url, code } = await startServe('--tools', tools, ...flags.split(' '))
  for (const usage of [{ totalTokensIn: 11 }, { totalCost: 0.75 }]) {
    const ended = await (await post(url, 'spend', usage)).json()
    expect(ended).toMatchObject({ status: 'cancelled', reason: { code: 'BUDGET_EXCEEDED' } })
  }
  // Its headers come at once, its end with that of the server.
  const running = await post(url, 'wait', { ms: 86_400_000 })
  const refused = await post(url, 'echo', {})
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.any(String)])
  await refused.body?.cancel()
  process.interrupt()
  expect(await running.json()).toMatchObject({ status: 'cancelled', reason: { code: 'SHUTDOWN' } })
  expect(await code).toBe(0)
})

test('running executions may end while it drains, nothing new starts, and a second Ctrl-C exits at once', async () => {
  const { process, url, code } = await startServe('--log-level', 'silent')
  const running = await post(url, 'wait', { ms: 500 })
  process.interrupt()
  const refused = await post(url, 'wait', { ms: 1 })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  await refused.body?.cancel()
  process.interrupt()
  expect(process.exits).toEqual([130])
  expect(await running.json()).toMatchObject({ status: 'success' })
  expect(await code).toBe(0)
})

test('requests are logged as one line each', async () => {
  const { process, url, code } = await startServe()
  await (await fetch(`${url}/tools?secret`)).body?.cancel()
  process.interrupt()
  await code
  const line = process.stderr.text.split('\n').find(each => each.includes('"message":"request"')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    message: 'request',
    method: 'GET',
    path: '/tools',
    status: 200,
  })
  expect(line).not.toContain('secret')
})

test('an unhandled error is logged, and the server continues', async () => {
  const { process, url, code } = await startServe()
  expect(process.strayError(new Error('later'))).toBe(1)
  expect(process.stderr.text).toContain('"level":"error","message":"Unhandled error')
  expect(process.stderr.text).toContain('Error: later')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  process.interrupt()
  expect([await code, process.strayError(new Error('after'))]).toEqual([0, 0])
})

test('idle connections are kept for the time of --keep-alive', async () => {
  const { process, url, code } = await startServe('--keep-alive', '90000')
  const response = await fetch(`${url}/healthz`)
  expect([response.status, response.headers.get('keep-alive')]).toEqual([200, 'timeout=90'])
  await response.text()
  process.interrupt()
  expect(await code).toBe(0)
})

test.each(['0', '-1', '1.5', '75s', '86400001', ''])('--keep-alive %o is refused', async text => {
  const { code, stderr } = await run(['serve', '--port', '0', '--store', 'memory', '--keep-alive', text])
  expect([code, stderr.includes('Expected an integer from 1 to 86400000, in milliseconds.')]).toEqual([2, true])
})
