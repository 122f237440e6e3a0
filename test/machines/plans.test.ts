import { setTimeout as wait } from 'node:timers/promises'
import { createClient, type PlanChunk } from 'dagstream/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PlanClient } from '../http/plans/plan-client.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { createRandom } from '../support/random-graph.ts'
import { PlanSystem, until } from './plan-system.ts'

// Plans whose planner is not where their execution is: two servers, two workers and PostgreSQL. Real processes, real time.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const idsTo = (count: number): string[] => Array.from({ length: count }, (_, at) => `t${at}`)
const line = (at: number, more: object = {}): string => `${JSON.stringify({ id: `t${at}`, tool: 'note', ...more })}\n`
const linesOf = (from: number, to: number): string => {
  let text = ''
  for (let at = from; at < to; at++) text += line(at)
  return text
}

describe.skipIf(isPostgresMissing)(`plans at any server (seed ${SEED})`, () => {
  let system: PlanSystem
  let count = 0

  beforeAll(async () => {
    system = await PlanSystem.start()
  }, 120_000)
  afterAll(() => system?.close())

  const portOf = async (server: number): Promise<number> =>
    Number(new URL(await (system.servers[server] as (typeof system.servers)[0]).ready).port)

  /** A plan whose first line one server has taken from a planner that is gone. */
  async function begin(): Promise<{ key: Record<string, string>; executionId: string }> {
    const key = { 'Idempotency-Key': `plan-${(count += 1)}` }
    const first = new PlanClient(await portOf(0), key)
    first.write(`{"onDisconnect": "continue"}\n${line(0)}`)
    await first.next('tasks_added')
    const executionId = (await first.response).headers['execution-id'] as string
    first.destroy()
    return { key, executionId }
  }

  /** A planner at a server behind a number of lines, once it is let in. */
  async function comeBack(server: number, key: Record<string, string>, after: number): Promise<PlanClient> {
    for (;;) {
      const planner = new PlanClient(await portOf(server), { ...key, 'Plan-Line': String(after) })
      planner.write(' ')
      const status = await planner.response.then(
        ({ statusCode }) => statusCode,
        () => 0,
      )
      if (status === 200) return planner
      await planner.ended
      planner.destroy()
      // The server may still wait for the planner before.
      if (status !== 409 && status !== 503 && status !== 0) throw new Error(`${status}: ${planner.text}`)
      if (planner.text.includes('PLAN_LINE_MISMATCH')) throw new Error(planner.text)
      await wait(200)
    }
  }

  const lineOf = async (server: number, executionId: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${await portOf(server)}/executions/${executionId}`)
    await response.text()
    return Number(response.headers.get('plan-line'))
  }

  test('a whole plan goes through the other server', async () => {
    const { key, executionId } = await begin()
    const planner = await comeBack(1, key, 2)
    planner.end(linesOf(1, 500))
    expect(await planner.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 500 })
    expect(planner.messages.map(({ id }) => id)).toEqual(planner.messages.map((_, at) => `${executionId}.${at + 1}`))
    expect(await system.findFaults(executionId, idsTo(500))).toEqual([])
  }, 60_000)

  test('a planner changes servers, back and forth', async () => {
    const { key, executionId } = await begin()
    let after = 2
    for (let turn = 0; turn < 8; turn++) {
      const planner = await comeBack((turn + 1) % 2, key, after)
      planner.write(`${linesOf(after - 1, after + 4)}{"id": "cut`)
      after += 5
      await until(async () => (await lineOf(turn % 2, executionId)) === after)
      planner.destroy()
    }
    const last = await comeBack(1, key, after)
    last.end('{"seal": true}\n')
    expect(await last.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: after - 1 })
    expect(await system.findFaults(executionId, idsTo(after - 1))).toEqual([])
  }, 60_000)

  test('the coordinator is killed in the middle; the planner at the other server does not notice', async () => {
    const { key, executionId } = await begin()
    const planner = await comeBack(1, key, 2)
    planner.write(linesOf(1, 50))
    await planner.next('task_complete', 't20')
    const struck = system.servers[0].strike()
    for (let at = 50; at < 200; at++) {
      planner.write(line(at))
      await wait(10)
    }
    await struck
    planner.end()
    expect(await planner.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 200 })
    expect(planner.outcome === 'broken').toBe(false)
    expect(planner.messages.map(({ id }) => id)).toEqual(planner.messages.map((_, at) => `${executionId}.${at + 1}`))
    expect(await system.findFaults(executionId, idsTo(200))).toEqual([])
    await system.settle()
  }, 60_000)

  test('the server of the planner is killed; the planner goes on at the coordinator', async () => {
    const { key, executionId } = await begin()
    // After a takeover either server may coordinate.
    const planner = await comeBack(1, key, 2)
    planner.write(linesOf(1, 50))
    await planner.next('task_complete', 't20')
    await system.servers[1].strike()
    await planner.ended
    expect(planner.outcome).toBe('broken')
    const after = await lineOf(0, executionId)
    const second = await comeBack(0, key, after)
    second.end(linesOf(after - 1, 100))
    expect(await second.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 100 })
    expect(await system.findFaults(executionId, idsTo(100))).toEqual([])
    await system.settle()
  }, 60_000)

  test('two planners: one writes, the other is refused', async () => {
    const { key, executionId } = await begin()
    const planner = await comeBack(1, key, 2)
    for (const server of [0, 1]) {
      const other = new PlanClient(await portOf(server), { ...key, 'Plan-Line': '2' })
      other.write(linesOf(1, 9))
      expect((await other.response).statusCode).toBe(409)
      await other.ended
      expect(other.text).toContain('PLAN_BUSY')
      other.destroy()
    }
    planner.end(linesOf(1, 20))
    expect(await planner.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 20 })
    expect(await system.findFaults(executionId, idsTo(20))).toEqual([])
  }, 60_000)

  test('a line of 3 MB, a cut line and a wrong number are refused as at the coordinator', async () => {
    const { key } = await begin()
    const wrong = new PlanClient(await portOf(1), { ...key, 'Plan-Line': '7' })
    wrong.write(' ')
    expect([(await wrong.response).statusCode, (await wrong.response).headers['plan-line']]).toEqual([409, '2'])
    const cut = await comeBack(1, key, 2)
    cut.write('{"id": "cut", "to')
    cut.destroy()
    const planner = await comeBack(1, key, 2)
    planner.write(`${line(1)}${line(2, { arguments: { text: 'x'.repeat(3_000_000) } })}`)
    expect(await planner.next('plan_rejected')).toMatchObject({ line: 4, issues: [{ code: 'LIMIT_EXCEEDED' }] })
    expect(await planner.next('execution_complete')).toMatchObject({ reason: { code: 'PLAN_REJECTED' } })
  }, 60_000)

  test('whatever is struck, a client writes its plan to the end', async () => {
    const random = createRandom(SEED)
    const pick = (): number => Math.floor(random() * 2)
    // A balancer without memory, which the client cannot choose by.
    const client = createClient({
      url: 'http://127.0.0.1',
      reconnection: { initialDelayMs: 50, maxDelayMs: 500, maxRetries: 500 },
      fetch: async request => {
        const url = new URL(request.url)
        url.port = String(await portOf(pick()))
        return fetch(new Request(url, request))
      },
    })
    const total = 300
    async function* write(): AsyncGenerator<PlanChunk> {
      yield '{"onDisconnect": "continue"}\n'
      for (let at = 0; at < total; at++) {
        await wait(20)
        yield line(at)
      }
    }
    const execution = client.streamPlan(write())
    const strikes = [
      () => system.servers[pick()]?.strike(),
      () => system.servers[pick()]?.front.cut(100),
      () => system.servers[pick()]?.proxy.cut(100),
      () => system.servers[pick()]?.loseAnswers(1 + Math.floor(random() * 5)),
      () => system.servers[pick()]?.freeze(4500),
      () => system.servers[pick()]?.front.cut(0),
    ]
    const striking = (async () => {
      for (const strike of strikes) {
        await wait(400 + random() * 800)
        await strike()
      }
    })()
    const seqs: number[] = []
    for await (const { id } of execution) if (id !== undefined) seqs.push(Number(id.split('.')[1]))
    await striking
    const result = await execution.result
    expect([result.status, result.totalTasks]).toEqual(['success', total])
    expect(seqs).toEqual(seqs.map((_, at) => at + 1))
    expect(await system.findFaults(result.executionId, idsTo(total))).toEqual([])
    await system.settle()
  }, 120_000)

  test('`llm:plan`: the planned tasks run on workers, and a killed coordinator costs none of them', async () => {
    const url = `http://127.0.0.1:${await portOf(0)}`
    const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' }
    const workflow = { tasks: [{ id: 'p', tool: 'llm:plan', arguments: { prompt: 'Do it' } }] }
    const body = JSON.stringify({ workflow, options: { onDisconnect: 'continue' } })
    const response = await fetch(`${url}/executions`, { method: 'POST', headers, body })
    const { executionId } = (await response.json()) as { executionId: string }
    const planned = (): number => system.readCalls().filter(each => each.executionId === executionId).length
    await until(() => planned() >= 10)
    await system.servers[0].strike()
    const read = async (): Promise<{ status: string; result?: unknown }> =>
      (await (await fetch(`http://127.0.0.1:${await portOf(1)}/executions/${executionId}`)).json()) as {
        status: string
      }
    await until(async () => (await read()).status !== 'running')
    const ids = Array.from({ length: 60 }, (_, at) => `p/s${at}`)
    expect(await system.findFaults(executionId, ids)).toEqual([])
    const asked = system.readCalls().filter(({ taskId }) => taskId === 'model')
    expect([asked.length, asked[0]?.known, (asked[1]?.known ?? 0) >= 10]).toEqual([2, 0, true])
    await system.settle()
  }, 60_000)
})
