import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openTools } from '../../src/cli/input/open-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { SILENT_LOGGER } from '../../src/log/logger.ts'
import { createJournal, hostile, isAlive } from '../integrations/mcp/mcp-rig.ts'
import { FakeProcess } from './fake-process.ts'

// Real processes: that servers start late and end with the command is what is shown.

function createFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dagstream-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A folder whose `name` holds `config`. */
function withConfig(config: unknown, name = 'dagstream.config.json'): string {
  const folder = createFolder()
  writeFileSync(join(folder, name), typeof config === 'string' ? config : JSON.stringify(config))
  return folder
}

function processIn(cwd: string, argv: readonly string[], document?: unknown): FakeProcess {
  const process = Object.assign(new FakeProcess(...argv), { cwd })
  if (document !== undefined) process.stdin = Readable.from([JSON.stringify(document)])
  return process
}

async function run(
  cwd: string,
  argv: readonly string[],
  document?: unknown,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = processIn(cwd, argv, document)
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}

/** A server whose only tool is `join`. */
const ONE_TOOL = `
  import { createInterface } from 'node:readline'
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line)
    const result = method === 'initialize'
      ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'one', version: '1' } }
      : { tools: [{ name: 'join', description: 'of the server', inputSchema: { type: 'object' } }] }
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
`

const echo = (server: string): object => ({
  tasks: [{ id: 'a', tool: `${server}:echo`, arguments: { text: 'hello' } }],
})

test('run starts only the servers that the workflow names, and ends them', async () => {
  const [named, other] = [createJournal(), createJournal()]
  const mcpServers = { named: hostile('fair', {}, named.file), other: hostile('fair', {}, other.file) }
  const cwd = withConfig({ mcpServers, theirs: 'not looked at' }, 'servers.json')
  const { code, stdout } = await run(cwd, ['run', '-', '--mcp', 'servers.json'], echo('named'))
  expect([code, stdout]).toEqual([0, 'hello\n'])
  expect([named.readPids().map(isAlive), other.readPids()]).toEqual([[false], []])
})

test('without --mcp the configuration of the working directory is read', async () => {
  const cwd = withConfig({ modes: {}, mcpServers: { mine: hostile() } })
  expect(await run(cwd, ['run', '-'], echo('mine'))).toMatchObject({ code: 0, stdout: 'hello\n' })
  // Named, another file is read instead of it.
  writeFileSync(join(cwd, 'none.json'), '{"mcpServers":{}}')
  const { code, stderr } = await run(cwd, ['run', '-', '--mcp', 'none.json'], echo('mine'))
  expect([code, stderr.split(' ')[0]]).toEqual([2, 'UNKNOWN_TOOL'])
  expect(await run(withConfig({ modes: {} }), ['validate', '-'], { tasks: [{ id: 'a', tool: 'echo' }] })).toMatchObject(
    {
      code: 0,
    },
  )
})

test.each([
  ['not JSON', '{', '`dagstream.config.json` is not valid JSON at line 1, column 2'],
  ['an array', [], 'Expected `dagstream.config.json` to be an object'],
  [
    'an unknown field',
    { mcpServer: {} },
    'There is no field `mcpServer` of `dagstream.config.json`; known are mcpServers, http, llm, modes',
  ],
  ['servers that are none', { mcpServers: 1 }, 'Expected `mcpServers` to be an object of name → server'],
  ['a server that is none', { mcpServers: { a: {} } }, 'a server with either `command` or `url`'],
])('a configuration that is or has %s is refused', async (_, config, message) => {
  const { code, stdout, stderr } = await run(withConfig(config), ['run', '-'], { tasks: [{ id: 'a', tool: 'echo' }] })
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
})

test.each([
  [['--mcp', '-'], 'Expected one of the workflow and --mcp to be -, got both'],
  [['--mcp', 'missing.json'], 'Cannot read `missing.json`: there is no such file'],
  [['--mcp', 'dagstream.config.json'], 'Expected `dagstream.config.json` to have `mcpServers`'],
  [
    ['--mcp', 'x.json', '--server', 'http://localhost:1'],
    "'--mcp <config>' cannot be used with option '--server <url>'",
  ],
])('%j is refused', async (argv, message) => {
  const { code, stderr } = await run(withConfig({}), ['run', '-', ...argv], { tasks: [{ id: 'a', tool: 'echo' }] })
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})

