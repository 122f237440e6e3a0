import type { AttemptReport } from '../../../src/attempt/attempt-outcome.ts'
import { LocalRunner } from '../../../src/attempt/local-runner.ts'
import type { AttemptCommand, AttemptKey, AttemptSink } from '../../../src/attempt/runner.ts'
import type { Clock } from '../../../src/clock.ts'
import type { AttemptMessage, AttemptNews, PostedReport } from '../../../src/cluster/inbox.ts'
import type { Renewal, SharedStore } from '../../../src/cluster/shared-store.ts'
import { addTokenUsage, type TokenUsage } from '../../../src/events/token-usage.ts'
import type { ToolRegistry } from '../../../src/tools/registry.ts'
import { nameOf } from './tables.ts'

export interface TestWorkerOptions {
  readonly store: SharedStore
  readonly clock: Clock
  readonly tools: ToolRegistry
  readonly workerId: string
  readonly concurrency?: number
  readonly ttlMs?: number
}

interface Held {
  readonly key: AttemptKey
  number: number
  usage: TokenUsage | undefined
  /** Its open questions: it holds no slot. */
  waitingCount: number
}

/** A worker that a test can kill at any point: from then on it neither takes, posts nor renews. */
export class TestWorker {
  readonly workerId: string
  isDead = false
  readonly #options: Required<TestWorkerOptions>
  readonly #runner: LocalRunner
  readonly #held = new Map<string, Held>()
  readonly #queue: AttemptMessage[] = []
  readonly #renewal: Renewal
  #isBusy = false
  #isWoken = false
  #stopPolling = (): void => {}

  constructor(options: TestWorkerOptions) {
    this.#options = { concurrency: 4, ttlMs: 10_000, ...options }
    const { store, clock, tools, workerId, ttlMs } = this.#options
    this.workerId = workerId
    this.#runner = new LocalRunner({ tools, clock, abortGraceMs: 2000 })
    this.#renewal = store.keepOrders({
      workerId,
      ttlMs,
      onRenewed: ({ lost, cancelled }) => {
        for (const key of lost) this.#lose(key)
        for (const { key, reason } of cancelled) this.#runner.abort(key, reason)
      },
    })
  }

  async start(): Promise<void> {
    const { store, tools, workerId, concurrency } = this.#options
    const announced = Array.from(tools, ({ name, limit }) => ({ name, ...(limit && { limit: limit.size }) }))
    const member = { memberId: workerId, role: 'worker', startedAt: '2026-01-01T00:00:00.000Z' } as const
    const more = { tools: announced, running: 0, capacity: concurrency, version: '0.0.0' }
    await store.members.announce({ ...member, ...more }, 'store', 1e9)
    await store.hints.subscribe(() => this.#wake())
    this.#poll()
  }

  /** Its process ends. */
  kill(): void {
    this.isDead = true
    this.#stopPolling()
    void this.#renewal.close()
    void this.#options.store.members.leave(this.workerId)
  }

  #poll(): void {
    this.#wake()
    if (!this.isDead) this.#stopPolling = this.#options.clock.after(1000, () => this.#poll())
  }

  #wake(): void {
    this.#isWoken = true
    if (!this.#isBusy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    const { store, workerId, concurrency, ttlMs } = this.#options
    while (this.#isWoken && !this.isDead) {
      this.#isWoken = false
      const keys = [...this.#held.values()].map(({ key }) => key)
      // A hint for this worker may be a cancellation.
      const { cancelled } = await store.orders.renew(workerId, keys, ttlMs)
      if (this.isDead) break
      for (const { key, reason } of cancelled) this.#runner.abort(key, reason)
      const running = [...this.#held.values()].filter(({ waitingCount }) => waitingCount === 0).length
      const taken = running < concurrency ? await store.orders.take(workerId, concurrency - running, ttlMs) : []
      if (this.isDead) break
      for (const each of taken) {
        if (each.kind === 'start') this.#begin(each.command)
        else {
          const held = this.#held.get(nameOf(each.key))
          if (held !== undefined) held.waitingCount -= each.answers.length
          for (const { number, answer } of each.answers) this.#runner.answer(each.key, number, answer)
        }
      }
      if (this.#queue.length > 0) await this.#post()
    }
    this.#isBusy = false
  }

  #begin(command: AttemptCommand): void {
    const { executionId, taskId, attempt } = command
    const key = { executionId, taskId, attempt }
    const held: Held = { key, number: 0, usage: undefined, waitingCount: 0 }
    this.#held.set(nameOf(key), held)
    this.#renewal.begin(key, 0)
    const post = (news: AttemptNews): void => {
      if (this.#held.get(nameOf(key)) !== held) return
      held.number += 1
      this.#queue.push({ key, number: held.number, news })
      if (news.type === 'settled') this.#lose(key)
      this.#wake()
    }
    const sink: AttemptSink = {
      token: text => post({ type: 'token', text }),
      progress: progress => post({ type: 'progress', progress }),
      log: (level, message) => post({ type: 'log', level, message }),
      usage: delta => {
        held.usage = addTokenUsage(held.usage, delta)
        post({ type: 'usage', usage: held.usage })
      },
      question: question => {
        held.waitingCount += 1
        post({ type: 'question', question })
      },
      dropped: () => post({ type: 'dropped', count: 1 }),
      settled: report => {
        const { usage } = held
        post({ type: 'settled', report: describe(report), ...(usage && { usage }) })
      },
    }
    this.#runner.start(command, sink)
  }

  async #post(): Promise<void> {
    const messages = this.#queue.splice(0)
    const accepted = await this.#options.store.inbox.post(this.workerId, messages)
    for (const [at, { key }] of messages.entries()) if (accepted[at] === false) this.#lose(key)
    this.#isWoken = true
  }

  /** Its outcome is posted, or would be refused. */
  #lose(key: AttemptKey): void {
    if (!this.#held.delete(nameOf(key))) return
    this.#renewal.end(key)
    this.#runner.abort(key, { code: 'CANCELLED', message: 'The worker lost the order' })
  }
}

function describe(report: AttemptReport): PostedReport {
  if (report.status !== 'success') return report
  const { output, ...rest } = report
  return { ...rest, outputJson: output.text }
}
