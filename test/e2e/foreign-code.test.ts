import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { leaveUnfinished } from '../cli/store-rig.ts'
import { end, expectBuild, paste, run, start } from './program.ts'

// Tools that print on standard output, and raise unhandled errors, in processes of their own.

beforeAll(expectBuild)

const PRINTING = 'test/cli/printing-tools.mjs'
const STRAY = 'test/cli/stray-tools.mjs'

/** The names of all ways to print, in order. */
const WAYS = Array.from(
  readFileSync(PRINTING, 'utf8')
    .split('const WAYS = {')[1]
    ?.matchAll(/^ {2}(\w+): /gm) ?? [],
  match => match[1] as string,
)

/** What each way must have left on standard error. */
const NOISE = (
  'imported|loaded|loaded too|timer of the module|log|info|debug|group|Console|write|bytes|named import|kept|xxx|pipe|' +
  'fs.writeSync|writeSync|writeFileSync|appendFileSync|writevSync|fs.write|stream|spawn|spawn array|spawn number|' +
  'spawn stream|spawnSync|execFileSync|execSync|worker|end|after the end|late|interval'
).split('|')

/** A chain of tasks, one for each tool. */
function chain(tools: readonly string[]): string {
  const tasks = tools.map((tool, index) => ({ id: tool, tool, ...(index > 0 && { dependsOn: [tools[index - 1]] }) }))
  return JSON.stringify({ tasks })
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-foreign-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

const withoutNoise = (stderr: string): string[] => NOISE.filter(text => !stderr.includes(`noise: ${text}`))

test('whatever tools print goes to stderr: --json is JSON alone', async () => {
  const { code, stdout, stderr } = await run(['run', '-', '--json', '--tools', PRINTING], chain(WAYS))
  const { status, results } = JSON.parse(stdout) as { status: string; results: { output: unknown }[] }
  expect([code, status, results.map(({ output }) => output), withoutNoise(stderr)]).toEqual([0, 'success', WAYS, []])
  expect(stderr).toContain('success 39 tasks: 39 succeeded')
})

test('--sse is events alone, and without a flag there are outputs alone', async () => {
  const events = await run(['run', '-', '--sse', '--tools', PRINTING], chain(WAYS))
  const heads = new Set(events.stdout.split('\n').map(line => line.split(' ')[0]))
  expect([events.code, heads, withoutNoise(events.stderr)]).toEqual([0, new Set(['id:', 'event:', 'data:', '']), []])
  const plain = await run(['run', '-', '--tools', PRINTING], chain(['log', 'kept', 'fsWriteSync', 'late']))
  expect([plain.code, plain.stdout]).toEqual([0, 'late\n'])
  expect(plain.stderr).toContain('noise: exit')
})

test.each(['validate', 'tools'])('output of a module while it is loaded is not in the JSON of %s', async command => {
  const argv = [command, ...(command === 'validate' ? ['-'] : []), '--json', '--tools', PRINTING]
  const { code, stdout, stderr } = await run(argv, chain(WAYS))
  expect([code, typeof JSON.parse(stdout)]).toEqual([0, 'object'])
  expect(['imported', 'loaded', 'loaded too'].filter(text => !stderr.includes(`noise: ${text}\n`))).toEqual([])
})

test('executions resume has its standard output for itself too', async () => {
  const file = join(makeFolder(), 'runs.db')
  const tools = { log: () => 'log', exec: () => 'exec' }
  const tasks = [
    { id: 'a', tool: 'log' },
    { id: 'b', tool: 'log', dependsOn: ['a'] },
  ]
  const id = await leaveUnfinished(file, { tasks }, tools, 3)
  const resumed = await run(['executions', 'resume', id, '--store', file, '--json', '--tools', PRINTING])
  expect([resumed.code, JSON.parse(resumed.stdout)]).toMatchObject([0, { status: 'success' }])
  expect(resumed.stderr).toContain('noise: log')
})

test('a server writes nothing on standard output', async () => {
  const child = start(['serve', '--port', '0', '--store', 'memory', '--tools', PRINTING])
  const ended = end(child)
  const url = await new Promise<string>(resolve => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /listens on (\S+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  const posted = await run(['run', '-', '--json', '--server', url], chain(['log', 'fsWriteSync', 'spawn', 'end']))
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  expect([posted.code, code, stdout]).toEqual([0, 0, ''])
  expect(['loaded', 'log', 'fs.writeSync', 'spawn', 'end'].filter(text => !stderr.includes(`noise: ${text}`))).toEqual(
    [],
  )
})

test('a result of 5 MB stays whole and alone, in a file and in a pipe', async () => {
  const folder = makeFolder()
  const value = 'é'.repeat(2_500_000)
  const workflow = join(folder, 'large.json')
  const tasks = [
    { id: 'a', tool: 'late' },
    { id: 'b', tool: 'echo', arguments: { value }, dependsOn: ['a'] },
  ]
  writeFileSync(workflow, JSON.stringify({ tasks }))
  const line = `node dist/cli/main.js run ${workflow} --json --tools ${PRINTING}`
  const file = join(folder, 'out.json')
  expect((await end(paste(`${line} > ${file}`))).code).toBe(0)
  const piped = await end(paste(`${line} | (sleep 0.2; cat)`))
  for (const text of [readFileSync(file, 'utf8'), piped.stdout]) {
    expect(JSON.parse(text)).toMatchObject({ results: [{ output: 'late' }, { output: { value } }] })
  }
})

test('output of tools does not prevent a departed reader from cancelling', async () => {
  const tasks = [
    { id: 'a', tool: 'late' },
    { id: 'b', tool: 'wait', arguments: { ms: 300 }, dependsOn: ['a'] },
    { id: 'c', tool: 'wait', arguments: { ms: 60_000 }, dependsOn: ['b'] },
  ]
  const child = start(['run', '-', '--sse', '--tools', PRINTING], JSON.stringify({ tasks }))
  child.stdout?.once('data', () => child.stdout?.destroy())
  expect((await end(child)).code).toBe(130)
})

const FAULTS = (
  'rejected by the module|thrown while called|thrown in an immediate|thrown in a microtask|thrown in a tick|emitted|' +
  'rejected later|thrown at the end'
).split('|')

test.each([['run'], ['run --store'], ['executions resume']])(
  'unhandled errors of tools are reported, and %s continues',
  async command => {
    const file = join(makeFolder(), 'runs.db')
    const workflow = chain(['throwWhileCalled', 'throwLater', 'rejectLater', 'throwAtEnd'])
    let argv = ['run', '-', '--json', '--tools', STRAY]
    if (command === 'run --store') argv.push('--store', file)
    if (command === 'executions resume') {
      const tools = Object.fromEntries(
        ['throwWhileCalled', 'throwLater', 'rejectLater', 'throwAtEnd'].map(name => [name, () => 'done']),
      )
      const id = await leaveUnfinished(file, JSON.parse(workflow), tools, 1)
      argv = ['executions', 'resume', id, '--json', '--store', file, '--tools', STRAY]
    }
    const { code, stdout, stderr } = await run(argv, workflow)
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { status: 'success', successCount: 4 }])
    expect(FAULTS.filter(text => !stderr.includes(`Error: ${text}, at `))).toEqual([])
    expect(/^ +at /m.test(stderr)).toBe(false)
  },
)

test('the exit code is that of the result, whatever else was thrown', async () => {
  const tasks = [
    { id: 'a', tool: 'throwAtEnd' },
    { id: 'b', tool: 'fail', dependsOn: ['a'] },
  ]
  const { code, stdout } = await run(['run', '-', '--json', '--tools', STRAY], JSON.stringify({ tasks }))
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { status: 'partial' }])
})

