import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type PlanChunk } from 'dagstream/client'
import { expect, onTestFinished, test } from 'vitest'
import { PlanClient } from './plan-client.ts'

// `dagstream serve` on a file, killed while a plan is being sent.

const main = new URL('../../../dist/cli/main.js', import.meta.url)

/** A folder with a tool that appends the id of each task to a file. */
async function makeFolder(): Promise<string> {
  if (!existsSync(main)) throw new Error('There is no dist/cli/main.js: run `npm run build` first')
  const folder = await mkdtemp(join(tmpdir(), 'dagstream-plan-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const tool = `import { appendFileSync } from 'node:fs'
export default {
  note: { readOnly: true, execute: (args, { taskId }) => (appendFileSync('calls.txt', taskId + '\\n'), taskId) },
}
`
  await writeFile(join(folder, 'tools.mjs'), tool)
  return folder
}

async function startServer(
  folder: string,
  port: number,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const flags = ['serve', '--port', String(port), '--store', 'executions.db', '--tools', './tools.mjs', '--no-page']
  const child = spawn(process.execPath, [main.pathname, ...flags], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  for (;;) {
    const [chunk] = (await Promise.race([
      once(child.stderr as NodeJS.ReadableStream, 'data'),
      once(child, 'exit'),
    ])) as [unknown]
    text += String(chunk)
    const found = /listens on http:\/\/[^:]+:(\d+)/.exec(text)?.[1]
    if (found !== undefined) return { child, port: Number(found) }
    if (child.exitCode !== null) throw new Error(`The server has ended: ${text}`)
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('a server that is killed three times costs a client no line, no task and no event', async () => {
  const folder = await makeFolder()
  let { child, port } = await startServer(folder, 0)
  const reconnection = { initialDelayMs: 100, maxDelayMs: 500, maxRetries: 200 }
  const client = createClient({ url: `http://127.0.0.1:${port}`, reconnection })
  let wake = (): void => {}
  let allowed = 4
  async function* write(): AsyncGenerator<PlanChunk> {
    yield '{"name": "killed"}\n'
    for (let at = 0; at < 16; at++) {
      while (at >= allowed) await new Promise<void>(resolve => (wake = resolve))
      yield `{"id": "t${at}", "tool": "note"${at === 0 ? '' : `, "dependsOn": ["t${at - 1}"]`}}\n{"id": "half`
      yield `${at}", "tool": "note"}\n`
    }
  }
  const execution = client.streamPlan(write())
  const seqs: number[] = []
  for await (const { id, type, data } of execution) {
    if (id !== undefined) seqs.push(Number(id.split('.')[1]))
    if (type !== 'task_complete' || data.taskId !== `t${allowed - 1}` || allowed > 16) continue
    if (allowed < 16) {
      await kill(child)
      ;({ child } = await startServer(folder, port))
    }
    allowed += 4
    wake()
  }
  const result = await execution.result
  expect([result.status, result.totalTasks]).toEqual(['success', 32])
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  // An attempt that was in flight runs again.
  const calls = new Set((await readFile(join(folder, 'calls.txt'), 'utf8')).trim().split('\n'))
  expect(calls.size).toBe(32)
}, 120_000)

test('after a kill a planner reads its `Plan-Line`, and goes on from there', async () => {
  const folder = await makeFolder()
  const { child, port } = await startServer(folder, 0)
  const key = { 'Idempotency-Key': 'plan-7' }
  const first = new PlanClient(port, key)
  first.write('{"id": "a", "tool": "note"}\n\n{"id": "b", "tool": "note"}\n{"id": "c", "to')
  await first.next('task_complete', 'b')
  await kill(child)
  await first.ended
  const executionId = (await first.response).headers['execution-id'] as string
  await startServer(folder, port)
  const shown = await fetch(`http://127.0.0.1:${port}/executions/${executionId}`)
  expect([shown.headers.get('plan-line'), await shown.json()]).toMatchObject(['3', { status: 'running' }])
  const second = new PlanClient(port, { ...key, 'Plan-Line': '3' })
  second.end('{"id": "c", "tool": "note", "dependsOn": ["a", "b"]}\n')
  expect(await second.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 3 })
}, 60_000)
