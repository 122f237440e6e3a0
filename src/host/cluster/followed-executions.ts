import type { Clock } from '../../clock.ts'
import { DagstreamError, isRecordUnusable } from '../../errors.ts'
import type { SharedStore } from '../../cluster/shared-store.ts'
import { EventLog } from '../../log/event-log.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { HostedExecution } from '../execution/hosted-execution.ts'
import type { Followers } from './followers.ts'
import { LogHints } from './log-hints.ts'

/** Executions without a reader whose logs stay in memory, for readers that return, and how long, ms. */
const MAX_IDLE = 32
const IDLE_MS = 30_000

/** Polls without a new entry after which the record is looked at: the execution may have been deleted. */
const SILENT_POLLS = 10

/** Reads of logs at a time. */
const MAX_READS = 8

/** What followed executions work with. */
export interface FollowedOptions {
  readonly store: ExecutionStore & Pick<SharedStore, 'hints'>
  readonly clock: Clock
  /** Counts the subscribers of an execution for its coordinator. */
  readonly followersOf: (executionId: string) => Followers
  /** An execution has ended, and its log is complete. */
  readonly onEnded: (hosted: HostedExecution) => void
  /** The store has failed at a log that readers follow; it is read again. */
  readonly onError: (error: unknown) => void
}

interface Followed {
  readonly hosted: HostedExecution
  reading: Promise<void> | undefined
  /** A read that begins after the present one. */
  next: Promise<void> | undefined
  /** When it last had a reader. */
  usedAt: number
  silentCount: number
}

/**
 * The executions of other servers that readers of this one follow: one log for each, which is read from the store after each
 * hint and each second.
 */
export class FollowedExecutions {
  readonly #options: FollowedOptions
  readonly #hints: LogHints
  /** By execution, the newest last: one that was taken over here and lost again may have readers of several logs. */
  readonly #all = new Map<string, readonly Followed[]>()
  readonly #opening = new Map<string, Promise<HostedExecution>>()

  constructor(options: FollowedOptions) {
    this.#options = options
    this.#hints = new LogHints({
      hints: options.store.hints,
      wake: executionId => this.wake(executionId),
      wakeAll: () => this.wakeAll(),
      onError: options.onError,
    })
  }

  get size(): number {
    return this.#all.size
  }

  /**
   * The execution as the store has it now, or later.
   * @param record of an execution that is unfinished and not parked
   * @throws `RECORD_UNUSABLE`; the errors of the store
   */
  async open(record: StoredExecution): Promise<HostedExecution> {
    const { executionId } = record
    const known = this.#all.get(executionId)?.at(-1)
    if (known !== undefined) {
      known.usedAt = this.#options.clock.now()
      // A client may have seen at another server what this one has not read yet.
      await this.#read(known)
      return known.hosted
    }
    const opening = this.#opening.get(executionId) ?? this.#restore(record)
    this.#opening.set(executionId, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(executionId)
    }
  }

  /** Follows an execution that another server continues, with the log that its readers have. */
  adopt(hosted: HostedExecution): void {
    this.#add(hosted)
    this.wake(hosted.executionId)
  }

  /** New entries of an execution may be in the store. */
  wake(executionId: string): void {
    for (const followed of this.#all.get(executionId) ?? []) {
      this.#read(followed).catch(error => this.#options.onError(error))
    }
  }

  wakeAll(): void {
    for (const executionId of this.#all.keys()) this.wake(executionId)
  }

  /** Reads all logs that have readers, and closes those that have had none for a while. */
  async poll(): Promise<void> {
    const now = this.#options.clock.now()
    const read: Followed[] = []
    const idle: Followed[] = []
    for (const followed of [...this.#all.values()].flat()) {
      if (followed.hosted.disconnectPolicy.count > 0) {
        followed.usedAt = now
        read.push(followed)
      } else idle.push(followed)
    }
    idle.sort((a, b) => b.usedAt - a.usedAt)
    for (const [at, followed] of idle.entries()) {
      if (at >= MAX_IDLE || now - followed.usedAt >= IDLE_MS) this.#remove(followed.hosted)
    }
    for (let at = 0; at < read.length; at += MAX_READS) {
      await Promise.all(read.slice(at, at + MAX_READS).map(followed => this.#poll(followed)))
    }
  }

  /** The readers of this server end. */
  close(failure: DagstreamError): void {
    for (const { hosted } of [...this.#all.values()].flat()) this.#end(hosted, failure)
  }

  async #restore(record: StoredExecution): Promise<HostedExecution> {
    const { store, clock, followersOf } = this.#options
    const { executionId } = record
    const log = await callStore(() => EventLog.restore(executionId, store))
    const hosted = HostedExecution.followed(record, log, clock, followersOf(executionId))
    this.#settle(this.#add(hosted))
    return hosted
  }

  #add(hosted: HostedExecution): Followed {
    const usedAt = this.#options.clock.now()
    const followed: Followed = { hosted, reading: undefined, next: undefined, usedAt, silentCount: 0 }
    this.#all.set(hosted.executionId, [...(this.#all.get(hosted.executionId) ?? []), followed])
    void this.#hints.want(true)
    return followed
  }

  /** @returns whether it was there */
  #remove(hosted: HostedExecution): boolean {
    const { executionId } = hosted
    const all = this.#all.get(executionId) ?? []
    const rest = all.filter(each => each.hosted !== hosted)
    if (rest.length === 0) this.#all.delete(executionId)
    else this.#all.set(executionId, rest)
    if (this.#all.size === 0) void this.#hints.want(false)
    return rest.length < all.length
  }

  /** @returns once a read that began after this call has ended */
  #read(followed: Followed): Promise<void> {
    const { reading } = followed
    if (reading !== undefined) {
      followed.next ??= reading
        .catch(() => {})
        .then(() => {
          followed.next = undefined
          return this.#read(followed)
        })
      return followed.next
    }
    followed.reading = this.#advance(followed).finally(() => (followed.reading = undefined))
    return followed.reading
  }

  async #advance(followed: Followed): Promise<void> {
    const { log } = followed.hosted
    const before = log.head
    try {
      await callStore(() => log.advance())
    } catch (error) {
      if (!isRecordUnusable(error)) throw error
      this.#end(followed.hosted, error)
    }
    if (log.head !== before) followed.silentCount = 0
    this.#settle(followed)
  }

  async #poll(followed: Followed): Promise<void> {
    const { executionId } = followed.hosted
    try {
      await this.#read(followed)
      followed.silentCount += 1
      if (followed.silentCount < SILENT_POLLS) return
      followed.silentCount = 0
      if ((await callStore(() => this.#options.store.get(executionId))) !== undefined) return
      this.#end(followed.hosted, new DagstreamError('EXECUTION_NOT_FOUND', 'The execution was deleted'))
    } catch (error) {
      this.#options.onError(error)
    }
  }

  /** Closes a log at the end of its execution, and at its parking. */
  #settle({ hosted }: Followed): void {
    const { log } = hosted
    if (log.ending === 'complete') {
      if (this.#remove(hosted)) this.#options.onEnded(hosted)
    } else if (log.state.parked !== undefined) this.#end(hosted, log.state.parked)
  }

  #end(hosted: HostedExecution, { code, message }: Pick<DagstreamError, 'message'> & { code: string }): void {
    hosted.log.fail({ error: message, code, timestamp: new Date(this.#options.clock.wallTime()).toISOString() })
    this.#remove(hosted)
  }
}
