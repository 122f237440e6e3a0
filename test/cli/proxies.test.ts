// Real sockets: the proxy of the environment in front of models and servers that the command line names.
import { expect, onTestFinished, test } from 'vitest'
import { createBuiltinTools } from '../../src/cli/input/builtin-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { createHandler } from '../../src/http/index.ts'
import { serve } from '../../src/http/node/index.ts'
import { startProxy } from '../tools/proxy-server.ts'
import { findClosedPort } from '../integrations/llm/provider-server.ts'
import { chat, saySix, startModel } from './chat-rig.ts'
import { FakeProcess } from './fake-process.ts'
import { processFor } from './remote-rig.ts'

const WORKFLOW = { tasks: [{ id: 'a', tool: 'echo', arguments: { x: 1 } }] }

async function startServer(): Promise<number> {
  const handler = createHandler({ tools: createBuiltinTools() })
  const server = await serve(handler, { port: 0, allowedHosts: ['far.internal', '127.0.0.1'] })
  onTestFinished(() => server.close())
  return server.port
}

async function runBy(process: FakeProcess, env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  Object.assign(process.env, env)
  return { code: await runCli(process), stderr: process.stderr.text }
}

test('`chat` asks its model through the proxy of its environment', async () => {
  const { env } = await startModel(saySix)
  const proxy = await startProxy()
  const { code, stdout } = await chat({ ...env, HTTP_PROXY: proxy.url }, 'What is 3+3?')
  expect([code, stdout, proxy.targets]).toEqual([0, 'Six.\n', [new URL(env['OPENROUTER_BASE_URL'] ?? '').host]])
})

test('`run`, `watch` and `executions` reach a server through the proxy', async () => {
  const port = await startServer()
  const proxy = await startProxy()
  const env = { http_proxy: proxy.url }
  const server = `http://far.internal:${port}`
  const ran = processFor(WORKFLOW, 'run', '-', '--server', server, '--json')
  expect(await runBy(ran, env)).toMatchObject({ code: 0 })
  const { executionId } = JSON.parse(ran.stdout.text) as { executionId: string }
  const listed = new FakeProcess('executions', 'list', '--server', server)
  expect(await runBy(listed, env)).toMatchObject({ code: 0 })
  expect(listed.stdout.text).toContain(executionId)
  const watched = new FakeProcess('watch', executionId, '--server', server, '--json')
  expect(await runBy(watched, env)).toMatchObject({ code: 0 })
  expect(JSON.parse(watched.stdout.text)).toMatchObject({ executionId, status: 'success' })
  expect(new Set(proxy.targets)).toEqual(new Set([`far.internal:${port}`]))
})

test('NO_PROXY keeps a server of this machine off the proxy', async () => {
  const port = await startServer()
  const proxy = await startProxy()
  const ran = processFor(WORKFLOW, 'run', '-', '--server', `http://127.0.0.1:${port}`, '--json')
  expect(await runBy(ran, { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.0/8' })).toMatchObject({ code: 0 })
  expect(proxy.targets).toEqual([])
})

test('a proxy that is down, or refuses, is named in the error, its password is not', async () => {
  const down = `127.0.0.1:${await findClosedPort()}`
  const proxy = await startProxy(() => 407)
  for (const [host, said] of [
    [down, 'could not be reached: ECONNREFUSED'],
    [`127.0.0.1:${proxy.port}`, 'answered 407: it refuses the user and password given'],
  ]) {
    const ran = processFor(WORKFLOW, 'run', '-', '--server', 'http://far.internal')
    const { code, stderr } = await runBy(ran, { ALL_PROXY: `http://user:hunter2@${host}` })
    expect([code, stderr.includes('hunter2')]).toEqual([1, false])
    expect(stderr).toContain(`Cannot reach a server at http://far.internal: The proxy \`${host}\` ${said}`)
  }
})
