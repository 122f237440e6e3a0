import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { leaveUnfinished, makeFolder, parseLines, processIn, runIn } from './store-rig.ts'
import type { FakeProcess } from './fake-process.ts'

// Real sockets, on loopback: to listen is what the command is about.

interface Serving {
  readonly process: FakeProcess
  readonly url: string
  /** Presses Ctrl-C. @returns the exit code */
  readonly end: () => Promise<number>
}

async function startServe(cwd: string, ...argv: string[]): Promise<Serving> {
  const process = processIn(cwd, ['serve', '--port', '0', ...argv])
  let code: Promise<number> | undefined
  const url = await new Promise<string>((resolve, reject) => {
    process.stderr.onWrite(text => {
      const match = /listens on (\S+)/.exec(text)
      if (match) resolve(match[1] as string)
    })
    code = runCli(process)
    void code.then(ended => reject(new Error(`ended with ${ended}: ${process.stderr.text}`)))
  })
  const end = (): Promise<number> => {
    process.interrupt()
    return code as Promise<number>
  }
  return { process, url, end }
}

async function post(url: string, workflow: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/executions?key=query-secret`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ workflow, input: 'input-secret' }),
  })
}

const ECHO = { tasks: [{ id: 'a', tool: 'echo', arguments: { text: '$INPUT' } }] }

test('executions are kept in a folder of their own that git ignores, beyond the end of the server', async () => {
  const cwd = makeFolder()
  const first = await startServe(cwd)
  expect(first.process.stderr.text).toContain('\nExecutions are kept in .dagstream/executions.db\n')
  const { executionId } = (await (await post(first.url, ECHO)).json()) as { executionId: string }
  expect(await first.end()).toBe(0)
  expect(readdirSync(cwd)).toEqual(['.dagstream'])
  expect(readFileSync(join(cwd, '.dagstream/.gitignore'), 'utf8')).toBe('*\n')

  const second = await startServe(cwd)
  const response = await fetch(`${second.url}/executions/${executionId}`)
  expect(await response.json()).toMatchObject({
    status: 'success',
    result: { results: [{ output: { text: 'input-secret' } }] },
  })
  const events = await (await fetch(`${second.url}/executions/${executionId}/events`)).text()
  expect(events.match(/^id: .*$/gm)).toHaveLength(4)
  await second.end()
})

test('with --store memory nothing is written', async () => {
  const cwd = makeFolder()
  const { process, url, end } = await startServe(cwd, '--store', 'memory')
  expect(process.stderr.text).toContain('\nExecutions are kept in memory: they are lost when the server ends\n')
  await (await post(url, ECHO)).text()
  await end()
  expect(readdirSync(cwd)).toEqual([])
})

test('a folder that cannot be made is reported, with what to give instead', async () => {
  const cwd = makeFolder()
  writeFileSync(join(cwd, '.dagstream'), '')
  const { code, stderr } = await runIn(cwd, 'serve --port 0')
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      /^error Cannot make a folder for \.dagstream\/executions\.db: EEXIST.*; give a --store elsewhere/,
    ),
  ])
  const missing = await runIn(cwd, 'serve --port 0 --store nowhere/runs.db')
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('there is no directory')])
})

test('unfinished executions are resumed, but not by a server that cannot listen', async () => {
  const cwd = makeFolder()
  const file = join(cwd, 'runs.db')
  const workflow = { tasks: [{ id: 'a', tool: 'echo' }] }
  const executionId = await leaveUnfinished(file, workflow, { echo: () => null }, 2)
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const taken = await runIn(cwd, `serve --port ${(other.address() as AddressInfo).port} --store runs.db`)
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('it is in use')])
  await new Promise(resolve => other.close(resolve))
  const { stdout } = await runIn(cwd, 'executions export --store runs.db')
  expect(stdout.trimEnd().split('\n')).toHaveLength(3)

  const { process, url, end } = await startServe(cwd, '--store', 'runs.db')
  const events = await (await fetch(`${url}/executions/${executionId}/events`)).text()
  expect(events).toContain('event: execution_complete\n')
  await end()
  expect(process.stderr.text).toContain('"level":"warn","message":"Resuming an execution that its process left"')
})

test('a server that cannot listen leaves no file behind', async () => {
  const cwd = makeFolder()
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  for (const flags of ['', ' --store runs.db']) {
    const taken = await runIn(cwd, `serve --port ${port}${flags}`)
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('it is in use')])
  }
  await new Promise(resolve => other.close(resolve))
  expect(readdirSync(cwd)).toEqual([])
})

test('the flags set the retention, in a file and in memory', async () => {
  for (const store of ['runs.db', 'memory']) {
    const cwd = makeFolder()
    const flags = ['--retain-count', '1', '--retain-age', '1d', '--log-level', 'silent']
    const { url, end } = await startServe(cwd, '--store', store, ...flags)
    const ids: string[] = []
    for (let n = 0; n < 3; n++)
      ids.push(((await (await post(url, ECHO)).json()) as { executionId: string }).executionId)
    const list = async (): Promise<string[]> => {
      const { executions } = (await (await fetch(`${url}/executions`)).json()) as {
        executions: { executionId: string }[]
      }
      return executions.map(({ executionId }) => executionId)
    }
    // A file is swept a second after an execution has ended.
    await expect.poll(list, { timeout: 10_000 }).toEqual([ids[2]])
    await end()
  }
})

test('each request and each execution is one line, without possible secrets', async () => {
  const cwd = makeFolder()
  const tools = `export default {
    spend: (args, { reportUsage }) => reportUsage({ totalTokensIn: 5, totalTokensOut: 2, totalCost: 0.25 }),
    fail: () => { throw new Error('error-secret') } }`
  writeFileSync(join(cwd, 'tools.mjs'), tools)
  const { process, url, end } = await startServe(cwd, '--tools', './tools.mjs', '--token', 'token-secret')
  const workflow = {
    name: 'name-secret',
    tasks: [
      { id: 'id-secret', tool: 'spend', arguments: { text: 'argument-secret $INPUT' } },
      { id: 'b', tool: 'fail', dependsOn: ['id-secret'] },
      { id: 'c', tool: 'echo', dependsOn: ['b'] },
    ],
  }
  const authorization = 'Bearer token-secret'
  const answer = await post(url, workflow, { authorization, 'Idempotency-Key': 'key-secret' })
  const { executionId } = (await answer.json()) as { executionId: string }
  await (await fetch(`${url}/executions/${executionId}/events`, { headers: { authorization } })).text()
  await (await post(url, workflow, { authorization: 'Bearer wrong-secret' })).text()
  await end()
  const { text } = process.stderr
  expect(text.replace(/^.*DAGSTREAM_TOKEN.*$/gm, '')).not.toContain('secret')
  const lines = parseLines(
    text
      .split('\n')
      .filter(line => line.startsWith('{'))
      .join('\n'),
  )
  const time = expect.stringMatching(/Z$/) as string
  const ms = expect.any(Number) as number
  const request = { time, level: 'info', message: 'request', ms }
  expect(lines.filter(line => line['message'] === 'request')).toEqual([
    { ...request, method: 'POST', path: '/executions', status: 200, executionId },
    { ...request, method: 'GET', path: `/executions/${executionId}/events`, status: 200, executionId },
    { ...request, method: 'POST', path: '/executions', status: 401 },
  ])
  expect(lines.filter(line => 'executionId' in line && line['message'] !== 'request')).toEqual([
    { time, level: 'info', message: 'execution started', executionId, totalTasks: 3, schedule: 'layers' },
    {
      time,
      level: 'info',
      message: 'execution ended',
      executionId,
      status: 'partial',
      totalTasks: 3,
      successCount: 1,
      errorCount: 1,
      skippedCount: 1,
      cancelledCount: 0,
      ms,
      tokensIn: 5,
      tokensOut: 2,
      costUsd: 0.25,
    },
  ])
})

test('at warn neither requests nor executions are logged', async () => {
  const cwd = makeFolder()
  const { process, url, end } = await startServe(cwd, '--log-level', 'warn', '--durability', 'full')
  await (await post(url, ECHO)).text()
  await end()
  expect(process.stderr.text.split('\n').filter(line => line.startsWith('{'))).toEqual([])
  expect(existsSync(join(cwd, '.dagstream'))).toBe(true)
})
