import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess, run } from './fake-process.ts'
import { SERVER, startFakeServer } from './remote-rig.ts'

afterEach(() => vi.unstubAllGlobals())

/** One issue of each kind of place: an unknown field, a value, an unknown argument, an item. */
const BROKEN = `{
  "name": "x", "nmae": 1,
  "tasks": [
    {"id": "a", "tool": "ecko"},
    {"id": "b", "tool": "wait",
     "arguments": { "ms": 1, "msec": 2 }},
    {"id": "c", "tool": "echo", "dependsOn": ["b",
"z"]}
  ]
}`
const POSITIONS = ['2:16', '4:25', '6:30', '8:1']

/** The positions at the ends of the lines. */
const positionsIn = (text: string): string[] =>
  text.split('\n').flatMap(line => / \(line (\d+), column (\d+)\)$/.exec(line)?.slice(1).join(':') ?? [])

test('validate prints the line and column of every issue, of an unknown field those of its key', async () => {
  const { code, stderr } = await run(['validate', '-'], BROKEN)
  expect([code, positionsIn(stderr)]).toEqual([2, POSITIONS])
  expect(stderr.split('\n')[0]).toMatch(
    /^INVALID_SHAPE \/nmae: Unknown field `nmae` \(.*`name`.*\) \(line 2, column 16\)$/,
  )
  const { issues } = JSON.parse((await run(['validate', '-', '--json'], BROKEN)).stdout) as { issues: unknown[] }
  expect(issues).toMatchObject([
    { pointer: '/nmae', line: 2, column: 16 },
    { pointer: '/tasks/0/tool', line: 4, column: 25 },
    { pointer: '/tasks/1/arguments/msec', line: 6, column: 30 },
    { pointer: '/tasks/2/dependsOn/1', line: 8, column: 1 },
  ])
})

test('run, here and on a server, and graph print the positions in the file too', async () => {
  startFakeServer()
  expect(positionsIn((await run(['run', '-'], BROKEN)).stderr)).toEqual(POSITIONS)
  // The body that is sent is another text.
  expect(positionsIn((await run(['run', '-', '--server', SERVER], BROKEN)).stderr)).toEqual(POSITIONS)
  // It needs no tools, so it checks no arguments.
  expect(positionsIn((await run(['graph', '-'], BROKEN)).stderr)).toEqual(['2:16', '8:1'])
})

test('issues of a server that sends no positions have those of the values', async () => {
  const server = startFakeServer()
  const issues = [{ code: 'INVALID_SHAPE', pointer: '/nmae', message: 'm' }]
  server.intercept = () => Response.json({ title: 't', issues, issueCount: 1 }, { status: 422 })
  const { stderr } = await run(['run', '-', '--server', SERVER], BROKEN)
  expect(stderr).toBe('INVALID_SHAPE /nmae: m (line 2, column 24)\n')
})

/** Runs a command in a folder with this configuration. */
async function runWith(config: string, ...argv: string[]): Promise<[code: number, stderr: string]> {
  const cwd = mkdtempSync(join(tmpdir(), 'dagstream-'))
  try {
    writeFileSync(join(cwd, 'dagstream.config.json'), config)
    const process = Object.assign(new FakeProcess(...argv), { cwd, env: { OPENROUTER_API_KEY: 'k' } })
    process.stdin = Readable.from(['{"tasks":[]}'])
    const code = await runCli(process)
    return [code, process.stderr.text.trimEnd()]
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

test.each([
  ['{"mode":\n1}', 'There is no field `mode`', 1, 2],
  ['{"$schema":\n1}', 'Expected `$schema` of', 2, 1],
  ['{"http":\n[]}', 'Expected `http` to be an object', 2, 1],
  ['{"http": {\n"allowHosts": 1}}', 'There is no field `http.allowHosts`', 2, 1],
  ['{"http": {\n"timeoutMs": "5"}}', 'Expected `timeoutMs` to be a number', 2, 14],
  ['{"llm": {"omit":\n 1}}', 'Expected `omit` to be names', 2, 2],
  ['{"mcpServers":\n1}', 'Expected `mcpServers` to be an object', 2, 1],
  ['{"mcpServers": {"a.b":\n{}}}', 'a server with either `command` or `url`', 2, 1],
  ['{"mcpServers": {"a.b": {"command": "x",\n"tools": 1}}}', 'Expected `mcpServers.a.b.tools` to be absent', 2, 1],
  ['{"mcpServers": {"a.b": {"command": "x",\n"arg": 1}}}', 'Expected `mcpServers.a.b.arg` to be absent', 2, 1],
  ['{"mcpServers": {"a": {"command": "${NO_SUCH}"}}}', 'the variable `NO_SUCH` to be set', 1, 34],
  [`{"mcpServers": {"${'x'.repeat(60)}": {"command":\n1}}}`, 'to be a program', 2, 1],
])('a problem of the configuration is reported with its line and column: %s', async (config, message, line, column) => {
  const [code, stderr] = await runWith(config, 'run', '-')
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  expect(positionsIn(stderr)).toEqual([`${line}:${column}`])
})

test.each([
  ['{"modes":\n[]}', '/modes', 2, 1],
  ['{"modes": {"x": {"system": "", "temperature":\n-1}}}', '/modes/x/temperature', 2, 1],
  ['{"modes": {"x": {"system": "", "temp":\n1}}}', '/modes/x/temp', 1, 32],
  ['{"modes": {"x": {\n}}}', '/modes/x/system', 1, 17],
])('a problem of a mode is reported with its line and column: %s', async (config, place, line, column) => {
  const [code, stderr] = await runWith(config, 'chat', 'hello', '--mode', 'code')
  expect([code, stderr]).toEqual([2, expect.stringContaining(`Expected ${place} of dagstream.config.json to be `)])
  expect(positionsIn(stderr)).toEqual([`${line}:${column}`])
})