test('many faults are reported in a bounded number of short lines', async () => {
  const { code, stderr } = await run(['run', '-', '--tools', STRAY], chain(['throwOften']))
  const told = stderr.split('\n').filter(line => line.includes('nhandled error'))
  expect([code, told.length, told.at(-1)]).toEqual([0, 21, 'warning 481 more unhandled errors were dropped'])
  expect(Math.max(...told.map(line => line.length))).toBeLessThan(1000)
})

test.each(['validate', 'tools'])('a fault while the module is loaded does not end %s', async command => {
  const argv = [command, ...(command === 'validate' ? ['-'] : []), '--json', '--tools', STRAY]
  const { code, stdout, stderr } = await run(argv, chain(['throwLater']))
  expect([code, typeof JSON.parse(stdout)]).toEqual([0, 'object'])
  expect(stderr).toContain('Error: rejected by the module, at ')
})

test('a module that never finishes loading ends the command with 1', async () => {
  const module = 'data:text/javascript,await new Promise(() => {})'
  expect(await run(['tools', '--tools', module])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error The command waits for a promise that can no longer settle, probably in a module of tools\n',
  })
})

test('Ctrl-C still cancels while tools throw', async () => {
  const tasks = [
    { id: 'a', tool: 'throwAtEnd' },
    { id: 'b', tool: 'wait', arguments: { ms: 60_000 }, dependsOn: ['a'] },
  ]
  const child = start(['run', '-', '--sse', '--tools', STRAY], JSON.stringify({ tasks }))
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const before = text
    text += chunk.toString()
    if (!before.includes('"taskId":"b"') && text.includes('"taskId":"b"')) child.kill('SIGINT')
  })
  const [code] = (await once(child, 'close')) as [number]
  expect([code, text.includes('event: execution_complete\n')]).toEqual([130, true])
})
