import type { ExecutionState } from '../events/execution-state.ts'
import { runInSlices } from '../slices.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import { ExecutionSamples } from './execution-samples.ts'
import { HISTORY_LIMITS, historySteps, readSamples, type StoreSteps } from './read-history.ts'
import { TaskHistory } from './task-history.ts'

/** How much is read without a rest, in answers of the store and their items. */
interface Hurry {
  readonly reads: number
  readonly items: number
  /** Whether answers that come later are waited for. */
  readonly waits?: true
}

/** Before the first start of an owner: some 2 ms with SQLite. */
const AT_ONCE: Hurry = { reads: 8, items: 400 }
/** For a process that runs one execution. */
const PREPARED: Hurry = { reads: 21, items: 1000, waits: true }
const NOTHING: Hurry = { reads: 0, items: 0 }

/** Maximum time that `prepare` waits for the store, ms. */
const MAX_PREPARE_MS = 20

/** Time between two later reads, ms: all of them together take some 10 seconds. */
const REST_MS = 100

/** Age at which the store is read again, for the executions of other processes, ms. */
const MAX_AGE_MS = 60_000

/** Maximum number of owners whose history is kept. */
const MAX_OWNERS = 32

/** Maximum number of executions that are known to be in a history. */
const MAX_SEEN = 1000

/** What is called when the store fails: there is less history then. */
type OnFailed = (error: unknown) => void

/** The history of one owner. */
interface Owned {
  readonly history: TaskHistory
  /** Ids of the executions in it. */
  readonly seen: Set<string>
  /** When the last reading began, by the monotonic clock, ms. */
  readAt: number
  isReading: boolean
}

/**
 * The history of a store in this process: never waited for. It is read beside the executions, and those that end here are added.
 */
export class LiveHistory {
  readonly #store: ExecutionStore
  /** By owner, the last one used last. */
  readonly #owners = new Map<string | undefined, Owned>()

  constructor(store: ExecutionStore) {
    this.#store = store
  }

  /** What is known by now; begins to read where that is due. @param owner reads only executions of this owner */
  of(owner: string | undefined, now: number, onFailed: OnFailed): TaskHistory {
    const isKnown = this.#owners.has(owner)
    const owned = this.#use(owner, now)
    if (!isKnown) void this.#read(owned, owner, onFailed, AT_ONCE)
    else if (!owned.isReading && now - owned.readAt >= MAX_AGE_MS) {
      owned.readAt = now
      void this.#read(owned, owner, onFailed, NOTHING)
    }
    return owned.history
  }

  /** Begins to read, for an owner of whom nothing is known. @returns once the first executions are read, after at most 20 ms */
  async prepare(owner: string | undefined, now: number, onFailed: OnFailed): Promise<void> {
    if (this.#owners.has(owner)) return
    const first = this.#read(this.#use(owner, now), owner, onFailed, PREPARED)
    await Promise.race([first, rest(MAX_PREPARE_MS)])
  }

  #use(owner: string | undefined, now: number): Owned {
    const known = this.#owners.get(owner)
    const owned = known ?? { history: new TaskHistory(), seen: new Set(), readAt: now, isReading: false }
    this.#owners.delete(owner)
    this.#owners.set(owner, owned)
    for (const first of this.#owners.keys()) if (this.#owners.size > MAX_OWNERS) this.#owners.delete(first)
    return owned
  }

  /** Adds an execution that has ended here to the histories that are kept: at once, but for a large one. */
  ended(owner: string | undefined, state: ExecutionState, onFailed: OnFailed): void {
    const owners = owner === undefined ? [owner] : [owner, undefined]
    const kept = owners.flatMap(each => this.#owners.get(each) ?? [])
    const lacking = kept.filter(({ seen }) => see(seen, state.executionId)).map(({ history }) => history)
    // Nobody waits for it.
    if (lacking.length > 0) void this.#add(lacking, state).catch(onFailed)
  }

  async #add(histories: readonly TaskHistory[], state: ExecutionState): Promise<void> {
    let samples = new ExecutionSamples()
    const whole = runInSlices(samples.stateSteps(state))
    // Only where it must be: what ends now is known to the next start.
    if (whole instanceof Promise) await whole
    if (samples.hasRetried) {
      // The delays between attempts are in the log alone.
      const read = new ExecutionSamples()
      const { maxEntries } = HISTORY_LIMITS
      const reading = runBeside(readSamples(this.#store, state.executionId, read, maxEntries), AT_ONCE)
      if ((await reading) !== undefined) samples = read
    }
    for (const history of histories) {
      const added = runInSlices(samples.steps(history, true))
      if (added instanceof Promise) await added
    }
  }

  /** @returns once it rests or has ended; never rejects */
  #read(owned: Owned, owner: string | undefined, onFailed: OnFailed, hurry: Hurry): Promise<void> {
    const { history, seen } = owned
    const isAgain = hurry === NOTHING
    const steps = historySteps({
      store: this.#store,
      owner,
      skips: executionId => seen.has(executionId),
      onSamples: (executionId, samples) => {
        if (see(seen, executionId)) samples.addTo(history, isAgain)
      },
    })
    owned.isReading = true
    return new Promise(resolve => {
      // Nobody waits for its end.
      void runBeside(steps, hurry, resolve)
        .catch(onFailed)
        .finally(() => {
          owned.isReading = false
          resolve()
        })
    })
  }
}

/** Adds to the executions that are known, within a bound. @returns whether it was unknown */
function see(seen: Set<string>, executionId: string): boolean {
  if (seen.has(executionId)) return false
  seen.add(executionId)
  for (const first of seen) {
    if (seen.size <= MAX_SEEN) break
    seen.delete(first)
  }
  return true
}

/**
 * Runs steps on a store: without a rest as far as `hurry` allows. Then it rests after each answer, so that executions that start
 * meanwhile are not held up.
 */
async function runBeside<Result>(
  steps: StoreSteps<Result>,
  { reads, items, waits }: Hurry,
  onRest: () => void = () => {},
): Promise<Result> {
  let readsLeft = reads
  let itemsLeft = items
  let step = steps.next()
  while (!step.done) {
    const { value } = step
    const isLater = value instanceof Promise
    const answer: unknown = isLater ? await value : value
    readsLeft -= 1
    if (Array.isArray(answer)) itemsLeft -= answer.length
    if ((isLater && !waits) || readsLeft < 0 || itemsLeft < 0) {
      onRest()
      await rest(REST_MS)
    }
    step = steps.next(answer)
  }
  return step.value
}

/** By the clock of the machine, since it is the machine that rests. Keeps no process alive. */
function rest(ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer: unknown = setTimeout(resolve, ms)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref()
  })
}
