import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { DAGStructure } from '../../src/index.ts'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { leaveUnfinished, makeFolder, openHere, parseLines, runIn } from './store-rig.ts'

const GREETING = {
  name: 'greeting',
  tasks: [
    { id: 'name', tool: 'echo', arguments: { text: '$INPUT' } },
    { id: 'join', tool: 'text:join', arguments: { parts: ['Hello', '$OUTPUT[name].text'], separator: ' ' } },
  ],
}

const FLAKY = { tasks: [...GREETING.tasks, { id: 'bad', tool: 'fail', arguments: { message: 'no' } }] }

/** Two tasks of tools that write down in `calls` that they were called. */
const CHAIN = {
  tasks: [
    { id: 'a', tool: 'note' },
    { id: 'b', tool: 'note', dependsOn: ['a'] },
  ],
}
const NOTE = { note: (): string => 'noted' }
const MODULE = `import { appendFileSync } from 'node:fs'
export default { note: (_, { taskId }) => { appendFileSync(new URL('calls', import.meta.url), taskId); return taskId } }`

/** Ends behind the start of `b`: start, a, a, b. */
const IN_THE_MIDDLE = 4

async function keep(cwd: string, workflow: unknown, more = ''): Promise<string> {
  const { stderr } = await runIn(cwd, `run - --store runs.db --input "Ada"${more}`, workflow)
  return /^Execution (\S+) is kept in runs\.db$/m.exec(stderr)?.[1] ?? stderr
}

test('run keeps an execution in a file and reports its id, and standard output does not change', async () => {
  const cwd = makeFolder()
  const { code, stdout, stderr } = await runIn(cwd, 'run - --store runs.db --input "Ada"', GREETING)
  expect([code, stdout]).toEqual([0, 'Hello Ada\n'])
  const lines = stderr.split('\n')
  expect(lines[0]).toMatch(/^Execution [\w-]{22} is kept in runs\.db$/)
  expect(lines[1]).toMatch(/^✔ name /)
  const json = await runIn(cwd, 'run - --store runs.db --input "Ada" --json', GREETING)
  expect(JSON.parse(json.stdout)).toMatchObject({ status: 'success', totalTasks: 2 })
})

test('a workflow that is invalid is not kept', async () => {
  const cwd = makeFolder()
  expect((await runIn(cwd, 'run - --store runs.db', { tasks: [{ id: 'a', tool: 'nope' }] })).code).toBe(2)
  expect((await runIn(cwd, 'executions list --store runs.db --json')).stdout).toBe('[]\n')
})

test('list shows the newest first, up to the limit, and by status', async () => {
  const cwd = makeFolder()
  const first = await keep(cwd, GREETING)
  const second = await keep(cwd, FLAKY)
  const { stdout, stderr } = await runIn(cwd, 'executions list --store runs.db')
  expect(stdout.split('\n').map(line => line.split(/ {2,}/).slice(0, 4))).toEqual([
    ['id', 'status', 'age', 'tasks'],
    [second, 'partial', expect.stringMatching(/^\d+s$/), '2/3'],
    [first, 'success', expect.stringMatching(/^\d+s$/), '2/2'],
    [''],
  ])
  expect(stderr).toBe('')
  const limited = await runIn(cwd, 'executions list --store runs.db --limit 1')
  expect([limited.stdout.includes(first), limited.stderr]).toEqual([
    false,
    '1 older one not shown; --limit shows more\n',
  ])
  const filtered = await runIn(cwd, 'executions list --store runs.db --status success --json')
  expect([JSON.parse(filtered.stdout), filtered.stderr]).toEqual([
    [
      {
        executionId: first,
        status: 'success',
        createdAt: expect.stringMatching(/Z$/),
        name: 'greeting',
        totalTasks: 2,
        successCount: 2,
        errorCount: 0,
        skippedCount: 0,
        cancelledCount: 0,
        startedAt: expect.stringMatching(/Z$/),
        endedAt: expect.stringMatching(/Z$/),
        executionTimeMs: expect.any(Number),
      },
    ],
    '',
  ])
  const ids = async (flags: string): Promise<string[]> => {
    const { stdout } = await runIn(cwd, `executions list --store runs.db --json ${flags}`)
    return (JSON.parse(stdout) as { executionId: string }[]).map(({ executionId }) => executionId)
  }
  expect(await ids('--name greeting')).toEqual([first])
  expect(await ids('--name Greeting')).toEqual([])
  expect(await ids('--since 2000-01-01')).toEqual([second, first])
  expect(await ids('--since 9000-01-01')).toEqual([])
  const refused = await runIn(cwd, 'executions list --store runs.db --since yesterday')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Expected a date and time of ISO 8601')])
  const none = await runIn(cwd, 'executions list --store runs.db --status parked')
  expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'No executions\n'])
})

