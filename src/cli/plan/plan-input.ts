import { createReadStream, fstatSync, open } from 'node:fs'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Planner } from '../../host/plans/planner.ts'
import { nameOf, whyUnreadable } from '../input/read-workflow.ts'
import { type CliProcess, type CommandContext, UsageError } from '../process/console.ts'
import { listenForInterrupts } from '../process/interrupts.ts'

/** A plan that is written to standard input or to a file while it is read. Its iteration rejects when it breaks off. */
export class PlanInput implements Planner {
  /** A command waits for its planner for any time. */
  readonly silentMs = 0
  /** Whether it is standard input, which cannot answer questions then. */
  readonly isStandardInput: boolean
  /** Why it broke off. */
  failure: UsageError | undefined
  readonly #chunks: AsyncIterable<Uint8Array | string>
  readonly #name: string
  readonly #release: () => void
  /** Read, and not passed on yet. */
  #ahead: Uint8Array | undefined
  #iterator: AsyncIterator<Uint8Array | string> | undefined
  #isStopped = false
  /** Ends a wait for the next chunk. */
  #leave: ((why: Error) => void) | undefined

  private constructor(file: string, chunks: AsyncIterable<Uint8Array | string>, release: () => void = () => {}) {
    this.isStandardInput = file === '-'
    this.#name = nameOf(file)
    this.#chunks = chunks
    this.#release = release
  }

  /** @param file a path, or `-` for standard input @throws UsageError for a file that cannot be opened */
  static async open(file: string, { stdin, stderr, cwd }: CliProcess): Promise<PlanInput> {
    if (file === '-') {
      // Otherwise the command would appear to hang.
      if (stdin.isTTY) stderr.write('Reading a plan from standard input; end it with Ctrl-D\n', () => {})
      return new PlanInput(file, stdin)
    }
    try {
      const fd = await promisify(open)(resolve(cwd, file), 'r')
      // A read of a pipe in the thread pool could not be left before its writer ends.
      const stream = fstatSync(fd).isFIFO() ? new Socket({ fd, writable: false }) : createReadStream('', { fd })
      // A failure reaches the iteration; behind its end there is no listener.
      stream.on('error', () => {})
      return new PlanInput(file, stream, () => void stream.destroy())
    } catch (error) {
      throw new UsageError(`Cannot read ${nameOf(file)}: ${whyUnreadable(error as NodeJS.ErrnoException)}`)
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = (this.#iterator ??= this.#chunks[Symbol.asyncIterator]())
    if (this.#ahead !== undefined) yield this.#ahead
    this.#ahead = undefined
    for (;;) {
      let next: IteratorResult<Uint8Array | string>
      try {
        next = await new Promise((settle, reject) => {
          this.#leave = reject
          if (this.#isStopped) reject(new Error('Interrupted'))
          else iterator.next().then(settle, reject)
        })
      } catch (error) {
        const why = this.#isStopped ? 'interrupted' : whyUnreadable(error as NodeJS.ErrnoException)
        this.failure = new UsageError(`Cannot read ${this.#name}: ${why}`)
        throw this.failure
      }
      if (next.done) return
      yield typeof next.value === 'string' ? Buffer.from(next.value) : next.value
    }
  }

  /** Nobody writes it any more: it breaks off. */
  abort(): void {
    this.#isStopped = true
    this.#leave?.(new Error('Interrupted'))
  }

  /**
   * Awaits something that reads it, unless Ctrl-C comes first; a second one exits at once.
   * @returns `undefined` if interrupted; rejects as `read` does
   */
  async untilInterrupted<T>(process: CliProcess, read: () => Promise<T>): Promise<T | undefined> {
    let isInterrupted = false
    const interrupts = listenForInterrupts(process, () => {
      isInterrupted = true
      this.abort()
    })
    try {
      return await read()
    } catch (error) {
      if (isInterrupted) return undefined
      throw error
    } finally {
      interrupts.stop()
    }
  }

  /** Leaves out its first lines. @returns how many it has left out: fewer at its end. Rejects when it breaks off */
  async skip(count: number): Promise<number> {
    let skipped = 0
    const pieces = count === 0 ? [] : this
    for await (const bytes of pieces) {
      let at = 0
      while (skipped < count) {
        const end = bytes.indexOf(0x0a, at)
        if (end < 0) break
        at = end + 1
        skipped += 1
      }
      if (skipped < count) continue
      this.#ahead = bytes.subarray(at)
      break
    }
    return skipped
  }

  /** Closes a file. */
  close(): void {
    this.#release()
  }
}

/** Says why a plan broke off: its execution only knows that it did. */
export async function reportBreak({ failure }: PlanInput, { stderr, colors }: CommandContext): Promise<void> {
  if (failure !== undefined) await stderr.write(`${colors.red('error')} ${failure.message}\n`)
}
