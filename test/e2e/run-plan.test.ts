import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { end, expectBuild, paste, root, run, start } from './program.ts'

// `run --ndjson` and `executions resume --plan`, in processes of their own.

beforeAll(expectBuild)

const TOOLS = `export default {
  look: { readOnly: true, execute: ({ text }) => 'seen ' + text },
  note: ({ text }) => 'noted ' + text,
  stuck: { readOnly: true, execute: () => new Promise(() => {}) },
}`
const A = '{"id":"a","tool":"look","arguments":{"text":"1"}}'
const B = '{"id":"b","tool":"note","arguments":{"text":"$OUTPUT[a]"}}'
const SEAL = '{"seal":true}'

function makeFolder(): { readonly folder: string; readonly tools: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-plan-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'tools.mjs')
  writeFileSync(file, TOOLS)
  return { folder, tools: ['--tools', file] }
}

/** Starts a command whose standard input stays open. */
function open(argv: readonly string[]): ChildProcess {
  const child = paste('exec "$NODE" "$@"'.replace('"$@"', argv.map(each => `'${each}'`).join(' ')), {
    NODE: process.execPath,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const MAIN = join(process.env['DAGSTREAM_DIST'] ?? join(root, 'dist'), 'cli/main.js')

/** Resolves once a stream has said a text, with all that it said. */
function says(stream: ChildProcess['stdout'], text: string | RegExp): Promise<string> {
  let said = ''
  return new Promise(resolve => {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (typeof text === 'string' ? said.includes(text) : text.test(said)) resolve(said)
    })
  })
}

test('a task runs before the next line is written', async () => {
  const { tools } = makeFolder()
  const child = open([MAIN, 'run', '-', '--ndjson', '--sse', ...tools])
  const ended = end(child)
  // Cut in the middle of a line.
  child.stdin?.write(`${A}\n{"id":"b","to`)
  await says(child.stdout, /event: task_complete\n.*"taskId":"a"/)
  child.stdin?.write(`ol":"note","arguments":{"text":"$OUTPUT[a]"}}\n`)
  await says(child.stdout, /"taskId":"b"/)
  // Standard input stays open: the seal ends it.
  child.stdin?.write(`${SEAL}\ngarbage`)
  const { code, stdout } = await ended
  expect([code, stdout.match(/event: execution_complete/g)?.length]).toEqual([0, 1])
})

test('prints the outputs of the last layer; CRLF ends lines; what follows the seal is ignored', async () => {
  const { tools } = makeFolder()
  const { code, stdout } = await run(['run', '-', '--ndjson', ...tools], `${A}\r\n${B}\r\n${SEAL}\r\ngarbage`)
  expect([code, stdout]).toEqual([0, 'noted seen 1\n'])
})

test('a file is read as a plan, too', async () => {
  const { folder, tools } = makeFolder()
  const file = join(folder, 'plan.ndjson')
  writeFileSync(file, `{"name":"two"}\n${A}\n${B}`)
  const { code, stdout } = await run(['run', file, '--ndjson', '--json', ...tools])
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { status: 'success', totalTasks: 2 }])
  expect(await run(['run', join(folder, 'none'), '--ndjson'])).toMatchObject({ code: 2, stdout: '' })
})

test('a refused line is printed, and ends the execution or is left out', async () => {
  const { tools } = makeFolder()
  const plan = `${A}\n\n{"id":"x","tool":"lok"}\n${B}`
  const failed = await run(['run', '-', '--ndjson', ...tools], plan)
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('rejected line 3: UNKNOWN_TOOL')
  expect(failed.stderr).toContain('PLAN_REJECTED')
  const skipped = await run(['run', '-', '--ndjson', '--on-plan-error', 'skip', ...tools], plan)
  expect([skipped.code, skipped.stdout]).toEqual([0, 'noted seen 1\n'])
  expect(skipped.stderr).toContain('rejected line 3: UNKNOWN_TOOL')
})

