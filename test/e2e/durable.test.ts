import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Ended, end, expectBuild, start } from './program.ts'

// Real processes, ended by SIGKILL: that what they began outlives them is what is shown.

beforeAll(expectBuild)

let folder: string
let children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dagstream-'))
  writeFileSync(
    join(folder, 'tools.mjs'),
    `import { appendFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    export default {
      slow: async ({ ms = 150 }, { taskId, signal }) => {
        appendFileSync('calls', taskId + '\\n')
        await sleep(ms, undefined, { signal })
        return taskId
      },
    }`,
  )
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(folder, { recursive: true, maxRetries: 5 })
})

const chain = JSON.stringify({
  tasks: Array.from({ length: 6 }, (_, index) => ({
    id: `t${index}`,
    tool: 'slow',
    dependsOn: index === 0 ? [] : [`t${index - 1}`],
  })),
})

function begin(argv: readonly string[], stdin = ''): { child: ChildProcess; ended: Promise<Ended> } {
  const child = start(argv, stdin, {}, folder)
  children.push(child)
  return { child, ended: end(child) }
}

const run = (...argv: string[]): Promise<Ended> => begin(argv).ended

/** Starts a server. @returns once it listens */
async function serve(...argv: string[]): Promise<{ child: ChildProcess; ended: Promise<Ended>; url: string }> {
  const { child, ended } = begin(['serve', '--tools', './tools.mjs', ...argv])
  const said = await untilSaid(child.stderr, text => text.includes('Ctrl-C ends it.\n'))
  return { child, ended, url: /listens on (\S+)/.exec(said)?.[1] ?? said }
}

/** What a stream says, until `isEnough` or its end. */
async function untilSaid(stream: ChildProcess['stderr'], isEnough: (text: string) => boolean): Promise<string> {
  let text = ''
  return new Promise(resolve => {
    stream?.on('data', (chunk: string) => {
      text += chunk
      if (isEnough(text)) resolve(text)
    })
    stream?.on('close', () => resolve(text))
  })
}

/** How often each task was called, in whatever process. */
function countCalls(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

const seqsOf = (sse: string): number[] => [...sse.matchAll(/^id: \S+\.(\d+)$/gm)].map(([, seq]) => Number(seq))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

test('a server that is killed continues when it is started again, and its client sees one unbroken stream', async () => {
  const first = await serve('--port', '0')
  const { port } = new URL(first.url)
  const client = begin(['run', '-', '--server', first.url, '--sse'], chain)
  const said = await untilSaid(client.child.stdout, text => text.includes('"taskId":"t1","tool":"slow","status"'))
  const executionId = /^id: (\S+)\.1$/m.exec(said)?.[1] ?? said
  first.child.kill('SIGKILL')
  await first.ended
  const second = await serve('--port', port)
  const { code, stdout, stderr } = await client.ended
  const seqs = seqsOf(stdout)
  expect([code, seqs, stderr.includes('trying again')]).toEqual([0, upTo(seqs.length), true])
  expect(stdout.match(/^event: execution_complete$/gm)).toHaveLength(1)
  // Settled before the kill; what it cut was called twice.
  expect(countCalls()).toMatchObject({ t0: 1, t1: 1, t5: 1 })

  const watched = await run('watch', executionId, '--server', second.url, '--sse')
  expect([watched.code, watched.stdout]).toEqual([0, stdout])
  const exported = await run('executions', 'export', executionId)
  expect(exported.stdout.trimEnd().split('\n')).toHaveLength(seqs.length + 1)
  second.child.kill('SIGTERM')
  expect((await second.ended).code).toBe(0)
})

test('a file is served by one process; others can read it and back it up meanwhile', async () => {
  const { child, ended, url } = await serve('--port', '0', '--store', 'runs.db')
  const other = await run('serve', '--port', '0', '--store', 'runs.db')
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('`runs.db` is in use by another process')])
  const client = begin(['run', '-', '--server', url, '--json'], chain)
  await untilSaid(child.stderr, text => text.includes('execution started'))
  const backup = await run('executions', 'backup', 'copy.db', '--store', 'runs.db')
  expect([backup.code, backup.stderr]).toEqual([0, 'runs.db is backed up to copy.db\n'])
  expect(await client.ended).toMatchObject({ code: 0 })
  const listed = JSON.parse((await run('executions', 'list', '--store', 'runs.db', '--json')).stdout)
  expect(listed).toMatchObject([{ status: 'success', totalTasks: 6 }])
  const copied = JSON.parse((await run('executions', 'list', '--store', 'copy.db', '--json')).stdout)
  expect(copied).toMatchObject([{ executionId: listed[0].executionId }])
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
})

test('run, killed, is continued by its id', async () => {
  const { child, ended } = begin(['run', '-', '--store', 'runs.db', '--tools', './tools.mjs', '--sse'], chain)
  await untilSaid(child.stdout, text => text.includes('"taskId":"t1","tool":"slow","status"'))
  child.kill('SIGKILL')
  const { stdout: before, stderr } = await ended
  const executionId = /^Execution (\S+) is kept in runs\.db$/m.exec(stderr)?.[1] ?? stderr
  const resumed = await run(
    'executions',
    'resume',
    executionId,
    '--store',
    'runs.db',
    '--tools',
    './tools.mjs',
    '--sse',
  )
  const seqs = seqsOf(resumed.stdout)
  expect([resumed.code, seqs]).toEqual([0, upTo(seqs.length)])
  // What had been seen is part of what is.
  const whole = before.slice(0, before.lastIndexOf('\n\n'))
  expect(resumed.stdout.startsWith(whole)).toBe(true)
  expect(countCalls()).toMatchObject({ t0: 1, t1: 1, t5: 1 })
})

// Windows has no signals: there Ctrl-C cannot be sent by a program.
test.skipIf(process.platform === 'win32')(
  'executions of a server at its second signal continue in the next one',
  async () => {
    const first = await serve('--port', '0', '--log-level', 'silent')
    const client = begin(['run', '-', '--server', first.url, '--sse'], chain)
    await untilSaid(client.child.stdout, text => text.includes('task_start'))
    const isDraining = untilSaid(first.child.stderr, text => text.includes('Draining'))
    first.child.kill('SIGTERM')
    await isDraining
    first.child.kill('SIGTERM')
    expect((await first.ended).code).toBe(130)
    await serve('--port', new URL(first.url).port)
    const { code, stdout } = await client.ended
    const seqs = seqsOf(stdout)
    expect([code, seqs]).toEqual([0, upTo(seqs.length)])
  },
)

test.skipIf(process.platform === 'win32')('run, interrupted, is cancelled in its file too', async () => {
  const { child, ended } = begin(['run', '-', '--store', 'runs.db', '--tools', './tools.mjs', '--sse'], chain)
  await untilSaid(child.stdout, text => text.includes('task_start'))
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
  const listed = JSON.parse((await run('executions', 'list', '--store', 'runs.db', '--json')).stdout)
  expect(listed).toMatchObject([{ status: 'cancelled' }])
})
