import { once } from 'node:events'
import { createServer } from 'node:http'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { createMemoryStore, loadServer, StreamingExecutor } from './library.mjs'

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform' }
const END = 'event: execution_complete\ndata: {}\n\n'
const noop = async () => {}

/**
 * The contenders. Each starts and returns its URL and its commands.
 * @type {Record<string, (options: object) => Promise<{ url?: string, commands: Record<string, Function> }>>}
 */
export const CONTENDERS = {
  /**
   * The library's handler behind its own server, with its defaults but for the bounds on connections; `tail`: how much its
   * store keeps of a log.
   */
  async dagstream({ tail, ...options } = {}) {
    const { createHandler, serve } = await loadServer()
    const gate = createGate()
    const tools = {
      noop,
      /** Emits `count` messages, `perTurn` in one turn of the event loop. */
      async emit({ count, perTurn, paceMs, text, isHeld }, { log }) {
        if (isHeld) await gate.opened()
        for (let told = 0; told < count; await nextTurn(paceMs)) {
          for (let n = 0; n < perTurn && told < count; n++, told++) log('info', text)
        }
      },
      /** Emits its own time, on the clock that all processes of a machine share, ms. */
      async stamp({ count, paceMs }, { reportProgress }) {
        for (let progress = 1; progress <= count; progress++) {
          await pause(paceMs)
          reportProgress({ progress, message: String(Number(process.hrtime.bigint()) / 1e6) })
        }
      },
    }
    const bounds = { maxSubscribers: Number.POSITIVE_INFINITY, taskTimeoutMs: 0 }
    const handler = createHandler({ tools, ...bounds, ...options, ...(tail && { store: createMemoryStore(tail) }) })
    const { url } = await serve(handler, { port: 0, maxConnections: 10_000 })
    return { url, commands: { go: () => gate.open() } }
  },

  /** `node:http` alone. It answers every request in the same way, as last configured. */
  async raw() {
    let answer = answerNothing
    const held = new Set()
    const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
    const commands = {
      /** Each request gets the frames, joined so many at a time as they are written; `/joined`: beforehand. */
      replay({ frames, perWrite }) {
        const chunks = join(frames, perWrite)
        answer = ({ url }, response) => write(response, url === '/joined' ? chunks : joinLater(frames, perWrite))
      },
      /** Each request gets events that are made for it, `perTurn` in one turn of the event loop. */
      live({ count, perTurn, text }) {
        answer = async (_, response) => {
          response.writeHead(200, HEADERS)
          for (let told = 0; told < count; await turn()) {
            const timestamp = new Date().toISOString()
            let frames = ''
            for (let n = 0; n < perTurn && told < count; n++) {
              told += 1
              frames += formatFrame(createEvent(told, timestamp, text))
            }
            if (!response.write(frames)) await once(response, 'drain')
          }
          response.end(END)
        }
      },
      /** Requests wait; `go` then writes the chunks to all of them, one in a turn. */
      broadcast({ frames, perWrite, paceMs }) {
        const chunks = join(frames, perWrite)
        answer = async (_, response) => {
          response.writeHead(200, HEADERS)
          response.write(':\n\n')
          held.add(response)
        }
        commands.go = async () => {
          for (const chunk of chunks) {
            for (const response of held) response.write(chunk)
            await nextTurn(paceMs)
          }
          for (const response of held) response.end()
          held.clear()
        }
      },
      /** Requests get the sign of life that headers need, and wait. */
      hold() {
        answer = async (_, response) => {
          response.writeHead(200, HEADERS)
          response.write(':\n\n')
          held.add(response)
        }
      },
    }
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { url: `http://127.0.0.1:${server.address().port}`, commands }
  },

  /** Hono's own helper, as its documentation has it: one `writeSSE` after another. */
  async hono() {
    const [{ Hono }, { streamSSE }, { serve }] = await Promise.all([
      import('hono'),
      import('hono/streaming'),
      import('@hono/node-server'),
    ])
    let given
    const app = new Hono()
    app.all('*', context =>
      streamSSE(context, async stream => {
        const { count, perTurn, text } = given
        for (let told = 0; told < count; await turn()) {
          const timestamp = new Date().toISOString()
          for (let n = 0; n < perTurn && told < count; n++) {
            told += 1
            const { id, event, data } = createEvent(told, timestamp, text)
            await stream.writeSSE({ id, event, data: JSON.stringify(data) })
          }
        }
        await stream.writeSSE({ event: 'execution_complete', data: '{}' })
      }),
    )
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    await once(server, 'listening')
    const live = parameters => {
      given = parameters
    }
    return { url: `http://127.0.0.1:${server.address().port}`, commands: { live } }
  },

  /** No server at all: from the text of a document to its result, every event consumed. */
  async 'in process'() {
    const executor = new StreamingExecutor({ noop })
    const run = async text => {
      const startedAt = performance.now()
      const execution = executor.stream(JSON.parse(text))
      let count = 0
      for await (const event of execution) if (event.data !== undefined) count += 1
      await execution.result
      return { ms: performance.now() - startedAt, count }
    }
    return { commands: { run } }
  },
}

/** A gate that lets its waiters through once. */
function createGate() {
  let waiting = []
  return {
    opened: () => new Promise(resolve => waiting.push(resolve)),
    open() {
      for (const resolve of waiting) resolve()
      waiting = []
    },
  }
}

function nextTurn(paceMs) {
  return paceMs === undefined ? turn() : pause(paceMs)
}

/** An event like those of the tool `emit`, for those that have no executions. */
function createEvent(seq, timestamp, text) {
  const executionId = 'V1StGXR8_Z5jdHi6B-myT'
  const data = { executionId, timestamp, taskId: 'a', attempt: 1, level: 'info', message: text }
  return { id: `${executionId}.${seq}`, event: 'info', data }
}

function formatFrame({ id, event, data }) {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function join(frames, perWrite) {
  return [...joinLater(frames, perWrite)]
}

function* joinLater(frames, perWrite) {
  for (let at = 0; at < frames.length; at += perWrite) {
    let chunk = ''
    for (let n = at; n < at + perWrite && n < frames.length; n++) chunk += frames[n]
    yield Buffer.from(chunk)
  }
}

async function write(response, chunks) {
  response.writeHead(200, HEADERS)
  for (const chunk of chunks) {
    if (!response.write(chunk)) await once(response, 'drain')
  }
  response.end()
}

async function answerNothing(_, response) {
  response.writeHead(204)
  response.end()
}
