import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { onTestFinished } from 'vitest'
import { applyEvent, createState, type ExecutionState, type SSEEvent } from '../../../src/index.ts'

/** A request over a real socket whose body is written while its answer is read. */
export class PlanClient {
  readonly #request: ClientRequest
  readonly #waits = new Set<() => void>()
  readonly messages: EventSourceMessage[] = []
  readonly response: Promise<IncomingMessage>
  /** The body so far. */
  text = ''
  /** How its answer ended; `undefined` while it is open. */
  outcome: 'ended' | 'broken' | undefined
  /** Settles at the end of the answer, however it ends. */
  readonly ended: Promise<void>

  constructor(port: number, headers: Record<string, string> = {}) {
    const all = { 'Content-Type': 'application/x-ndjson', Accept: 'text/event-stream', ...headers }
    const request = requestHttp({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/executions',
      headers: all,
      agent: false,
    })
    this.#request = request
    request.flushHeaders()
    onTestFinished(() => void request.destroy())
    this.response = once(request, 'response').then(([response]) => response as IncomingMessage)
    this.response.catch(() => {})
    this.ended = this.#read()
  }

  async #read(): Promise<void> {
    const parser = createParser({ onEvent: message => this.messages.push(message) })
    const closed = new Promise<void>(resolve => this.#request.once('close', resolve))
    this.#request.on('error', () => {})
    try {
      const response = await this.response
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (chunk: string) => {
        this.text += chunk
        parser.feed(chunk)
        for (const wake of this.#waits) wake()
      })
      await Promise.race([once(response, 'end').catch(() => {}), closed])
      this.outcome = response.complete ? 'ended' : 'broken'
    } catch {
      this.outcome = 'broken'
    }
    for (const wake of this.#waits) wake()
  }

  write(text: string | Uint8Array): void {
    this.#request.write(text)
  }

  /** @returns whether the connection takes more at once */
  offer(text: string | Uint8Array): boolean {
    return this.#request.write(text)
  }

  end(text = ''): void {
    this.#request.end(text)
  }

  destroy(): void {
    this.#request.destroy()
  }

  get state(): ExecutionState {
    const state = createState('')
    for (const { event, data, id } of this.messages) {
      applyEvent(state, { type: event, data: JSON.parse(data) } as SSEEvent, Number(id?.split('.')[1]))
    }
    return state
  }

  get types(): (string | undefined)[] {
    return this.messages.map(({ event }) => event)
  }

  /** The data of the events of one type. */
  dataOf(type: string): Record<string, unknown>[] {
    return this.messages
      .filter(({ event }) => event === type)
      .map(({ data }) => JSON.parse(data) as Record<string, unknown>)
  }

  /** Resolves once an event of this type, and of this task if one is given, has come. */
  async next(type: string, taskId?: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.dataOf(type).find(data => taskId === undefined || data['taskId'] === taskId)
      if (found !== undefined) return found
      if (this.outcome !== undefined)
        throw new Error(`The answer ${this.outcome} without ${type} ${taskId ?? ''}: ${this.text.slice(-500)}`)
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#waits.delete(wake)
          resolve()
        }
        this.#waits.add(wake)
      })
    }
  }
}

/** A task of the tool `work` as a line. */
export function line(id: string, more: object = {}): string {
  return `${JSON.stringify({ id, tool: 'work', ...more })}\n`
}