test('show draws the tasks and what became of them', async () => {
  const cwd = makeFolder()
  const id = await keep(cwd, FLAKY)
  const { code, stdout, stderr } = await runIn(cwd, `executions show ${id} --store runs.db`)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^workflow · layers · 3\/3 tasks · /)
  expect(stdout).toMatch(/\nlayer 1 · 2\/2\n {2}✔ name .*\n {2}✖ bad .* · no\nlayer 2 · 1\/1\n {2}✔ join /)
  expect(stdout).toContain('\npartial 3 tasks: 2 succeeded, 1 failed in ')
  const json = JSON.parse((await runIn(cwd, `executions show ${id} --store runs.db --json`)).stdout)
  expect(json).toMatchObject({ executionId: id, status: 'partial', result: { executionId: id, errorCount: 1 } })
  expect(json.result.results.map(({ output }: { output: unknown }) => output)).toEqual([
    { text: 'Ada' },
    'Hello Ada',
    undefined,
  ])
})

test('export writes the request, then every event with whole outputs', async () => {
  const cwd = makeFolder()
  const text = 'é'.repeat(50_000)
  const id = await keep(cwd, { tasks: [{ id: 'a', tool: 'echo', arguments: { text, '"outputPath"': '$INPUT' } }] })
  const { code, stdout, stderr } = await runIn(cwd, `executions export ${id} --store runs.db`)
  expect([code, stderr]).toEqual([0, ''])
  const [record, ...events] = parseLines(stdout)
  expect(record).toMatchObject({
    executionId: id,
    status: 'success',
    workflow: { tasks: [{ id: 'a' }] },
    input: 'Ada',
    options: { schedule: 'layers' },
  })
  expect(events.map(event => [event['id'], event['type']])).toEqual([
    [`${id}.1`, 'execution_start'],
    [`${id}.2`, 'task_start'],
    [`${id}.3`, 'task_complete'],
    [`${id}.4`, 'execution_complete'],
  ])
  const data = events[2]?.['data'] as Record<string, unknown>
  expect(data['output']).toEqual({ text, '"outputPath"': 'Ada' })
  expect(Object.keys(data)).not.toContain('outputPath')
})

test('without an id export writes all, the oldest first', async () => {
  const cwd = makeFolder()
  const ids = [await keep(cwd, GREETING), await keep(cwd, FLAKY)]
  const lines = parseLines((await runIn(cwd, 'executions export --store runs.db')).stdout)
  const records = lines.filter(line => line['type'] === undefined)
  expect(records.map(record => record['executionId'])).toEqual(ids)
  expect(lines.filter(line => line['type'] === 'execution_complete')).toHaveLength(2)
})

test('an execution that its process left is continued, and settled tasks are not called again', async () => {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'tools.mjs'), MODULE)
  const id = await leaveUnfinished(join(cwd, 'runs.db'), CHAIN, NOTE, IN_THE_MIDDLE)
  const listed = await runIn(cwd, 'executions list --store runs.db --json')
  expect(JSON.parse(listed.stdout)).toMatchObject([{ executionId: id, status: 'running', totalTasks: 2 }])
  const shown = await runIn(cwd, `executions show ${id} --store runs.db`)
  expect(shown.stdout).toMatch(/ {2}✔ a .*\nlayer 2 · 0\/1\n {2}● b .*\nrunning\n$/)

  const { code, stdout, stderr } = await runIn(cwd, `executions resume ${id} --store runs.db --tools ./tools.mjs --sse`)
  expect(code).toBe(0)
  const seqs = [...stdout.matchAll(/^id: \S+\.(\d+)$/gm)].map(([, seq]) => Number(seq))
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(stdout).toMatch(/"attempt":1,"delayMs":0,.*"code":"INTERRUPTED","interrupted":true/)
  expect(stderr).toContain('success 2 tasks: 2 succeeded')
  expect(readFileSync(join(cwd, 'calls'), 'utf8')).toBe('b')
  const again = await runIn(cwd, `executions resume ${id} --store runs.db --tools ./tools.mjs`)
  expect([again.code, again.stdout, again.stderr]).toEqual([1, '', `error Execution ${id} has ended: success\n`])
})

