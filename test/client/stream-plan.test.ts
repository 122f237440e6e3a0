import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createClient, type PlanChunk } from 'dagstream/client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { socketRig } from '../http/security/socket-rig.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args } }

/** A source that the test writes. */
class HeldSource implements AsyncIterable<PlanChunk> {
  readonly #chunks: (PlanChunk | undefined | Error)[] = []
  #wake = (): void => {}
  isLeft = false

  push(...chunks: (PlanChunk | undefined | Error)[]): void {
    this.#chunks.push(...chunks)
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PlanChunk, void, undefined> {
    try {
      for (;;) {
        while (this.#chunks.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
        const chunk = this.#chunks.shift()
        if (chunk instanceof Error) throw chunk
        if (chunk === undefined) return
        yield chunk
      }
    } finally {
      this.isLeft = true
    }
  }
}

test('events of a task arrive before its planner writes on', async () => {
  const { server } = await socketRig({ tools })
  const client = createClient({ url: server.url })
  const source = new HeldSource()
  const execution = client.streamPlan(source, { name: 'cities', input: { n: 1 }, options: { maxConcurrency: 2 } })
  source.push({ id: 'a', tool: 'work', arguments: { of: '$INPUT.n' } })
  const seen: string[] = []
  for await (const event of execution) {
    seen.push(event.type)
    if (event.type === 'task_complete' && event.data.taskId === 'a') {
      expect(event.data.output).toEqual({ of: 1 })
      source.push('{"id": "b", "tool": "wo', new TextEncoder().encode('rk", "dependsOn": ["a"]}\n'))
    }
    if (event.type === 'task_complete' && event.data.taskId === 'b') source.push({ seal: true })
  }
  expect(seen.at(-1)).toBe('execution_complete')
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 2 })
  source.push({ id: 'c', tool: 'work' })
  await new Promise(resolve => setImmediate(resolve))
  expect(source.isLeft).toBe(true)
})

test('a refusal rejects every wait and leaves the source', async () => {
  const { server } = await socketRig({ tools })
  const client = createClient({ url: server.url })
  const source = new HeldSource()
  const execution = client.streamPlan(source)
  source.push('{"eager": "never"}\n')
  await expect(execution.result).rejects.toMatchObject({ code: 'HTTP_ERROR', status: 400 })
  await expect(execution.executionId).rejects.toMatchObject({ details: { code: 'INVALID_OPTION' } })
  source.push({ id: 'a', tool: 'work' })
  const failed = new HeldSource()
  failed.push(new Error('no model'))
  const failing = client.streamPlan(failed)
  await expect(failing.result).rejects.toThrow('no model')
  expect(() => client.streamPlan(7 as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => client.streamPlan([], { eagre: 'all' } as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

test.each([
  ['a page', 'document', {}],
  ['a worker of a browser', 'navigator', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0' }],
  [
    'a runtime that sends streams as text',
    'Request',
    class {
      readonly headers = new Headers({ 'Content-Type': 'text/plain;charset=UTF-8' })
    },
  ],
])('%s is told that it cannot send a plan', (_, name, value) => {
  vi.stubGlobal(name, value)
  onTestFinished(() => void vi.unstubAllGlobals())
  const client = createClient({ url: 'http://127.0.0.1:9' })
  expect(() => client.streamPlan([])).toThrow(expect.objectContaining({ code: 'STREAMING_UNSUPPORTED' }))
})

test('a runtime whose requests do not know `duplex` sends plans', async () => {
  const { server } = await socketRig({ tools })
  const Native = Request
  // As in Bun, Deno and workerd.
  vi.stubGlobal('Request', function (url: string, { method, headers, body, signal, redirect }: RequestInit) {
    const init = { method, headers, body, signal, redirect, duplex: 'half' }
    return new Native(url, init as RequestInit)
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  const execution = createClient({ url: server.url }).streamPlan([{ id: 'a', tool: 'work' }])
  expect(await execution.result).toMatchObject({ status: 'success', totalTasks: 1 })
})

test('a refused line ends the execution, and the source is left', async () => {
  const { server } = await socketRig({ tools })
  const source = new HeldSource()
  const execution = createClient({ url: server.url }).streamPlan(source)
  source.push({ id: 'a', tool: 'work' }, { id: 'b', tool: 'wrok' })
  expect(await execution.result).toMatchObject({ status: 'cancelled', reason: { code: 'PLAN_REJECTED' } })
  source.push({ id: 'c', tool: 'work' })
  await new Promise(resolve => setImmediate(resolve))
  expect(source.isLeft).toBe(true)
})

/** A proxy that breaks each connection after as many bytes of the request as it is told, both ways. */
async function cuttingProxy(
  port: number,
  cuts: number[],
): Promise<{ readonly url: string; readonly count: () => number }> {
  let count = 0
  const server = createServer(incoming => {
    const cut = cuts[count++] ?? Number.POSITIVE_INFINITY
    const outgoing = connect(port, '127.0.0.1')
    let size = 0
    const end = (): void => {
      incoming.destroy()
      outgoing.destroy()
    }
    incoming.on('data', chunk => {
      const rest = cut - size
      size += chunk.length
      outgoing.write(chunk.subarray(0, Math.max(0, rest)))
      // What was sent reaches the server.
      if (size >= cut) setTimeout(end, 20)
    })
    outgoing.on('data', chunk => incoming.write(chunk))
    for (const socket of [incoming, outgoing]) socket.on('error', end).on('close', end)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count }
}

test.each([
  ['within the head', [350, 420]],
  ['at and within lines', [700, 760, 900, 1000, 1100]],
  ['byte by byte', Array.from({ length: 12 }, (_, at) => 640 + at * 7)],
])(
  'a connection that breaks %s costs no task, no line and no event',
  async (_, cuts) => {
    const calls: string[] = []
    const work = { readOnly: true, execute: (_args: unknown, { taskId }: { taskId: string }) => calls.push(taskId) }
    const { server } = await socketRig({ tools: { work } })
    const proxy = await cuttingProxy(server.port, cuts)
    const client = createClient({ url: proxy.url, reconnection: { initialDelayMs: 5, maxDelayMs: 20, maxRetries: 50 } })
    const ids = Array.from({ length: 30 }, (_, at) => `t${at}`)
    async function* write(): AsyncGenerator<PlanChunk> {
      yield '{"name": "cut"}\n\n'
      for (const id of ids) {
        yield `{"id": "${id}", "tool": "work", "arguments": {"text": "a b  c\\n ü"}}\r\n`
        await new Promise(resolve => setTimeout(resolve, 2))
      }
    }
    const execution = client.streamPlan(write())
    const seqs: number[] = []
    for await (const { id } of execution) seqs.push(Number(id?.split('.')[1]))
    const result = await execution.result
    expect([result.status, result.totalTasks]).toEqual(['success', 30])
    expect(calls.toSorted()).toEqual(ids.toSorted())
    expect(seqs).toEqual(seqs.map((_, at) => at + 1))
    expect(proxy.count()).toBeGreaterThan(2)
  },
  30_000,
)
