import type { AttemptReport } from '../../src/attempt/attempt-outcome.ts'
import type {
  AbortReason,
  Answer,
  AttemptCommand,
  AttemptKey,
  AttemptRunner,
  AttemptSink,
} from '../../src/attempt/runner.ts'
import type { AttemptNews } from '../../src/cluster/inbox.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { JsonValue, type TokenUsage } from '../../src/index.ts'
import type { Lease } from '../../src/log/event-log.ts'

interface Started {
  readonly sink: AttemptSink
  usage?: TokenUsage
}

/** The least coordinator: orders each attempt through a shared store, and gives its sink what the inbox brings. */
export class MailRunner implements AttemptRunner {
  readonly #store: SharedStore
  readonly #leases = new Map<string, Promise<Lease>>()
  readonly #started = new Map<string, Started>()
  #timer: ReturnType<typeof setInterval> | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(store: SharedStore) {
    this.#store = store
  }

  /** Resolves once it hears of the inbox. From then on orders without a worker are refused. */
  async listen(): Promise<void> {
    await this.#store.hints.subscribe(hints => {
      for (const hint of hints ?? []) if (hint.kind === 'inbox') this.#later(() => this.#deliver(hint.executionId))
    })
    this.#timer = setInterval(() => this.#later(async () => void (await this.#store.orders.refuseUnclaimed(50))), 25)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  start(command: AttemptCommand, sink: AttemptSink): void {
    this.#started.set(JSON.stringify(toKey(command)), { sink })
    this.#later(() => this.#commit(command.executionId, { orders: [{ command, priority: 0 }] }))
  }

  abort(key: AttemptKey, reason: AbortReason): void {
    this.#later(() => this.#store.orders.cancel(key, reason))
  }

  answer(key: AttemptKey, number: number, answer: Answer): void {
    this.#later(() => this.#store.orders.answer(key, [{ number, answer }]))
  }

  /** A failure is an unhandled rejection, which fails the suite. */
  #later(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work)
  }

  async #commit(executionId: string, round: Partial<Parameters<SharedStore['commit']>[3]>): Promise<void> {
    let lease = this.#leases.get(executionId)
    if (lease === undefined) this.#leases.set(executionId, (lease = this.#create(executionId)))
    await this.#store.commit(await lease, 1, [], { orders: [], consumed: [], replies: [], ...round })
  }

  async #create(executionId: string): Promise<Lease> {
    const record = { executionId, createdAt: '2026-01-01T00:00:00.000Z' }
    const { lease } = await this.#store.leases.create('mail', record, 1e9)
    if (lease === undefined) throw new Error('Expected a lease')
    return lease
  }

  async #deliver(executionId: string): Promise<void> {
    const messages = (await this.#store.inbox.read([executionId], 1000)).get(executionId) ?? []
    for (const { message } of messages) {
      if (!('key' in message)) continue
      const started = this.#started.get(JSON.stringify(toKey(message.key)))
      if (started !== undefined && 'number' in message) give(started, message.news)
    }
    if (messages.length > 0) await this.#commit(executionId, { consumed: messages.map(({ id }) => id) })
  }
}

function give(started: Started, news: AttemptNews): void {
  const { sink } = started
  if (news.type === 'token') sink.token(news.text)
  else if (news.type === 'progress') sink.progress(news.progress)
  else if (news.type === 'log') sink.log(news.level, news.message)
  else if (news.type === 'question') sink.question(news.question)
  else if (news.type === 'usage') addUsage(started, news.usage)
  else if (news.type === 'dropped') for (let count = 0; count < news.count; count++) sink.dropped()
  else {
    if (news.usage !== undefined) addUsage(started, news.usage)
    const { report } = news
    if (report.status !== 'success') return sink.settled(report)
    const { outputJson, ...rest } = report
    sink.settled({ ...rest, output: JsonValue.fromText(outputJson) } satisfies AttemptReport)
  }
}

/** Messages have sums, sinks take differences. */
function addUsage(started: Started, usage: TokenUsage): void {
  const before = started.usage
  started.usage = usage
  const delta = Object.entries(usage)
    .map(([field, value]) => [field, value - (before?.[field as keyof TokenUsage] ?? 0)] as const)
    .filter(([, value]) => value !== 0)
  if (delta.length > 0) started.sink.usage(Object.fromEntries(delta))
}

function toKey({ executionId, taskId, attempt }: AttemptKey): AttemptKey {
  return { executionId, taskId, attempt }
}
