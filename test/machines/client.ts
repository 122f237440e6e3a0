import { setTimeout as wait } from 'node:timers/promises'
import type { Break, Seen } from '../kill/follower.ts'
import type { KillWorkflow } from '../kill/kill-workflows.ts'
import type { Machine } from './machine.ts'
import type { System } from './system.ts'

/** How long an execution may take, whatever is killed, ms. */
const PATIENCE_MS = 180_000

/** Answers of a server that cannot reach its database or the coordinator: ask again. */
const AGAIN = new Set([500, 502, 503, 504])

/**
 * A client that POSTs a workflow under a key of its own and reads the stream. Whenever that breaks it goes on at the other server,
 * behind the last event that it has, as behind a balancer.
 */
export class Client {
  readonly workflow: KillWorkflow
  readonly seen: Seen[] = []
  readonly breaks: Break[] = []
  executionId: string | undefined
  callsAtCancel: number | undefined
  /** How often the execution was parked and resumed by hand. */
  parkedCount = 0
  /** At every event. */
  onEvent: (seq: number) => void = () => {}
  readonly #system: System
  readonly #key: string
  readonly #until = Date.now() + PATIENCE_MS
  #turn: number
  #cancelling: Promise<void> | undefined

  constructor(system: System, workflow: KillWorkflow, key: string, firstServer: number) {
    this.#system = system
    this.workflow = workflow
    this.#key = key
    this.#turn = firstServer
  }

  /** Resolves once the last event has come. */
  async follow(): Promise<void> {
    for (;;) {
      if (Date.now() > this.#until) throw new Error(`No end within ${PATIENCE_MS} ms, after ${this.seen.length} events`)
      try {
        if (await this.#read(await this.#next().ready)) break
      } catch (error) {
        if (error instanceof Unexpected) throw error
        await wait(50)
      }
    }
    await this.#cancelling
  }

  async fetchResult(): Promise<unknown> {
    const { result } = (await (await this.#request('', {})).json()) as { result?: unknown }
    return result
  }

  #next(): Machine {
    const { servers } = this.#system
    this.#turn = (this.#turn + 1) % servers.length
    return servers[this.#turn] as Machine
  }

  #open(url: string): Promise<Response> {
    const Accept = 'text/event-stream'
    const signal = AbortSignal.timeout(Math.max(1, this.#until - Date.now()))
    if (this.executionId !== undefined) {
      const last = this.seen.at(-1)?.id
      const headers = { Accept, ...(last !== undefined && { 'Last-Event-ID': last }) }
      return fetch(`${url}/executions/${this.executionId}/events`, { headers, signal })
    }
    return fetch(`${url}/executions`, {
      method: 'POST',
      headers: { Accept, 'Content-Type': 'application/json', 'Idempotency-Key': this.#key },
      body: JSON.stringify(this.workflow.body),
      signal,
    })
  }

  /** @returns whether the last event has come */
  async #read(url: string): Promise<boolean> {
    const response = await this.#open(url)
    if (response.status === 204) return true
    if (AGAIN.has(response.status)) throw new Error(await response.text())
    if (response.status !== 200) throw new Unexpected(`The stream: ${response.status} ${await response.text()}`)
    const executionId = response.headers.get('execution-id') as string
    if (executionId !== (this.executionId ??= executionId)) throw new Unexpected('A repeat began another execution')
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      const frames = text.split('\n\n')
      text = frames.pop() as string
      for (const frame of frames.filter(each => !each.startsWith(':'))) {
        if (await this.#take(parse(frame))) return true
      }
    }
    return false
  }

  async #take(seen: Seen): Promise<boolean> {
    if (seen.type === 'error') {
      if (!seen.json.includes('"CRASH_LIMIT"')) throw new Unexpected(`The stream tells of ${seen.json}`)
      this.parkedCount += 1
      await this.#request('/resume', { method: 'POST' })
      return false
    }
    this.seen.push(seen)
    this.onEvent(this.seen.length)
    const { cancelAt } = this.workflow
    if (cancelAt !== undefined && seen.type === 'task_start' && seen.json.includes(`"taskId":"${cancelAt}"`)) {
      this.#cancelling ??= this.#cancel()
    }
    return seen.type === 'execution_complete'
  }

  async #cancel(): Promise<void> {
    await this.#request('/cancel', { method: 'POST', headers: { 'Idempotency-Key': `${this.#key}-cancel` } })
    this.callsAtCancel = this.#system.readCalls().length
  }

  /** Asks one server after the other until one answers. */
  async #request(path: string, init: RequestInit): Promise<Response> {
    for (;;) {
      if (Date.now() > this.#until) throw new Error(`No answer to ${path}`)
      try {
        const url = await this.#next().ready
        const signal = AbortSignal.timeout(20_000)
        const response = await fetch(`${url}/executions/${this.executionId}${path}`, { ...init, signal })
        if (response.ok || !AGAIN.has(response.status)) return response
        await response.text()
      } catch {
        // The server has died.
      }
      await wait(50)
    }
  }
}

class Unexpected extends Error {}

function parse(frame: string): Seen {
  const fields = new Map(frame.split('\n').map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]))
  return { id: fields.get('id') ?? '', type: fields.get('event') ?? '', json: fields.get('data') ?? '' }
}