test.each(['run', 'validate'])('%s ends with 1 and names the server that does not start', async command => {
  const cwd = withConfig({ mcpServers: { broken: hostile('exits'), fine: hostile() } })
  const workflow = {
    tasks: [
      { id: 'a', tool: 'fine:echo' },
      { id: 'b', tool: 'broken:echo' },
    ],
  }
  const { code, stdout, stderr } = await run(cwd, [command, '-'], workflow)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^error MCP server `broken` does not start: it .*cannot start: no key is not known\n/m)
  // What they write is told as it comes, and nothing of how they are ended.
  expect(stderr).toContain('mcp broken: cannot start: no key is not known\n')
  expect(stderr).toContain('warning mcp fine: `as-task` is omitted')
  expect(stderr).not.toContain('closed')
})

test.each([['run', '-'], ['validate', '-'], ['tools']])(
  '%s ends with 130 at a Ctrl-C while a server starts, which ends too',
  async (...argv) => {
    const journal = createJournal()
    const cwd = withConfig({ mcpServers: { mine: hostile('silent', {}, journal.file) } })
    const process = processIn(cwd, argv, echo('mine'))
    const code = runCli(process)
    await vi.waitFor(() => expect(journal.readPids()).toHaveLength(1))
    process.interrupt()
    expect([await code, process.stdout.text, process.stderr.text]).toEqual([130, '', ''])
    expect(journal.readPids().map(isAlive)).toEqual([false])
  },
)

test('a server that no task names may be broken', async () => {
  const cwd = withConfig({ mcpServers: { broken: hostile('exits') } })
  const { code, stdout } = await run(cwd, ['run', '-'], { tasks: [{ id: 'a', tool: 'echo', arguments: { n: 1 } }] })
  expect([code, JSON.parse(stdout)]).toEqual([0, { n: 1 }])
})

test('validate checks arguments by the schemas of servers, and ends them', async () => {
  const journal = createJournal()
  const cwd = withConfig({ mcpServers: { mine: hostile('fair', {}, journal.file) } })
  const workflow = { tasks: [{ id: 'a', tool: 'mine:bad-pattern', arguments: { name: 1 } }] }
  const { code, stderr } = await run(cwd, ['validate', '-'], workflow)
  expect([code, stderr]).toEqual([2, expect.stringContaining('INVALID_ARGUMENTS /tasks/0/arguments/name')])
  expect(journal.readPids().map(isAlive)).toEqual([false])
})

test('tools lists those of all servers with their schemas, and reports which do not start', async () => {
  const journal = createJournal()
  const mcpServers = {
    broken: hostile('exits'),
    mine: hostile('paged', {}, journal.file),
    off: hostile('exits', { disabled: true }),
  }
  const { code, stdout, stderr } = await run(withConfig({ mcpServers }), ['tools', '--json'])
  const tools = (JSON.parse(stdout) as { name: string; inputSchema?: unknown }[]).filter(({ name }) =>
    name.startsWith('mine:'),
  )
  expect([code, tools.length, tools[0]]).toEqual([
    1,
    5,
    { name: 'mine:tool-0', inputSchema: { type: 'object' }, limit: 1 },
  ])
  expect(stderr.match(/^error .*$/gm)).toEqual([expect.stringContaining('MCP server `broken` does not start')])
  // Started once, and ended.
  expect(journal.readPids().map(isAlive)).toEqual([false])
})

test('of tools of one name that of the module comes first, then a server, then the built-in one', async () => {
  const folder = withConfig(ONE_TOOL, 'join.mjs')
  const text = { command: process.execPath, args: [join(folder, 'join.mjs')] }
  writeFileSync(join(folder, 'dagstream.config.json'), JSON.stringify({ mcpServers: { text, mine: hostile() } }))
  writeFileSync(join(folder, 'tools.mjs'), `export default { 'mine:echo': () => 'of the module' }`)
  const tools = await openTools({ tools: './tools.mjs' }, processIn(folder, []), SILENT_LOGGER)
  onTestFinished(() => tools.close())
  const all = await tools.tools()
  const find = (name: string): readonly unknown[] => all.filter(tool => tool.name === name)
  expect(find('mine:echo')).toEqual([tools.own.get('mine:echo')?.tool])
  expect(find('text:join')).toEqual([expect.objectContaining({ description: 'of the server' })])
  expect(find('http:get')).toEqual([tools.own.get('http:get')?.tool])
  expect(find('mine:pid')).toHaveLength(1)
})

