import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openSqliteStore } from 'dagstream/store/sqlite'
import { expect, test } from 'vitest'
import type { ExecutionResult } from '../../src/index.ts'
import { countRuns } from '../language/language-rig.ts'
import { RandomSource } from '../language/random-source.ts'
import { forSeeds } from '../support/random-graph.ts'

// Real processes that write a plan into a file, killed by SIGKILL at random moments. The next one continues it.

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const CHILD = here('plan-child.mjs')
const MAIN = here('../../dist/cli/main.js')
const run = promisify(execFile)

interface Line {
  readonly id: string
  readonly tool?: string
}

/** A plan of 8–16 lines: calls that read or write, fan-outs, and workflows, inline and registered. */
function createLines(random: RandomSource): Line[] {
  const count = random.integer(8, 16)
  return Array.from({ length: count }, (_, at) => {
    const id = `t${at}`
    const earlier = at === 0 ? [] : [...new Set([random.integer(0, at - 1), random.integer(0, at - 1)])]
    const args = { ms: random.integer(1, 25), of: earlier.slice(0, 1).map(each => `$OUTPUT[t${each}]`) }
    const more = { arguments: args, dependsOn: earlier.map(each => `t${each}`) }
    if (random.chance(0.15)) return { id, workflow: 'twice', ...more }
    if (random.chance(0.15)) return { id, tool: 'read', forEach: [1, 2, 3], ...more, arguments: { ms: 5, of: '$ITEM' } }
    return { id, tool: random.chance(0.5) ? 'read' : 'write', ...more }
  })
}

const workflows = {
  twice: {
    tasks: [
      { id: 'a', tool: 'read', arguments: { of: '$INPUT.of' } },
      { id: 'b', tool: 'write', arguments: { a: '$OUTPUT[a]' } },
    ],
    output: '$OUTPUT[b]',
  },
}

/** Runs a child to its end, or kills it so long after it writes. @returns its result, unless it was killed */
async function runChild(argv: readonly string[], killAfterMs?: number): Promise<ExecutionResult | undefined> {
  const child = spawn(process.execPath, [CHILD, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    if (killAfterMs !== undefined && out.startsWith('ready'))
      timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  if (signal === 'SIGKILL') return undefined
  if (code !== 0) throw new Error(`The child ended with ${code}: ${errors}`)
  return JSON.parse(out.split('\n')[1] as string) as ExecutionResult
}

const outline = ({ status, totalTasks, results }: ExecutionResult): unknown => [
  status,
  totalTasks,
  results.map(({ taskId, status: end, output }) => [taskId, end, output]),
]

test('a plan whose process is killed at random moments ends as if it had not been, and its file is sound', {
  timeout: 60_000 * countRuns(1),
}, async () => {
  if (!existsSync(MAIN)) throw new Error(`There is no ${MAIN}: run \`npm run build\` first`)
  let killCount = 0
  await forSeeds(countRuns(1), async seed => {
    const random = new RandomSource(seed)
    const folder = await mkdtemp(join(tmpdir(), 'dagstream-eager-'))
    const lines = createLines(random).map(line => JSON.stringify(line))
    const plan = join(folder, 'plan.json')
    writeFileSync(plan, JSON.stringify({ lines, workflows, paceMs: random.integer(1, 15) }))
    const expected = await runChild([join(folder, 'whole.db'), plan, join(folder, 'whole-calls')])
    if (expected === undefined) throw new Error('Expected a result')
    expect(expected.status).toBe('success')

    const file = join(folder, 'store.db')
    const calls = join(folder, 'calls')
    let result: ExecutionResult | undefined
    for (let life = 0; result === undefined; life++) {
      // The first one ends at a call, however fast the machine is.
      const lastCall = life === 0 ? [String(random.integer(1, 4))] : []
      result = await runChild([file, plan, calls, ...lastCall], life < 4 ? random.integer(0, 120) : undefined)
      if (result === undefined) killCount += 1
    }
    expect(outline(result)).toEqual(outline(expected))
    await expectSound(file, calls, lines.length)
    const backup = join(folder, 'backup.db')
    await run(process.execPath, [MAIN, 'executions', 'backup', backup, '--store', file])
    await expectSound(backup, calls, lines.length)
    await rm(folder, { recursive: true })
  })
  expect(killCount).toBeGreaterThan(0)
})

/** One end of each task, each line once, each call told of before and made once, none that writes before the seal. */
async function expectSound(file: string, callsFile: string, lineCount: number): Promise<void> {
  const store = await openSqliteStore(file)
  const entries = await store.read('x', 0, 100_000)
  await store.close()
  const events = entries.map(({ type, json }) => ({ type, data: JSON.parse(json) as Record<string, unknown> }))
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1))
  const ends = events.filter(({ type }) => type === 'task_complete').map(({ data }) => data['taskId'])
  expect(new Set(ends).size).toBe(ends.length)
  const added = events.flatMap(({ type, data }) =>
    type === 'tasks_added' ? (data['tasks'] as { line?: number }[]) : [],
  )
  const lines = added.flatMap(({ line }) => line ?? [])
  expect(lines).toEqual(Array.from({ length: lineCount }, (_, at) => at + 1))
  expect(events.filter(({ type }) => type === 'plan_sealed')).toHaveLength(1)
  const starts = events.flatMap(({ type, data }, at) =>
    type === 'task_start'
      ? [{ name: `${String(data['taskId'])} ${String(data['attempt'])}`, tool: data['tool'], at }]
      : [],
  )
  const sealedAt = events.findIndex(({ type }) => type === 'plan_sealed')
  expect(starts.filter(({ tool, at }) => (tool === 'write' || tool === 'workflow:twice') && at < sealedAt)).toEqual([])
  const calls = readFileSync(callsFile, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { taskId: string; attempt: number })
  const names = calls.map(({ taskId, attempt }) => `${taskId} ${attempt}`)
  expect(new Set(names).size).toBe(names.length)
  const known = new Set(starts.map(({ name }) => name))
  expect(names.filter(name => !known.has(name))).toEqual([])
}
