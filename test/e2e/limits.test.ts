import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHandler, type Handler } from 'dagstream/http'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres/index.ts'
import { real } from '../integrations/mcp/mcp-rig.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { expectBuild, start } from './program.ts'

// Three workers as processes; what counts is what their tools have noted.

interface Note {
  readonly moment: 'begin' | 'end'
  readonly taskId: string
  readonly attempt: number
  readonly pid: number
  readonly at: number
}

const folder = mkdtempSync(join(tmpdir(), 'dagstream-limits-'))
const WAIT = { timeout: 120_000, interval: 50 }
const LONG = { timeout: 180_000 }
let url = ''
let store: PostgresStore
let handler: Handler
let record = ''
let count = 0

const readNotes = (): readonly Note[] =>
  (existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n') : [])
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Note)

async function startWorker(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<ChildProcess> {
  const tools = flags.includes('--mcp') ? [] : ['--tools', 'test/e2e/limit-tools.mjs']
  const argv = ['worker', '--store', url, ...tools, '--lease', '5000', ...flags]
  const child = start(argv, '', { RECORD: record, ...env })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let text = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.includes('worker started')) resolve()
    })
    child.once('exit', () => reject(new Error(`The worker ended: ${text}`)))
  })
  return child
}

const send = (path: string, body?: unknown): Promise<Response> =>
  handler.fetch(
    new Request(`http://localhost${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' },
    }),
  )

/** Starts tasks side by side. @returns waits for their end and returns the result */
async function run(tasks: readonly object[]): Promise<() => Promise<{ status: string }>> {
  const created = await send('/executions', { workflow: { tasks }, options: { maxConcurrency: 100 } })
  const { executionId } = (await created.json()) as { executionId: string }
  expect(created.status).toBe(202)
  return () =>
    vi.waitFor(async () => {
      const shown = (await (await send(`/executions/${executionId}`)).json()) as {
        status: string
        successCount: number
      }
      expect(shown.status).not.toBe('running')
      return shown
    }, WAIT)
}

const tasksOf = (length: number, tool: string, more: object = {}): readonly object[] =>
  Array.from({ length }, (_, at) => ({ id: `${tool}${at}`, tool, timeoutMs: 600_000, ...more }))

/** The most calls that were alive at once. A process that was killed has ended its own. */
function findPeak(notes: readonly Note[], killed?: { readonly pid: number; readonly at: number }): number {
  const nameOf = ({ taskId, attempt }: Note): string => `${taskId} ${attempt}`
  const ends = new Map(notes.filter(({ moment }) => moment === 'end').map(each => [nameOf(each), each.at]))
  const lives = notes
    .filter(({ moment }) => moment === 'begin')
    .map(each => ({ from: each.at, to: ends.get(nameOf(each)) ?? (each.pid === killed?.pid ? killed.at : Infinity) }))
  return Math.max(...lives.map(({ from }) => lives.filter(life => life.from <= from && from < life.to).length))
}

describe.skipIf(isPostgresMissing)('over three workers', () => {
  beforeAll(async () => {
    expectBuild()
    url = await createDatabase()
    store = await openPostgresStore(url)
    handler = createHandler({ store, tools: {}, work: false, leaseMs: 5000, maxConcurrency: 100 })
  }, 60_000)
  beforeEach(() => {
    record = join(folder, `record-${++count}`)
  })
  afterAll(async () => {
    await handler?.close()
    await store?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  test('no more calls live at once than the smallest limit, also when a worker is killed', LONG, async () => {
    // Two of them have the smallest limit: it holds on when one of these is killed.
    const workers = await Promise.all([
      startWorker([], { LIMIT: '3' }),
      startWorker([], { LIMIT: '9' }),
      startWorker([], { LIMIT: '3' }),
    ])
    const ended = await run(tasksOf(40, 'limited', { arguments: { ms: 150 } }))
    const busy = await vi.waitFor(() => {
      const notes = readNotes()
      const open = notes.filter(
        each => each.moment === 'begin' && !notes.some(other => other.moment === 'end' && other.taskId === each.taskId),
      )
      const found = workers.find(({ pid }) => open.some(each => each.pid === pid))
      expect(notes.length > 20 && found !== undefined).toBe(true)
      return found as ChildProcess
    }, WAIT)
    busy.kill('SIGKILL')
    const killed = { pid: busy.pid as number, at: Date.now() }
    await once(busy, 'exit')
    expect(await ended()).toMatchObject({ status: 'success' })
    const notes = readNotes()
    expect(findPeak(notes, killed)).toBe(3)
    const again = notes.filter(({ moment, attempt }) => moment === 'begin' && attempt > 1)
    expect(again.length).toBeGreaterThan(0)
    expect(again.every(({ pid, at }) => pid !== killed.pid && at > killed.at)).toBe(true)
  })

  test('calls begin no faster than the rate', LONG, async () => {
    await Promise.all([startWorker(), startWorker(), startWorker()])
    const ended = await run(tasksOf(16, 'rated'))
    expect(await ended()).toMatchObject({ status: 'success' })
    const times = readNotes()
      .map(({ at }) => at)
      .sort((a, b) => a - b)
    expect(times).toHaveLength(16)
    // A process may be late with one call and not with the next one.
    const LATE_MS = 500
    for (const [at, from] of times.entries()) {
      for (let next = at; next < times.length; next++) {
        const allowed = 4 + ((times[next] as number) - from + LATE_MS) / 500
        expect(next - at + 1).toBeLessThanOrEqual(Math.floor(allowed))
      }
    }
  })

  test('a pause that a provider asks for holds back all machines', LONG, async () => {
    await Promise.all([startWorker(), startWorker(), startWorker()])
    const tasks = [{ id: 'first', tool: 'asking' }, ...tasksOf(9, 'asking', { dependsOn: ['first'], runOn: 'settled' })]
    const ended = await run(tasks)
    expect(await ended()).toMatchObject({ status: 'partial' })
    const [first, ...others] = readNotes()
    expect(first?.taskId).toBe('first')
    expect(Math.min(...others.map(({ at }) => at)) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2900)
  })

  test('a server of MCP that writes gets one call at a time, and loses no write', LONG, async () => {
    const config = join(folder, 'servers.json')
    const memory = real('memory', [], { env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } })
    writeFileSync(config, JSON.stringify({ mcpServers: { memory } }))
    await Promise.all([1, 2, 3].map(() => startWorker(['--mcp', config])))
    const writes = tasksOf(15, 'memory:create_entities').map((task, at) => ({
      ...task,
      id: `e${at}`,
      arguments: { entities: [{ name: `e${at}`, entityType: 'test', observations: [] }] },
    }))
    const graph = { id: 'graph', tool: 'memory:read_graph', dependsOn: writes.map(({ id }) => id) }
    const ended = await run([...writes, graph])
    expect(await ended()).toMatchObject({ status: 'success' })
    const lines = readFileSync(join(folder, 'memory.jsonl'), 'utf8').trim().split('\n')
    const names = lines.map(line => (JSON.parse(line) as { name: string }).name).sort()
    expect(names).toEqual(writes.map(({ id }) => id).sort())
  })
})