test.each(['llm', 'http'])(
  'a server may be called %s: its tools come before built-in ones of their name',
  async name => {
    const tool = name === 'llm' ? 'chat' : 'get'
    const folder = withConfig(ONE_TOOL.replace("name: 'join'", `name: '${tool}'`), 'one.mjs')
    const servers = { [name]: { command: process.execPath, args: [join(folder, 'one.mjs')] } }
    writeFileSync(join(folder, 'dagstream.config.json'), JSON.stringify({ mcpServers: servers, http: {} }))
    const asked = Object.assign(processIn(folder, []), { env: { OPENROUTER_API_KEY: 'sk-key' } })
    const tools = await openTools({}, asked, SILENT_LOGGER)
    onTestFinished(() => tools.close())
    const found = (await tools.tools()).filter(each => each.name === `${name}:${tool}`)
    expect(found).toEqual([expect.objectContaining({ description: 'of the server' })])
  },
)

test.each(['--json', '--sse'])(
  'with %s the stderr of a server is forwarded to stderr, and stdout stays pure',
  async flag => {
    const cwd = withConfig({ mcpServers: { mine: hostile('fair', { env: { API_KEY: 'secret-key' } }) } })
    const workflow = { tasks: [{ id: 'a', tool: 'mine:leak-log' }] }
    const { code, stdout, stderr } = await run(cwd, ['run', '-', flag], workflow)
    expect([code, stdout.includes('mcp mine')]).toEqual([0, false])
    if (flag === '--json') expect(JSON.parse(stdout)).toMatchObject({ status: 'success' })
    expect(stderr).toMatch(/^mcp mine: using \[redacted\]$/m)
  },
)

test('on a terminal that draws a tree its lines are left above it', async () => {
  const cwd = withConfig({ mcpServers: { mine: hostile('fair', { env: { API_KEY: 'secret-key' } }) } })
  // Time for the line to come while there is a tree.
  const pause = { id: 'b', tool: 'wait', arguments: { ms: 300 }, dependsOn: ['a'] }
  const process = processIn(cwd, ['run', '-'], { tasks: [{ id: 'a', tool: 'mine:leak-log' }, pause] })
  Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 })
  expect(await runCli(process)).toBe(0)
  expect(process.stderr.text).toContain('mcp mine: using [redacted]\n')
  expect(process.stderr.text.indexOf('mcp mine: using')).toBeLessThan(process.stderr.text.indexOf('success'))
})

test('of a server that writes without end a bounded number of lines is printed', async () => {
  const cwd = withConfig({ mcpServers: { mine: hostile('floods') } })
  const { code, stderr } = await run(cwd, ['validate', '-'], echo('mine'))
  const lines = stderr.match(/^mcp mine: noise/gm) ?? []
  expect([code, lines.length > 0, lines.length <= 1000]).toEqual([0, true, true])
})

/** Starts `serve` on a free port. @returns once it listens */
async function startServe(
  cwd: string,
  ...argv: string[]
): Promise<{ process: FakeProcess; url: string; code: Promise<number> }> {
  const process = processIn(cwd, ['serve', '--port', '0', '--store', 'memory', ...argv])
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

test('serve starts a server at the first workflow that names it, logs its stderr and ends it', async () => {
  const journal = createJournal()
  const mcpServers = {
    mine: hostile('fair', { env: { API_KEY: 'secret-key' } }, journal.file),
    broken: hostile('exits'),
  }
  const { process, url, code } = await startServe(withConfig({ mcpServers }), '--log-level', 'debug')
  const post = (workflow: unknown): Promise<Response> =>
    fetch(`${url}/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(workflow),
    })
  await (await post({ tasks: [{ id: 'a', tool: 'echo' }] })).text()
  expect(journal.readPids()).toEqual([])
  const workflow = {
    tasks: [
      { id: 'a', tool: 'mine:echo', arguments: { text: 'served' } },
      { id: 'b', tool: 'mine:leak-log' },
    ],
  }
  for (let n = 0; n < 2; n++) {
    expect(await (await post(workflow)).json()).toMatchObject({
      status: 'success',
      results: [{ output: 'served' }, {}],
    })
  }
  expect(journal.readPids().map(isAlive)).toEqual([true])
  const refused = await post(echo('broken'))
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await refused.json()).toMatchObject({ code: 'TOOLS_UNAVAILABLE', servers: ['broken'] })
  process.interrupt()
  expect(await code).toBe(0)
  expect(journal.readPids().map(isAlive)).toEqual([false])
  const lines = process.stderr.text.split('\n').filter(line => line.startsWith('{'))
  const logged = lines.map(line => JSON.parse(line) as Record<string, unknown>)
  expect(logged).toContainEqual(
    expect.objectContaining({ level: 'debug', server: 'mine', message: expect.stringContaining('using') }),
  )
  expect(logged).toContainEqual(expect.objectContaining({ level: 'warn', message: 'Tools are not available' }))
  expect(process.stderr.text).not.toContain('secret-key')
})
