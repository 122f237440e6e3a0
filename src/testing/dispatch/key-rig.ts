import type { AttemptKey } from '../../attempt/runner.ts'
import { systemClock } from '../../clock.ts'
import type { Dispatcher, KeyReceiver, Offered, Order, Reception } from '../../cluster/order.ts'
import { sleep } from '../../sleep.ts'
import { makeName } from '../store-fixtures.ts'

/** Opens a dispatcher, as one more process on the same queue. */
export type CreateDispatcher = () => Dispatcher | Promise<Dispatcher>

/** How dispatchers are tested. */
export interface KeyDispatcherTestOptions {
  /** Timeout of an expected offer and of `close`, ms. @defaultValue 10,000 */
  readonly patienceMs?: number
}

const PATIENCE_MS = 10_000

/** Time in which an offer that must not come would come, ms. */
const CALM_MS = 150

/** An offer of a dispatcher to a worker. */
export interface SeenOffer {
  readonly key: AttemptKey
  readonly tool: string
  /** Takes the order. Call `end` once it does not hold a place any more. */
  readonly take: () => void
  readonly end: (end?: 'done' | 'handed-back') => void
  /** Does not take it. */
  readonly refuse: (offered: Offered) => void
}

/** What becomes of an offer at once; `undefined`: the case decides later. */
export type Decide = (offer: SeenOffer) => void

/** A worker that a case decides for. It knows the keys of one execution; those of others are gone. */
export class TestReceiver implements KeyReceiver {
  readonly workerId: string = makeName('worker')
  readonly capacity: number
  readonly offers: SeenOffer[] = []
  readonly #executionId: string
  readonly #decide: Decide
  openCount = 0
  maxOpenCount = 0
  isReachable: boolean | undefined
  #isOver = false

  constructor(executionId: string, capacity: number, decide: Decide) {
    this.#executionId = executionId
    this.capacity = capacity
    this.#decide = decide
  }

  async offer(key: AttemptKey, tool: string): Promise<Offered> {
    if (key.executionId !== this.#executionId || this.#isOver) return { status: 'gone' }
    this.openCount += 1
    this.maxOpenCount = Math.max(this.maxOpenCount, this.openCount)
    return new Promise(settle => {
      let isOpen = true
      let finish: (end: 'done' | 'handed-back') => void = () => {}
      const close = (): void => {
        if (isOpen) this.openCount -= 1
        isOpen = false
      }
      const ended = new Promise<'done' | 'handed-back'>(resolve => (finish = resolve))
      const offer: SeenOffer = {
        key,
        tool,
        take: () => settle({ status: 'taken', ended }),
        end: (end = 'done') => {
          close()
          finish(end)
        },
        refuse: offered => {
          close()
          settle(offered)
        },
      }
      this.offers.push(offer)
      this.#decide(offer)
    })
  }

  reachable(isReachable: boolean): void {
    this.isReachable = isReachable
  }

  /** Ends all offers. */
  finish(): void {
    this.#isOver = true
    for (const { refuse, end } of this.offers) {
      refuse({ status: 'gone' })
      end()
    }
  }

  /** The tasks that were offered, in order. */
  get taskIds(): string[] {
    return this.offers.map(({ key }) => key.taskId)
  }
}

/** The dispatchers of one case, and the workers at them. */
export class KeyRig {
  readonly executionId: string = makeName('execution')
  readonly dispatcher: Dispatcher
  readonly #createDispatcher: CreateDispatcher
  readonly #dispatchers: Dispatcher[]
  readonly #receptions: Reception[] = []
  readonly #receivers: TestReceiver[] = []
  readonly #patienceMs: number

  private constructor(createDispatcher: CreateDispatcher, dispatcher: Dispatcher, patienceMs: number) {
    this.#patienceMs = patienceMs
    this.#createDispatcher = createDispatcher
    this.dispatcher = dispatcher
    this.#dispatchers = [dispatcher]
  }

  /** Runs a case, and closes all that it has opened. */
  static async run(
    createDispatcher: CreateDispatcher,
    check: (rig: KeyRig) => Promise<void>,
    { patienceMs = PATIENCE_MS }: KeyDispatcherTestOptions,
  ): Promise<void> {
    const rig = new KeyRig(createDispatcher, await createDispatcher(), patienceMs)
    try {
      await check(rig)
    } finally {
      await rig.#close()
    }
  }

  async #close(): Promise<void> {
    for (const receiver of this.#receivers) receiver.finish()
    for (const reception of this.#receptions) reception.stop()
    let isClosed = false
    const closed = Promise.all(this.#receptions.map(reception => reception.close())).then(() => void (isClosed = true))
    await Promise.race([closed, this.until('close() of a worker without offers', () => isClosed)])
    for (const dispatcher of this.#dispatchers.toReversed()) await dispatcher.close()
  }

  /** Waits for what must come. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let waitedMs = 0; !isSo(); waitedMs += 10) {
      if (waitedMs > this.#patienceMs) throw new Error(`${what}: expected within ${this.#patienceMs} ms, found nothing`)
      await sleep(systemClock, 10)
    }
  }

  /** Opens a worker in a process of its own. @returns `undefined` where dispatchers offer no keys */
  async receive(
    capacity: number,
    decide: Decide = () => {},
  ): Promise<{ receiver: TestReceiver; reception: Reception } | undefined> {
    const dispatcher = await this.#createDispatcher()
    this.#dispatchers.push(dispatcher)
    const receiver = new TestReceiver(this.executionId, capacity, decide)
    this.#receivers.push(receiver)
    const reception = await dispatcher.receive?.(receiver)
    if (reception === undefined) return undefined
    this.#receptions.push(reception)
    return { receiver, reception }
  }

  order(
    taskId: string,
    { attempt = 1, tool = 'tool' }: { readonly attempt?: number; readonly tool?: string } = {},
  ): Order {
    const idempotencyKey = `${this.executionId}/${taskId}`
    const key = { executionId: this.executionId, taskId, attempt }
    const command = { ...key, tool, arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey }
    return { command, priority: 0 }
  }

  key(taskId: string): AttemptKey {
    return { executionId: this.executionId, taskId, attempt: 1 }
  }
}

/** Lets what must not come come. */
export function calm(): Promise<void> {
  return sleep(systemClock, CALM_MS)
}
