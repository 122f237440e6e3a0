import { expect, test } from 'vitest'
import { Output } from '../../src/cli/process/console.ts'
import { createServerLog, LOG_LEVELS, logRequests, observeExecutions } from '../../src/cli/process/server-log.ts'
import { createHandler } from '../../src/http/create-handler.ts'
import { createMemoryStore, type ExecutionStore } from '../../src/index.ts'
import { FakeStream } from './fake-process.ts'

const linesOf = (stream: FakeStream): Record<string, unknown>[] =>
  stream.text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)

test('each message is one line of JSON that only shows', () => {
  const stream = new FakeStream()
  createServerLog(new Output(stream), 'debug').warn('a\nb\u009b\u202e', { n: 1 })
  expect(stream.text).toMatch(/^\{"time":"[^"]+Z","level":"warn","message":"a\\nb\\u009b\\u202e","n":1\}\n$/)
  expect(linesOf(stream)[0]?.['message']).toBe('a\nb\u009b\u202e')
})

test('no field takes the place of what every line has', () => {
  const stream = new FakeStream()
  createServerLog(new Output(stream), 'info').warn('said', { message: 'x', level: 'y', time: 'z', code: 'c' })
  expect(linesOf(stream)[0]).toMatchObject({ message: 'said', level: 'warn', code: 'c' })
  expect(linesOf(stream)[0]?.['time']).not.toBe('z')
})

test.each([
  ['debug', 4],
  ['info', 3],
  ['warn', 2],
  ['error', 1],
  ['silent', 0],
] as const)('at %s, %i of the four levels are written', (least, count) => {
  const stream = new FakeStream()
  const log = createServerLog(new Output(stream), least)
  for (const level of LOG_LEVELS) if (level !== 'silent') log[level]('x')
  expect(linesOf(stream)).toHaveLength(count)
})

test('lines beyond what may wait are dropped, and counted once there is room', async () => {
  const stream = new FakeStream()
  const log = createServerLog(new Output(stream), 'info')
  for (let line = 0; line < 1500; line++) log.info(`${line}`)
  expect(linesOf(stream)).toHaveLength(1000)
  await new Promise(resolve => setImmediate(resolve))
  log.info('later')
  expect(linesOf(stream).at(-1)).toMatchObject({ message: 'later', droppedCount: 500 })
})

test('a request is logged without possible secrets', async () => {
  const stream = new FakeStream()
  const answers = [new Response(null, { headers: { 'execution-id': 'x' } }), new Response(null, { status: 500 })]
  const fetch = logRequests(
    () => Promise.resolve(answers.shift() ?? new Response()),
    createServerLog(new Output(stream), 'info'),
  )
  const headers = { authorization: 'Bearer secret' }
  await fetch(new Request('http://localhost/executions?token=secret', { method: 'POST', headers, body: 'secret' }))
  await fetch(new Request('http://localhost/tools'))
  await fetch(new Request('http://localhost/healthz'))
  expect(linesOf(stream)).toMatchObject([
    { level: 'info', message: 'request', method: 'POST', path: '/executions', status: 200, executionId: 'x' },
    { level: 'error', method: 'GET', path: '/tools', status: 500 },
  ])
  expect(stream.text).not.toContain('secret')
})

test('a request about an execution names it, with any answer', async () => {
  const stream = new FakeStream()
  const fetch = logRequests(() => Promise.resolve(new Response()), createServerLog(new Output(stream), 'info'))
  for (const path of ['/executions/x_1-Z', '/executions/x/tasks/a/output?y', '/executions', '/executionsx/x']) {
    await fetch(new Request(`http://localhost${path}`))
  }
  expect(linesOf(stream).map(line => line['executionId'])).toEqual(['x_1-Z', 'x', undefined, undefined])
})

/** Runs one task under a handler whose executions are logged. @returns the messages of the log */
async function logOf(store: ExecutionStore): Promise<unknown[]> {
  const stream = new FakeStream()
  const observers = [observeExecutions(createServerLog(new Output(stream), 'info'))]
  const handler = createHandler({ tools: { a: () => 1 }, store, observers })
  const body = JSON.stringify({ tasks: [{ id: 'a', tool: 'a' }] })
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const response = await handler.fetch(new Request('http://localhost/executions', { method: 'POST', headers, body }))
  await response.text().catch(() => {})
  await handler.close()
  return linesOf(stream).map(line => line['message'])
}

test('the beginning and the end of an execution are logged', async () => {
  expect(await logOf(createMemoryStore())).toEqual(['execution started', 'execution ended'])
})

test('entries that a store does not take are not logged', async () => {
  expect(await logOf({ ...createMemoryStore(), append: () => Promise.reject(new Error('full')) })).toEqual([])
})