test('resume refuses a record that cannot be used, and cancel too: it can only be deleted', async () => {
  const cwd = makeFolder()
  const store = await openSqliteStore(join(cwd, 'runs.db'))
  await store.create({ executionId: 'x', createdAt: '2026-01-01T00:00:00.000Z', workflow: '{"tasks":' })
  await store.claim('x')
  await store.close()
  const { code, stdout, stderr } = await runIn(cwd, 'executions resume x --store runs.db')
  expect([code, stdout, stderr.includes('the execution can only be deleted')]).toEqual([1, '', true])
  expect(stderr).not.toContain('SyntaxError')
  expect((await runIn(cwd, 'executions cancel x --store runs.db')).code).toBe(1)
  expect((await runIn(cwd, 'executions delete x --store runs.db')).code).toBe(0)
})

test('resume prints what run prints', async () => {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'tools.mjs'), MODULE)
  const file = join(cwd, 'runs.db')
  const plain = await leaveUnfinished(file, CHAIN, NOTE, IN_THE_MIDDLE)
  expect(await runIn(cwd, `executions resume ${plain} --store runs.db --tools ./tools.mjs`)).toMatchObject({
    code: 0,
    stdout: 'b\n',
  })
  const json = await leaveUnfinished(file, CHAIN, NOTE, IN_THE_MIDDLE)
  const { stdout } = await runIn(cwd, `executions resume ${json} --store runs.db --tools ./tools.mjs --json`)
  expect(JSON.parse(stdout)).toMatchObject({ executionId: json, status: 'success', successCount: 2 })
})

test('without a tool that is still needed nothing is begun', async () => {
  const cwd = makeFolder()
  const id = await leaveUnfinished(join(cwd, 'runs.db'), CHAIN, NOTE, IN_THE_MIDDLE)
  const { code, stdout, stderr } = await runIn(cwd, `executions resume ${id} --store runs.db`)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^error There is no tool `note`, which task `b` needs\nTools come from --tools /)
  const listed = await runIn(cwd, 'executions list --store runs.db --json')
  expect(JSON.parse(listed.stdout)).toMatchObject([{ status: 'running' }])
})

test('cancel runs no finally tasks either; resume runs them', async () => {
  const cwd = makeFolder()
  const file = join(cwd, 'runs.db')
  const workflow: DAGStructure = {
    tasks: [
      { id: 'a', tool: 'echo' },
      { id: 'b', tool: 'echo', dependsOn: ['a'] },
    ],
    finally: [{ id: 'last', workflow: { tasks: [{ id: 'c', tool: 'echo' }] } }],
  }
  const id = await leaveUnfinished(file, workflow, { echo: () => null }, 3)
  expect((await runIn(cwd, `executions cancel ${id} --store runs.db`)).code).toBe(0)
  const shown = JSON.parse((await runIn(cwd, `executions show ${id} --store runs.db --json`)).stdout)
  expect(shown.status).toBe('cancelled')
  expect(shown.result.results).toMatchObject([
    { status: 'success' },
    { code: 'CANCELLED' },
    { code: 'TOOLS_UNAVAILABLE' },
  ])
  const other = await leaveUnfinished(file, workflow, { echo: () => null }, 3)
  const resumed = await runIn(cwd, `executions resume ${other} --store runs.db --json`)
  expect([resumed.code, JSON.parse(resumed.stdout).successCount]).toEqual([0, 4])
})

test('cancel ends an unfinished execution, and calls no tool', async () => {
  const cwd = makeFolder()
  const id = await leaveUnfinished(join(cwd, 'runs.db'), CHAIN, NOTE, IN_THE_MIDDLE)
  const cancelled = await runIn(cwd, `executions cancel ${id} --store runs.db`)
  expect(cancelled).toEqual({ code: 0, stdout: '', stderr: `Execution ${id} is cancelled\n` })
  const { result } = JSON.parse((await runIn(cwd, `executions show ${id} --store runs.db --json`)).stdout)
  expect(result).toMatchObject({
    status: 'cancelled',
    reason: { code: 'CANCELLED' },
    successCount: 1,
    cancelledCount: 1,
  })
  const again = await runIn(cwd, `executions cancel ${id} --store runs.db --json`)
  expect([again.code, JSON.parse(again.stdout)]).toEqual([0, { executionId: id, status: 'cancelled' }])
})

test('a parked execution shows its reason', async () => {
  const cwd = makeFolder()
  const parked = { code: 'CRASH_LIMIT', message: '3 processes in a row ended' }
  const id = await leaveUnfinished(join(cwd, 'runs.db'), CHAIN, NOTE, IN_THE_MIDDLE, { ...parked, tasks: [] })
  const { stdout } = await runIn(cwd, `executions show ${id} --store runs.db`)
  expect(stdout).toMatch(/\nparked: CRASH_LIMIT: 3 processes in a row ended\n$/)
  const listed = await runIn(cwd, 'executions list --store runs.db --status parked --json')
  expect(JSON.parse(listed.stdout)).toMatchObject([{ executionId: id, status: 'parked', parked }])
})

