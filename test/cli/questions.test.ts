import { PassThrough } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess } from './fake-process.ts'
import { SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder } from './store-rig.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

afterEach(() => {
  vi.unstubAllGlobals()
})

const ask = (id: string, more: object = {}): object => ({
  id,
  tool: 'human:ask',
  arguments: { message: `${id}?`, ...more },
})

interface Terminal {
  readonly process: FakeProcess
  readonly ended: Promise<number>
  /** Types once the text stands on the terminal, behind all that was typed at before. */
  readonly type: (after: string, keys: string) => Promise<void>
}

/** Runs a command line on a terminal that a test types on. */
function onTerminal(workflow: object, ...flags: string[]): Terminal {
  const folder = makeFolder()
  writeFileSync(join(folder, 'x.json'), JSON.stringify(workflow))
  const process = Object.assign(new FakeProcess('run', 'x.json', '--json', ...flags), { cwd: folder })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin })
  process.stdin = stdin
  Object.assign(process.stderr, { isTTY: true, columns: 100, rows: 40 })
  let seen = 0
  const type = async (after: string, keys: string): Promise<void> => {
    const find = (): number => process.stderr.text.indexOf(after, seen)
    await vi.waitFor(() => expect(find()).toBeGreaterThanOrEqual(0), { timeout: 10_000 })
    // The library may listen a moment after it has drawn.
    await vi.waitFor(() => expect(stdin.listenerCount('keypress')).toBeGreaterThan(0))
    seen = process.stderr.text.length
    stdin.write(keys)
  }
  return { process, ended: runCli(process), type }
}

function outputsOf({ stdout }: FakeProcess): unknown[] {
  const { results } = JSON.parse(stdout.text) as { results: { output?: unknown; code?: string }[] }
  return results.map(({ output, code }) => output ?? code)
}

test('questions are asked one after the other by their schemas, and the refused one again', {
  timeout: 30_000,
}, async () => {
  const tasks = [
    ask('choice', { schema: { enum: ['short', 'long'] } }),
    ask('by-text', { schema: { enum: ['red', 'blue'] } }),
    ask('number', { schema: { type: 'integer', minimum: 2 } }),
    ask('text', {}),
    { id: 'pay', tool: 'echo', arguments: { paid: true }, approve: 'Pay?' },
    { id: 'not', tool: 'echo', arguments: {}, approve: 'Burn?' },
    ask('form', {
      schema: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', default: 'Ada' }, age: { type: 'integer' }, ok: { type: 'boolean' } },
      },
    }),
  ]
  const { process, ended, type } = onTerminal({ tasks })
  await type('Pay?', 'y')
  await type('Burn?', 'n')
  await type('1. short', '2\r')
  await type('2. blue', 'blue\r')
  await type('number?', '1\r')
  await type('number?', '5\r')
  await type('text?', 'hello\r')
  await type('name', '\r')
  await type('age (optional)', '\r')
  await type('ok', 'y')
  expect(await ended).toBe(1)
  expect(process.stderr.text).toContain('The number is less than 2')
  expect(outputsOf(process)).toEqual([
    'long',
    'blue',
    5,
    'hello',
    { paid: true },
    'INPUT_DECLINED',
    { name: 'Ada', ok: true },
  ])
})

test('Ctrl-C at a question cancels the execution', async () => {
  const { process, ended, type } = onTerminal({ tasks: [ask('a'), ask('b')] })
  await type('a?', '\u0003')
  expect(await ended).toBe(130)
  expect(outputsOf(process)).toEqual(['CANCELLED', 'CANCELLED'])
})

test('a second Ctrl-C at a question ends the finally tasks', async () => {
  const { process, ended, type } = onTerminal({ tasks: [ask('a')], finally: [ask('last')] })
  await type('a?', '\u0003')
  await type('last?', '\u0003')
  expect(await ended).toBe(130)
  expect(process.stderr.text).toContain('Cancelling; press Ctrl-C again to end the finally tasks')
  expect(process.stderr.text).toContain('Ending the finally tasks; press Ctrl-C again to exit at once')
  expect(outputsOf(process)).toEqual(['CANCELLED', 'CANCELLED'])
})

test('the questions of a server are asked, and one that somebody else answers ends', { timeout: 20_000 }, async () => {
  const server = startFakeServer()
  const { process, ended, type } = onTerminal({ tasks: [ask('a'), ask('b')] }, '--server', SERVER)
  await vi.waitFor(() => expect(process.stderr.text).toContain('a?'), { timeout: 10_000 })
  const listed = await server.handler.fetch(new Request('http://server.test/inputs'))
  const { inputs } = (await listed.json()) as { inputs: { executionId: string }[] }
  const url = `http://server.test/executions/${inputs[0]?.executionId}/inputs/a.1`
  const headers = { 'content-type': 'application/json' }
  const answered = await server.handler.fetch(
    new Request(url, { method: 'POST', headers, body: '{"response":"other"}' }),
  )
  expect(answered.status).toBe(204)
  await type('b?', 'mine\r')
  expect(await ended).toBe(0)
  expect(outputsOf(process)).toEqual(['other', 'mine'])
})

test('a terminal that does not know its size is taken for one of 80 columns', { timeout: 30_000 }, async () => {
  const { process, ended, type } = onTerminal({ tasks: [ask('a', { schema: { enum: ['red', 'blue'] } })] })
  Object.assign(process.stderr, { columns: 0, rows: 0 })
  await type('2. blue', '2\r')
  expect([await ended, outputsOf(process)]).toEqual([0, ['blue']])
})
