import type { Clock } from '../clock.ts'
import type { PlanChunk, PlanSource } from '../engine/growth/plan-lines.ts'
import { StreamInterruptedError } from './failures.ts'
import { stringifyJson } from '../json/stringify-json.ts'

/** Silence of the source after which a blank is sent, ms: a server takes a planner that is silent for longer for gone. */
const KEEP_ALIVE_MS = 5000

const LF = 0x0a
const BLANK: Uint8Array = Uint8Array.of(0x20)
const encoder = new TextEncoder()

/**
 * A plan that is being sent, over one connection after another: what was read of its source is kept until the server has
 * accepted it.
 */
export class PlanUpload {
  readonly #clock: Clock
  readonly #iterator: AsyncIterator<PlanChunk> | Iterator<PlanChunk>
  /** What was read and is kept, each with its end in the plan. */
  #kept: { readonly bytes: Uint8Array; readonly end: number }[] = []
  #size = 0
  /** The end of each line in the plan. */
  readonly #lineEnds: number[] = []
  #accepted = 0
  /** Half of a character. */
  #half = ''
  #isDone = false
  #isReading = false
  #isComplete = false
  #failure: { readonly error: unknown } | undefined
  readonly #waiting = new Set<() => void>()
  /** Of the connection that sends it. */
  #sending: ReadableStream<Uint8Array> | undefined

  constructor(source: PlanSource, clock: Clock) {
    this.#clock = clock
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** The number of lines that the server is known to have accepted. */
  get accepted(): number {
    return this.#accepted
  }

  /** What the source has thrown. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Whether another connection has to send the rest. */
  get isInterrupted(): boolean {
    return !this.#isComplete && this.#failure === undefined && this.#sending === undefined
  }

  /** Resolves once its first line is there: a server answers behind it. @throws what the source throws */
  async begin(): Promise<void> {
    while (this.#lineEnds.length === 0 && !this.#isDone) {
      await new Promise<void>(resolve => {
        this.#waiting.add(resolve)
        this.#read()
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Whether what follows a number of lines can still be sent. */
  has(line: number): boolean {
    return line >= this.#accepted && line <= this.#lineEnds.length
  }

  /** The server has accepted this many lines: they are not needed any more. */
  accept(line: number): void {
    if (line <= this.#accepted || !this.has(line)) return
    this.#accepted = line
    this.#kept.splice(0, this.#findKept(this.#lineEnds[line - 1] as number))
  }

  /** Nothing more is sent: leaves the source. Idempotent. */
  complete(): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#kept = []
    this.#wake()
    if (this.#isDone) return
    // The source has no say in it.
    void (async () => this.#iterator.return?.())().catch(() => {})
  }

  /** A body with all that follows a number of lines; an earlier body ends. */
  open(line: number): ReadableStream<Uint8Array> {
    let at = line === 0 ? 0 : (this.#lineEnds[line - 1] as number)
    const take = (): Uint8Array | undefined => {
      const piece = this.#kept[this.#findKept(at)]
      if (piece === undefined) return undefined
      const bytes = piece.bytes.subarray(piece.bytes.length - (piece.end - at))
      at = piece.end
      return bytes
    }
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      for (;;) {
        // An orderly end in the middle of a line would make it the last one.
        if (this.#sending !== body) return controller.error(new StreamInterruptedError('The connection has ended'))
        const bytes = this.#isComplete ? undefined : take()
        if (bytes !== undefined) return controller.enqueue(bytes)
        // Some runtimes break the answer with the error of its request: it is to be followed to its end.
        if (this.#failure !== undefined)
          return controller.error(new StreamInterruptedError('The source has failed', { cause: this.#failure.error }))
        if (this.#isComplete || this.#isDone) return controller.close()
        // In the middle of a line a blank could be part of a text.
        const isBetween = at === 0 || at === this.#lineEnds.at(-1)
        if ((await this.#wait()) === 'silent' && isBetween) return controller.enqueue(BLANK)
      }
    }
    const cancel = (): void => this.interrupt(body)
    const body: ReadableStream<Uint8Array> = new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
    this.#sending = body
    return body
  }

  /** The connection that sends a body has ended. */
  interrupt(body: ReadableStream<Uint8Array>): void {
    if (this.#sending !== body) return
    this.#sending = undefined
    this.#wake()
  }

  /** Index of the first kept piece that ends behind a place. */
  #findKept(at: number): number {
    let [low, high] = [0, this.#kept.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#kept[middle] as { readonly end: number }).end > at) high = middle
      else low = middle + 1
    }
    return low
  }

  #wait(): Promise<'more' | 'silent'> {
    return new Promise(resolve => {
      const wake = (): void => {
        stop()
        resolve('more')
      }
      const stop = this.#clock.after(KEEP_ALIVE_MS, () => {
        this.#waiting.delete(wake)
        resolve('silent')
      })
      this.#waiting.add(wake)
      this.#read()
    })
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Reads one chunk of the source, unless it is being read. */
  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    const reading = (async () => {
      const { done, value } = await this.#iterator.next()
      if (done) this.#finish()
      else this.#add(value)
    })()
    const settle = (): void => {
      this.#isReading = false
      this.#wake()
    }
    reading.then(settle, (error: unknown) => {
      this.#failure = { error }
      this.#isDone = true
      settle()
    })
  }

  #add(chunk: PlanChunk): void {
    if (chunk instanceof Uint8Array) {
      this.#flushHalf()
      // The producer may reuse its buffer.
      return this.#keep(Uint8Array.from(chunk))
    }
    if (typeof chunk === 'string') {
      const text = this.#half + chunk
      this.#half = /[\uD800-\uDBFF]$/.test(text) ? text.slice(-1) : ''
      return this.#keep(encoder.encode(text.slice(0, text.length - this.#half.length)))
    }
    this.#flushHalf()
    const before = this.#size === (this.#lineEnds.at(-1) ?? 0) ? '' : '\n'
    this.#keep(encoder.encode(`${before}${stringifyJson(chunk)}\n`))
  }

  #flushHalf(): void {
    if (this.#half !== '') this.#keep(encoder.encode(this.#half))
    this.#half = ''
  }

  #finish(): void {
    this.#flushHalf()
    this.#isDone = true
    // The last line needs no end.
    if (this.#size > (this.#lineEnds.at(-1) ?? 0)) this.#lineEnds.push(this.#size)
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#isComplete) return
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) this.#lineEnds.push(this.#size + at + 1)
    this.#size += bytes.length
    this.#kept.push({ bytes, end: this.#size })
  }
}
