import type { KillWorkflow } from './kill-workflows.ts'
import type { LifeOptions } from './life.ts'
import type { Site } from './site.ts'

/** An event as it came over the wire. */
export interface Seen {
  readonly id: string
  readonly type: string
  readonly json: string
}

/** Where a connection broke: the process that died, and the last event that had come. */
export interface Break {
  readonly pid: number
  readonly lastSeq: number
}

/** More than any test kills. */
const MAX_BREAKS = 20

/** How long one who follows is patient with a server that is there, ms. */
const PATIENCE_MS = 60_000

/**
 * A client by hand: it POSTs a workflow under a key of its own and reads the stream; whenever that breaks, it waits for the
 * next process and goes on behind the last event that it has.
 */
export class Follower {
  readonly workflow: KillWorkflow
  readonly key: string
  readonly seen: Seen[] = []
  readonly breaks: Break[] = []
  executionId: string | undefined
  /** Calls that were begun when the server had answered that it cancels. */
  callsAtCancel: number | undefined
  /** At every event; `true`: what has come behind it is not looked at. */
  onEvent: (seen: Seen, seq: number) => boolean = () => false
  /** Once the server has answered that it cancels. */
  onCancelled: () => void = () => {}
  readonly #site: Site
  #wantsCancel = false

  constructor(site: Site, workflow: KillWorkflow, key: string) {
    this.#site = site
    this.workflow = workflow
    this.key = key
  }

  /** Resolves once the last event has come; rejects for an `error` event and a stream that ends without its last event. */
  async follow(): Promise<void> {
    for (;;) {
      const { life, url } = await this.#arrive()
      const isOver = await this.#read(url).catch((error: unknown) => {
        // Only a killed server may break a connection.
        if (!life.isKilled) throw error
        return false
      })
      if (isOver) return
      this.breaks.push({ pid: life.pid, lastSeq: this.seen.length })
      if (this.breaks.length > MAX_BREAKS) throw new Error('The connection breaks again and again')
      await life.ended
    }
  }

  /** Kills the server when an event of this type comes of this task, `count` times, and has the next one started `options`. */
  strikeAt(type: string, taskId: string, count = 1, options?: LifeOptions): void {
    let left = count
    this.onEvent = seen => {
      if (left === 0 || seen.type !== type || (JSON.parse(seen.json) as { taskId?: string }).taskId !== taskId)
        return false
      left -= 1
      this.#site.strike(options)
      return true
    }
  }

  /** Asks for the same once more. @returns the id of the execution that the server takes it for */
  async repeat(url: string): Promise<string> {
    const response = await this.#post(url, { Prefer: 'respond-async' })
    if (response.status !== 202)
      throw new Error(`A repeat was answered with ${response.status}: ${await response.text()}`)
    return ((await response.json()) as { executionId: string }).executionId
  }

  /** How the execution stands, with its whole result once it has ended. */
  async fetchResult(): Promise<Record<string, unknown>> {
    const response = await fetch(`${await this.#site.url}/executions/${this.executionId}`)
    return (await response.json()) as Record<string, unknown>
  }

  /** Has it resumed, or cancelled, by hand. @returns how that was answered */
  async ask(what: 'resume' | 'cancel'): Promise<number> {
    const response = await fetch(`${await this.#site.url}/executions/${this.executionId}/${what}`, { method: 'POST' })
    await response.text()
    return response.status
  }

  async #arrive(): Promise<{ life: Site['life']; url: string }> {
    for (;;) {
      const url = await this.#site.url
      const { life } = this.#site
      if (url === (await life.ready.catch(() => undefined))) return { life, url }
    }
  }

  #post(url: string, headers: Record<string, string>): Promise<Response> {
    return fetch(`${url}/executions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': this.key, ...headers },
      body: JSON.stringify(this.workflow.body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
  }

  #open(url: string): Promise<Response> {
    const Accept = 'text/event-stream'
    if (this.executionId === undefined) return this.#post(url, { Accept })
    const last = this.seen.at(-1)?.id
    return fetch(`${url}/executions/${this.executionId}/events`, {
      headers: { Accept, ...(last !== undefined && { 'Last-Event-ID': last }) },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
  }

  /** @returns whether the last event has come */
  async #read(url: string): Promise<boolean> {
    const response = await this.#open(url)
    if (response.status === 204) return true
    if (response.status !== 200)
      throw new Error(`The stream was answered with ${response.status}: ${await response.text()}`)
    this.executionId = response.headers.get('execution-id') as string
    if (this.#wantsCancel) await this.#cancel(url)
    if (this.seen.length === 0 && this.onEvent({ id: '', type: '', json: '' }, 0)) return this.#drop(response)
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      const frames = text.split('\n\n')
      text = frames.pop() as string
      for (const frame of frames.filter(each => !each.startsWith(':'))) {
        const seen = parse(frame)
        if (seen.type === 'error') throw new Error(`The stream told of an error: ${seen.json}`)
        this.seen.push(seen)
        if (this.onEvent(seen, this.seen.length)) return this.#drop(response)
        if (seen.type === 'execution_complete') return true
        if (this.#isTimeToCancel(seen)) await this.#cancel(url)
      }
    }
    throw new Error(`The stream ended without its last event, after ${this.seen.length} events`)
  }

  async #drop(response: Response): Promise<boolean> {
    await response.body?.cancel().catch(() => {})
    return this.seen.at(-1)?.type === 'execution_complete'
  }

  #isTimeToCancel({ type, json }: Seen): boolean {
    const { cancelAt } = this.workflow
    if (cancelAt === undefined || type !== 'task_start' || this.callsAtCancel !== undefined) return false
    return (JSON.parse(json) as { taskId: string }).taskId === cancelAt
  }

  async #cancel(url: string): Promise<void> {
    this.#wantsCancel = true
    // The answer may be lost with its server: a repetition is no second request.
    const response = await fetch(`${url}/executions/${this.executionId}/cancel`, {
      method: 'POST',
      headers: { 'Idempotency-Key': `${this.key}-cancel` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (response.status !== 202) throw new Error(`The cancellation was answered with ${response.status}`)
    this.#wantsCancel = false
    this.callsAtCancel = this.#site.readCalls().length
    this.onCancelled()
  }
}

function parse(frame: string): Seen {
  const fields = new Map(frame.split('\n').map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]))
  return { id: fields.get('id') ?? '', type: fields.get('event') ?? '', json: fields.get('data') ?? '' }
}
