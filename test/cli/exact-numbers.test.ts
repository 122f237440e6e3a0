import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess, run } from './fake-process.ts'

const DOCUMENT =
  '{"tasks":[{"id":"a","tool":"echo","arguments":{"id":9007199254740993,"n":"$INPUT.n"}},' +
  '{"id":"b","tool":"text:join","arguments":{"parts":["$OUTPUT[a].id","${OUTPUT[a].n}","$OUTPUT[a]"]}}]}'
const INPUT = '{"n":-1e400}'
const JOINED = '9007199254740993\n-1e400\n{"id":9007199254740993,"n":-1e400}'

test('run keeps the digits of a file and of --input, in the result, the events and the outputs', async () => {
  const result = await run(['run', '-', '--json', '--input', INPUT], DOCUMENT)
  expect([result.code, result.stdout.includes('"output":{"id":9007199254740993,"n":-1e400}')]).toEqual([0, true])
  const sse = await run(['run', '-', '--sse', '--input', INPUT], DOCUMENT)
  expect(sse.stdout).toContain('"output":{"id":9007199254740993,"n":-1e400}')
  expect(await run(['run', '-', '--input', INPUT], DOCUMENT)).toMatchObject({ code: 0, stdout: `${JOINED}\n` })
})

test('a store gives them back, to show and to export', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'dagstream-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await writeFile(join(cwd, 'w.json'), DOCUMENT)
  const runIn = async (...argv: string[]): Promise<FakeProcess> => {
    const process = Object.assign(new FakeProcess(...argv), { cwd })
    expect([await runCli(process), process.stderr.text]).toEqual([0, expect.any(String)])
    return process
  }
  const store = join(cwd, 'runs.db')
  await runIn('run', 'w.json', '--input', INPUT, '--store', store)
  const list = await runIn('executions', 'list', '--json', '--store', store)
  const [{ executionId }] = JSON.parse(list.stdout.text) as [{ executionId: string }]
  const shown = await runIn('executions', 'show', executionId, '--json', '--store', store)
  expect(shown.stdout.text).toContain('"output":{"id":9007199254740993,"n":-1e400}')
  const exported = await runIn('executions', 'export', executionId, '--store', store)
  const [record, ...events] = exported.stdout.text.split('\n')
  expect(record).toContain('"arguments":{"id":9007199254740993,"n":"$INPUT.n"}')
  expect(record).toContain('"input":{"n":-1e400}')
  expect(events.join('\n')).toContain('"output":{"id":9007199254740993,"n":-1e400}')
})

test.each([
  [
    '{"tasks":[],\n "tasks":[]}',
    'standard input has the key `tasks` twice in one object at line 2, column 2: keep one',
  ],
  [
    '{"tasks":[{"id":"a","tool":"echo","arguments":{"x":{"y":1,"\\u0079":2}}}]}',
    'standard input has the key `y` twice in one object at line 1, column 59 (`/tasks/0/arguments/x/y`): keep one',
  ],
  [
    '{"tasks":[],"__proto__":1,"__proto__":2}',
    'standard input has the key `__proto__` twice in one object at line 1, column 27: keep one',
  ],
])('a workflow with a key twice is refused with its place: %s', async (text, message) => {
  for (const command of [
    ['run'],
    ['validate'],
    ['validate', '--json'],
    ['graph'],
    ['run', '--server', 'http://localhost:1'],
  ]) {
    const [name = '', ...flags] = command
    const { code, stdout, stderr } = await run([name, '-', ...flags], text)
    expect([command, code, stdout, stderr.includes(message)]).toEqual([command, 2, '', true])
  }
})

test('an input with a key twice is refused', async () => {
  const { code, stderr } = await run(['run', '-', '--input', '{"a":{"b":1,"b":2}}'], DOCUMENT)
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('the key `b` twice in one object at line 1, column 13 (`/a/b`)'),
  ])
})

test.each(['servers.json', 'dagstream.config.json'])('a configuration with a key twice is refused: %s', async name => {
  const cwd = await mkdtemp(join(tmpdir(), 'dagstream-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await writeFile(join(cwd, name), '{"mcpServers": {\n "a": {"command": "x"},\n "a": {"command": "y"}\n}}')
  const mcp = name === 'servers.json' ? ['--mcp', name] : []
  const process = Object.assign(new FakeProcess('run', '-', ...mcp), { cwd })
  process.stdin = Readable.from(['{"tasks":[]}'])
  expect([await runCli(process), process.stderr.text]).toEqual([
    2,
    expect.stringContaining(
      `\`${name}\` has the key \`a\` twice in one object at line 3, column 2 (\`/mcpServers/a\`): keep one`,
    ),
  ])
})