test('executions with ids that are refused today are read and continued', async () => {
  const cwd = makeFolder()
  const file = join(cwd, 'runs.db')
  const rename = (json: string): string => json.replaceAll('"a"', '".."').replaceAll('"b"', '"."')
  const ended = await leaveUnfinished(file, CHAIN, NOTE, 100, undefined, rename)
  const left = await leaveUnfinished(file, CHAIN, NOTE, IN_THE_MIDDLE, undefined, rename)
  const shown = await runIn(cwd, `executions show ${ended} --store runs.db --json`)
  expect([shown.code, JSON.parse(shown.stdout)]).toMatchObject([
    0,
    { status: 'success', result: { results: [{ taskId: '..', output: 'noted' }, { taskId: '.' }] } },
  ])
  for (const id of [ended, left]) {
    const exported = await runIn(cwd, `executions export ${id} --store runs.db`)
    const ids = parseLines(exported.stdout).map(line => (line['data'] as { taskId?: string } | undefined)?.taskId)
    expect([exported.code, ids.slice(2, 5)]).toEqual([0, ['..', '..', '.']])
    expect((await runIn(cwd, `executions show ${id} --store runs.db`)).stdout).toContain('layer 1')
  }
  writeFileSync(join(cwd, 'tools.mjs'), MODULE)
  const resumed = await runIn(cwd, `executions resume ${left} --store runs.db --tools ./tools.mjs`)
  expect([resumed.code, resumed.stdout, readFileSync(join(cwd, 'calls'), 'utf8')]).toEqual([0, '.\n', '.'])
})

test('delete removes ended executions, and refuses others', async () => {
  const cwd = makeFolder()
  const running = await leaveUnfinished(join(cwd, 'runs.db'), CHAIN, NOTE, IN_THE_MIDDLE)
  const ended = await keep(cwd, GREETING)
  const refused = await runIn(cwd, `executions delete ${running} --store runs.db`)
  expect([refused.code, refused.stderr]).toEqual([1, `error Execution ${running} has not ended; cancel it first\n`])
  const deleted = await runIn(cwd, `executions delete ${ended} --store runs.db`)
  expect(deleted).toEqual({ code: 0, stdout: '', stderr: `Execution ${ended} is deleted\n` })
  const listed = await runIn(cwd, 'executions list --store runs.db --json')
  expect(JSON.parse(listed.stdout)).toMatchObject([{ executionId: running }])
})

test('delete removes parked and damaged executions; export shows them unchanged', async () => {
  const cwd = makeFolder()
  const file = join(cwd, 'runs.db')
  const parked = { code: 'CRASH_LIMIT', message: 'parked' }
  const parkedId = await leaveUnfinished(file, CHAIN, NOTE, IN_THE_MIDDLE, { ...parked, tasks: [] })
  const brokenId = await leaveUnfinished(file, CHAIN, NOTE, IN_THE_MIDDLE)
  const connection = (await loadDriver()).open(file)
  connection.exec(
    `UPDATE requests SET workflow = '{"tasks":' WHERE execution = (SELECT number FROM executions WHERE id = '${brokenId}')`,
  )
  connection.close()
  const [record] = parseLines((await runIn(cwd, `executions export ${brokenId} --store runs.db`)).stdout)
  expect(record).toMatchObject({ executionId: brokenId, workflow: '{"tasks":' })
  for (const id of [parkedId, brokenId]) {
    const deleted = await runIn(cwd, `executions delete ${id} --store runs.db`)
    expect(deleted).toEqual({ code: 0, stdout: '', stderr: `Execution ${id} is deleted\n` })
  }
})

test.each(['show', 'cancel', 'delete', 'resume', 'export'])('%s of a missing execution or file fails', async name => {
  const cwd = makeFolder()
  await keep(cwd, GREETING)
  const unknown = await runIn(cwd, `executions ${name} nobody --store runs.db`)
  expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([
    1,
    '',
    `error There is no execution nobody in ${join(cwd, 'runs.db')}\n`,
  ])
  const malformed = await runIn(cwd, `executions ${name} a.b --store runs.db`)
  expect([malformed.code, malformed.stderr]).toEqual([2, expect.stringContaining('Expected the id of an execution')])
})