test.each([
  [['--ndjson', '--dry-run'], "'--ndjson' cannot be used with option '--dry-run'"],
  [['--ndjson', '--page'], "'--ndjson' cannot be used with option '--page'"],
  [['--ndjson', '--priority', '1'], "'--ndjson' cannot be used with option '--priority <n>'"],
  [['--ndjson', '--forecast'], "unknown option '--forecast'"],
  [['--ndjson', '--schedule', 'layers'], 'Expected --schedule dataflow with --ndjson'],
  [['--eager', 'all'], 'Expected --ndjson with --eager'],
])('run %j is refused', async (flags, message) => {
  const { code, stdout, stderr } = await run(['run', '-', ...flags], A)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
})

test('Ctrl-C ends a wait for the first line, and cancels an execution', async () => {
  const { tools } = makeFolder()
  const child = open([MAIN, 'run', '-', '--ndjson', ...tools])
  const ended = end(child)
  child.stdin?.write('{"id":"a","tool":"stuck"}\n{"id":"b","tool":"look","arguments":{"text":"2"}}\n')
  await says(child.stderr, '✔ b')
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect(code).toBe(130)
  expect(stderr).toContain('Cancelling')
})

test('executions resume --plan continues behind the last accepted line after a kill', async () => {
  const { folder, tools } = makeFolder()
  const store = ['--store', join(folder, 'runs.db')]
  const file = join(folder, 'plan.ndjson')
  writeFileSync(file, `{"name":"two"}\n${A}\n${B}\n${SEAL}\n`)
  const child = open([MAIN, 'run', '-', '--ndjson', ...store, ...tools])
  const kept = says(child.stderr, '✔ a')
  child.stdin?.write(`{"name":"two"}\n${A}\n`)
  const id = /Execution (\S+) is kept/.exec(await kept)?.[1] as string
  child.kill('SIGKILL')
  await once(child, 'close')
  const resume = ['executions', 'resume', id, ...store, ...tools]
  const wrong = await run([...resume, '--plan', '-', '--plan-line', '1'], B)
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'error Expected --plan-line 2, the number of accepted lines, or a whole plan without it\n',
  ])
  const short = await run([...resume, '--plan', '-'], A)
  expect([short.code, short.stderr]).toMatchObject([2, expect.stringContaining('Give --plan-line 2')])
  const { code, stdout } = await run([...resume, '--plan', file, '--json'])
  expect([code, JSON.parse(stdout)]).toMatchObject([
    0,
    { status: 'success', totalTasks: 2, results: [{ output: 'seen 1' }, { output: 'noted seen 1' }] },
  ])
  expect((await run([...resume, '--plan', file])).code).toBe(1)
})

test('run --ndjson --server sends the plan while it is written', async () => {
  const { tools } = makeFolder()
  const server = start(['serve', '--port', '0', '--store', 'memory', ...tools])
  onTestFinished(() => void server.kill('SIGKILL'))
  const url = /listens on (\S+)/.exec(await says(server.stderr, /listens on \S+/))?.[1] as string
  const child = open([MAIN, 'run', '-', '--ndjson', '--server', url, '--concurrency', '2'])
  const ended = end(child)
  child.stdin?.write(`{"name":"two"}\n${A}\n`)
  await says(child.stderr, '✔ a')
  child.stdin?.write(`${B}\n${SEAL}\n`)
  const { code, stdout } = await ended
  expect([code, stdout]).toEqual([0, 'noted seen 1\n'])
  const stopped = open([MAIN, 'run', '-', '--ndjson', '--server', url])
  const end130 = end(stopped)
  stopped.stdin?.write('{"id":"a","tool":"stuck"}\n{"id":"b","tool":"look","arguments":{"text":"2"}}\n')
  await says(stopped.stderr, '✔ b')
  stopped.kill('SIGINT')
  expect((await end130).code).toBe(130)
})
