import type { SSEEvent } from '../../src/events/events.ts'

/** A sink that notes what it is given and does nothing else until it is told to. */
export class FakeSink {
  readonly events: SSEEvent[] = []
  /** Whether writes wait for `take`. */
  isHeld: boolean
  isClosed = false
  abortReason: { readonly reason: unknown } | undefined
  readonly stream: WritableStream<SSEEvent>
  #controller: WritableStreamDefaultController | undefined
  readonly #waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = []

  constructor(options: { isHeld?: boolean; highWaterMark?: number; close?: () => void | Promise<void> } = {}) {
    this.isHeld = options.isHeld ?? false
    const sink: UnderlyingSink<SSEEvent> = {
      start: controller => {
        this.#controller = controller
      },
      write: async event => {
        if (this.isHeld) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }))
        this.events.push(event)
      },
      close: async () => {
        await options.close?.()
        this.isClosed = true
      },
      abort: reason => {
        this.abortReason = { reason }
      },
    }
    this.stream = new WritableStream(sink, { highWaterMark: options.highWaterMark ?? 1 })
  }

  /** Lets the write that is under way succeed. */
  take(): void {
    this.#waiting.shift()?.resolve()
  }

  /** From now on writes succeed at once. */
  release(): void {
    this.isHeld = false
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  /** The sink fails by itself, or its reader cancels. */
  error(reason: unknown): void {
    this.#controller?.error(reason)
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
  }

  get types(): string[] {
    return this.events.map(({ type }) => type)
  }
}