test('while another process writes the file it can be read, and nothing else', async () => {
  const cwd = makeFolder()
  const id = await keep(cwd, GREETING)
  await openHere(join(cwd, 'runs.db'))
  for (const argv of ['list', `show ${id}`, `export ${id}`, 'backup copy.db']) {
    expect([argv, (await runIn(cwd, `executions ${argv} --store runs.db`)).code]).toEqual([argv, 0])
  }
  const inUse = 'error The store `runs.db` is in use by another process: '
  for (const argv of ['cancel', 'delete', 'resume']) {
    const { code, stdout, stderr } = await runIn(cwd, `executions ${argv} ${id} --store runs.db`)
    expect([code, stdout, stderr]).toEqual([1, '', `${inUse}use that process by --server, or stop it\n`])
  }
  const run = await runIn(cwd, 'run - --store runs.db --input "Ada"', GREETING)
  expect([run.code, run.stdout, run.stderr]).toEqual([1, '', `${inUse}stop it, or give another --store\n`])
  const serve = await runIn(cwd, 'serve --port 0 --store runs.db')
  expect([serve.code, serve.stdout, serve.stderr]).toEqual([
    1,
    '',
    `${inUse}stop it, or give another --store; --store memory keeps nothing\n`,
  ])
})

test('backup copies the store into a file that is not there yet', async () => {
  const cwd = makeFolder()
  const id = await keep(cwd, GREETING)
  const { code, stdout, stderr } = await runIn(cwd, 'executions backup copy.db --store runs.db')
  expect([code, stdout, stderr]).toEqual([0, '', 'runs.db is backed up to copy.db\n'])
  const listed = await runIn(cwd, 'executions list --store copy.db --json')
  expect(JSON.parse(listed.stdout)).toMatchObject([{ executionId: id, status: 'success' }])
  const again = await runIn(cwd, 'executions backup copy.db --store runs.db')
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('there is a file')])
  const dash = await runIn(cwd, 'executions backup - --store runs.db')
  expect([dash.code, dash.stderr]).toEqual([2, expect.stringContaining('Expected a file to back up to, got `-`')])
  const empty = await runIn(cwd, 'executions backup  --store runs.db')
  expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining('Expected `file` to be the path of a file')])
})

test('without a flag the default store is meant, if it is here', async () => {
  const cwd = makeFolder()
  const none = await runIn(cwd, 'executions list')
  const message = 'error Expected --store or --server: there is no .dagstream/executions.db here\n'
  expect([none.code, none.stderr]).toEqual([2, message])
  mkdirSync(join(cwd, '.dagstream'))
  await runIn(cwd, 'run - --store .dagstream/executions.db --input "Ada"', GREETING)
  expect(JSON.parse((await runIn(cwd, 'executions list --json')).stdout)).toHaveLength(1)
})

test.each([
  ['executions list --store missing.db', 'error There is no store `missing.db`'],
  ['executions list --store :memory:', 'error Expected `file` to be the path of a file'],
  ['executions list --store a.db --server http://x', "'--store <file>' cannot be used with option '--server <url>'"],
  ['executions list --token x', 'error Expected --server with --token'],
  ['executions list --limit 0', 'Expected an integer of at least 1.'],
  ['executions list --status done', 'Allowed choices are running, parked, success, partial, error, cancelled.'],
  ['executions resume x --server http://x --tools y', "'--tools <module>' cannot be used with option '--server <url>'"],
  ['executions', 'Usage: dagstream executions'],
  ['run - --store memory', 'error Expected --store to be a file: a store in memory is lost when `run` ends'],
  ['run - --store a.db --server http://x', "'--store <store>' cannot be used with option '--server <url>'"],
  ['run - --retain-count 1', 'error Expected --store with --retain-age, --retain-count, --cache-age and --cache-bytes'],
])('%s is refused', async (argv, message) => {
  const cwd = makeFolder()
  const { code, stdout, stderr } = await runIn(cwd, argv, GREETING)
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
  expect(existsSync(join(cwd, 'missing.db'))).toBe(false)
})

test('run removes nothing without a retention flag', async () => {
  const cwd = makeFolder()
  const ids = [await keep(cwd, GREETING), await keep(cwd, GREETING), await keep(cwd, GREETING)]
  const list = async (): Promise<string[]> => {
    const { stdout } = await runIn(cwd, 'executions list --store runs.db --json')
    return (JSON.parse(stdout) as { executionId: string }[]).map(({ executionId }) => executionId)
  }
  expect(await list()).toEqual(ids.toReversed())
  const last = await keep(cwd, GREETING, ' --retain-count 1 --retain-age 1d')
  expect(await list()).toEqual([last, ids[2]])
})
