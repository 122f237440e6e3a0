import type { EventSourceMessage } from 'eventsource-parser'
import { applyEvent, createState, type ExecutionState, type SSEEvent } from '../../../src/index.ts'
import { type Following, follow, seqsOf } from '../../http/handler/handler-rig.ts'
import { idle } from '../../support/fake-clock.ts'
import { HeldBody, sendPlan } from '../../http/plans/held-body.ts'
import { type ClusterRig, clusterRig, type ServerRig, settle } from './cluster-rig.ts'

/** The key of the plan. */
export const KEY = { 'Idempotency-Key': 'k' }

/** Servers on one store, one plan, and the calls of its tool. */
export class PlanRig {
  readonly cluster: ClusterRig = clusterRig()
  /** The ids of the tasks whose tool was called. */
  readonly calls: string[] = []
  readonly tools = { work: { readOnly: true, execute: (args: unknown) => this.#call(args) } }

  #call(args: unknown): unknown {
    this.calls.push((args as { id: string }).id)
    return args
  }

  /** Requests that have come to their store: before that they wait for threads, which no time of the test counts. */
  #arrivedCount = 0

  server(name: string, options: Parameters<ClusterRig['server']>[1] = {}): ServerRig {
    const given = { tools: this.tools, work: true, onDisconnect: 'continue', ...options } as const
    const server = this.cluster.server(name, given)
    const { store } = server.process
    const find = store.findByKey?.bind(store)
    store.findByKey = (...key) => {
      this.#arrivedCount += 1
      return find?.(...key)
    }
    return server
  }

  /** Servers of these names; the plan, whose first lines the first one of them has taken from a planner that has left. */
  async begin(first: string, ...names: readonly string[]): Promise<[ServerRig, ServerRig, ...ServerRig[]]> {
    const servers = names.map(name => this.server(name)) as [ServerRig, ServerRig, ...ServerRig[]]
    await settle(this.cluster)
    const body = new HeldBody().write(first)
    const following = follow(await sendPlan(servers[0], body, KEY))
    await this.hasLines(servers[0], first.split('\n').length - 1)
    body.break()
    await this.cluster.clock.run(1000)
    await following.leave()
    return servers
  }

  /** Sends lines behind others, while time passes. */
  async write(server: ServerRig, line: number, body: HeldBody | string, headers: object = {}): Promise<Response> {
    const [sent] = await this.send(server, body, { 'Plan-Line': String(line), ...headers })
    return this.inTime(sent as Promise<Response>)
  }

  /** Sends a plan. Resolves once it has arrived. */
  async send(server: ServerRig, body: HeldBody | string, headers: object = {}): Promise<Promise<Response>[]> {
    const before = this.#arrivedCount
    const sent = sendPlan(server, body, { ...KEY, ...headers })
    while (this.#arrivedCount === before) await idle()
    return [sent]
  }

  async follow(server: ServerRig, line: number, body: HeldBody | string, headers: object = {}): Promise<Following> {
    return follow(await this.write(server, line, body, headers))
  }

  /** Lets time pass until something has happened, at most 2 minutes. */
  async passUntil(hasHappened: () => boolean): Promise<void> {
    for (let step = 0; step < 480 && !hasHappened(); step++) await this.#step()
    if (!hasHappened()) throw new Error('It has not happened within 2 minutes')
  }

  async #step(): Promise<void> {
    await idle()
    await idle()
    await this.cluster.clock.run(250)
  }

  /** The value of a promise, while time passes. */
  async inTime<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false
    const settled = (): void => void (isSettled = true)
    promise.then(settled, settled)
    await this.passUntil(() => isSettled)
    return promise
  }

  /** Resolves once a server shows so many accepted lines. */
  async hasLines(server: ServerRig, count: number, executionId = 'a1'): Promise<void> {
    for (let step = 0; step < 480; step++) {
      if ((await server.get(`/executions/${executionId}`)).headers.get('plan-line') === String(count)) return
      await this.#step()
    }
    throw new Error(`Expected ${count} lines within 2 minutes`)
  }

  /** The whole stream of the execution, as a server shows it. */
  async readAll(server: ServerRig): Promise<readonly EventSourceMessage[]> {
    const { messages, ended } = follow(await server.get('/executions/a1/events', { Accept: 'text/event-stream' }))
    await this.inTime(ended)
    return messages
  }

  /** The state that a server's whole stream folds to; each event is there once. */
  async readEnd(server: ServerRig): Promise<ExecutionState> {
    return fold(await this.readAll(server))
  }
}

/** @throws where an event is missing or comes twice */
export function fold(messages: readonly EventSourceMessage[]): ExecutionState {
  const seqs = seqsOf(messages)
  if (seqs.some((seq, at) => seq !== at + 1)) throw new Error(`Expected each event once: ${seqs.join()}`)
  const state = createState('a1')
  for (const { event, data, id } of messages) {
    applyEvent(state, { type: event, data: JSON.parse(data) } as SSEEvent, Number(id?.split('.')[1]))
  }
  return state
}

/** A task as a line; its tool is told its id. */
export function task(id: string, more: object = {}): string {
  return `${JSON.stringify({ id, tool: 'work', arguments: { id }, ...more })}\n`
}
