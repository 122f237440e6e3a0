import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { real } from '../integrations/mcp/mcp-rig.ts'
import { end, expectBuild, run, start } from './program.ts'

beforeAll(expectBuild)

/** A configuration whose only server is the reference memory server, with a memory of its own. */
function createConfig(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dagstream-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const memory = real('memory', [], { env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } })
  const file = join(folder, 'servers.json')
  writeFileSync(file, JSON.stringify({ mcpServers: { memory } }))
  return file
}

const ids = Array.from({ length: 20 }, (_, index) => `e${index}`)

/** Twenty writes at once, which the server would lose without their shared limit; then what is left of them. */
const workflow = {
  tasks: [
    ...ids.map(id => ({
      id,
      tool: 'memory:create_entities',
      arguments: { entities: [{ name: id, entityType: 'test', observations: [] }] },
    })),
    { id: 'graph', tool: 'memory:read_graph', dependsOn: ids },
  ],
}

const namesOf = (graph: unknown): string[] =>
  (graph as { entities: { name: string }[] }).entities.map(({ name }) => name).sort()

test('run uses a real MCP server, keeps every parallel write and ends', async () => {
  const config = createConfig()
  const { code, stdout } = await run(['run', '-', '--mcp', config], JSON.stringify(workflow))
  expect([code, namesOf(JSON.parse(stdout))]).toEqual([0, [...ids].sort()])
  const invalid = { tasks: [{ id: 'a', tool: 'memory:create_entities', arguments: { entities: 1 } }] }
  const refused = await run(['validate', '-', '--mcp', config], JSON.stringify(invalid))
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('INVALID_ARGUMENTS')])
  const listed = await run(['tools', '--json', '--mcp', config])
  const names = (JSON.parse(listed.stdout) as { name: string }[]).map(({ name }) => name)
  expect([listed.code, names]).toEqual([0, expect.arrayContaining(['echo', 'http:get', 'memory:read_graph'])])
})

test('serve runs posted workflows on a real MCP server, and ends it when it drains', async () => {
  const child = start(['serve', '--port', '0', '--store', 'memory', '--mcp', createConfig()])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = end(child)
  const response = await fetch(`${await findUrl(child)}/executions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(workflow),
  })
  const { status, results } = (await response.json()) as { status: string; results: { output: unknown }[] }
  expect([status, namesOf(results.at(-1)?.output)]).toEqual(['success', [...ids].sort()])
  child.kill('SIGTERM')
  const { code, stderr } = await ended
  // Windows has no signals: there it is ended at once.
  if (process.platform !== 'win32') expect([code, stderr]).toEqual([0, expect.stringMatching(/Drained\n$/)])
})

async function findUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: string) => {
      said += chunk
      const match = /listens on (\S+)\n/.exec(said)
      if (match) resolve(match[1] as string)
    })
    child.on('close', () => reject(new Error(said)))
  })
}
