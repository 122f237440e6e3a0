import { setTimeout as wait } from 'node:timers/promises'
import type { Break, Seen } from '../kill/follower.ts'
import type { KillWorkflow } from '../kill/kill-workflows.ts'
import type { Call } from '../kill/site.ts'

/** How long an execution may take, whatever is killed, ms. */
const PATIENCE_MS = 180_000

/** Several servers on one store, whose tools write down their calls. */
export interface Place {
  /** Where each server listens, once it does. */
  readonly servers: readonly { readonly ready: Promise<string> }[]
  readCalls(): readonly Call[]
}

/** No server is there for now. */
const NOWHERE: Place['servers'][number] = {
  get ready() {
    return Promise.reject<string>(new Error('No server'))
  },
}

/** What a client does beside following. */
export interface ClientOptions {
  /** Whether it sends its first request to two servers at once, and asks for events again that it has. */
  readonly isDoubled?: boolean
}

/** Answers of a server that cannot reach its database or the coordinator: ask again. */
const AGAIN = new Set([500, 502, 503, 504])

/**
 * A client that POSTs a workflow under a key of its own and reads the stream. Whenever that breaks it goes on at the other server,
 * behind the last event that it has, as behind a balancer.
 */
export class Client {
  readonly workflow: KillWorkflow
  readonly hasWorkers = true
  readonly seen: Seen[] = []
  readonly breaks: Break[] = []
  executionId: string | undefined
  callsAtCancel: number | undefined
  /** How often the execution was parked and resumed by hand. */
  parkedCount = 0
  /** Awaited before each answer to a question. */
  beforeAnswer: () => Promise<void> = async () => {}
  /** At every event. */
  onEvent: (seq: number) => void = () => {}
  readonly #place: Place
  readonly #key: string
  readonly #until = Date.now() + PATIENCE_MS
  #turn: number
  readonly #commands: Promise<void>[] = []
  #isCancelling = false
  readonly #isDoubled: boolean
  /** Events that come again, behind an older event than the last. */
  #repeats: Seen[] = []

  constructor(place: Place, workflow: KillWorkflow, key: string, firstServer: number, options: ClientOptions = {}) {
    this.#place = place
    this.workflow = workflow
    this.#key = key
    this.#turn = firstServer
    this.#isDoubled = options.isDoubled ?? false
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
    await Promise.all(this.#commands)
  }

  async fetchResult(): Promise<unknown> {
    const { result } = (await (await this.#request('', {})).json()) as { result?: unknown }
    return result
  }

  #next(): Place['servers'][number] {
    const { servers } = this.#place
    this.#turn = (this.#turn + 1) % Math.max(1, servers.length)
    return servers[this.#turn] ?? NOWHERE
  }

  async #open(url: string): Promise<Response> {
    const Accept = 'text/event-stream'
    const signal = AbortSignal.timeout(Math.max(1, this.#until - Date.now()))
    if (this.executionId !== undefined) {
      // What a client keeps behind its last id comes again.
      const from = this.#isDoubled ? Math.max(0, this.seen.length - 2) : this.seen.length
      this.#repeats = this.seen.slice(from)
      const last = this.seen[from - 1]?.id
      const headers = { Accept, ...(last !== undefined && { 'Last-Event-ID': last }) }
      return fetch(`${url}/executions/${this.executionId}/events`, { headers, signal })
    }
    const post = (to: string): Promise<Response> =>
      fetch(`${to}/executions`, {
        method: 'POST',
        headers: { Accept, 'Content-Type': 'application/json', 'Idempotency-Key': this.#key },
        body: JSON.stringify(this.workflow.body),
        signal,
      })
    if (!this.#isDoubled) return post(url)
    const [response, other] = await Promise.all([post(url), this.#postAgain(post)])
    const [id, otherId] = [response, other].map(each => each?.headers.get('execution-id'))
    if (id && otherId && id !== otherId) throw new Unexpected('Two equal requests began two executions')
    return response
  }

  /** The same request at another server, whose answer is not read. */
  async #postAgain(post: (to: string) => Promise<Response>): Promise<Response | undefined> {
    try {
      const response = await post(await this.#next().ready)
      await response.body?.cancel()
      return response
    } catch {
      return undefined
    }
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
      // The server ends in order: another one goes on.
      if (seen.json.includes('"SHUTTING_DOWN"')) return false
      if (!seen.json.includes('"CRASH_LIMIT"')) throw new Unexpected(`The stream tells of ${seen.json}`)
      this.parkedCount += 1
      await this.#request('/resume', { method: 'POST' })
      return false
    }
    const repeat = this.#repeats.shift()
    if (repeat !== undefined) {
      if (JSON.stringify(repeat) !== JSON.stringify(seen))
        throw new Unexpected(`${seen.id} came again as another event`)
      return false
    }
    this.seen.push(seen)
    this.onEvent(this.seen.length)
    const { cancelAt } = this.workflow
    if (cancelAt !== undefined && seen.type === 'task_start' && seen.json.includes(`"taskId":"${cancelAt}"`)) {
      if (!this.#isCancelling) this.#command(this.#cancel())
      this.#isCancelling = true
    }
    if (seen.type === 'input_required') this.#command(this.#answer(JSON.parse(seen.json) as { inputId: string }))
    return seen.type === 'execution_complete'
  }

  /** Runs beside the stream. */
  #command(command: Promise<void>): void {
    this.#commands.push(command)
    // `follow` rejects with it.
    command.catch(() => {})
  }

  async #cancel(): Promise<void> {
    await this.#request('/cancel', { method: 'POST', headers: { 'Idempotency-Key': `${this.#key}-cancel` } })
    this.callsAtCancel = this.#place.readCalls().length
  }

  async #answer({ inputId }: { readonly inputId: string }): Promise<void> {
    await this.beforeAnswer()
    const headers = { 'Content-Type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify({ response: `Answer to ${inputId}` }) }
    const { status } = await this.#request(`/inputs/${inputId}`, init)
    // It may be closed: the answer to this request was lost, or its attempt was.
    if (status >= 300 && status !== 409) throw new Unexpected(`The answer to ${inputId}: ${status}`)
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
