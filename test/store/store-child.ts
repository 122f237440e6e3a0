import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('store-child.mjs', import.meta.url))

/** A process that has a store of the build: see `store-child.mjs`. */
export class StoreChild {
  readonly process: ChildProcess
  readonly #lines: Interface
  readonly #told: unknown[] = []
  #wake: (() => void) | undefined
  #errors = ''
  #hasEnded = false

  constructor(mode: string, argv: readonly string[], node: string = process.execPath) {
    if (!existsSync(new URL('../../dist/store/sqlite/index.js', import.meta.url))) {
      throw new Error('There is no dist/store/sqlite: run `npm run build` first')
    }
    this.process = spawn(node, [script, mode, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.process.stdin?.on('error', () => {})
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    this.#lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream })
    this.#lines.on('line', line => {
      this.#told.push(JSON.parse(line))
      this.#wake?.()
    })
    this.process.once('close', () => {
      this.#hasEnded = true
      this.#wake?.()
    })
  }

  /** Everything that it has told so far. */
  get told(): readonly unknown[] {
    return this.#told
  }

  /** What it wrote on standard error. */
  get errors(): string {
    return this.#errors
  }

  /** Resolves once it has told so much. */
  async hasTold(count: number): Promise<void> {
    while (this.#told.length < count) {
      if (this.#hasEnded) throw new Error(`The child ended early: ${this.#errors}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  /** Resolves once it has ended and all that it told is here. */
  async end(): Promise<void> {
    this.process.stdin?.end()
    if (!this.#hasEnded) await once(this.process, 'close')
  }

  /** Ends it by SIGKILL. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.end()
  }
}
