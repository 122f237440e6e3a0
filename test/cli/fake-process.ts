import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import picocolors from 'picocolors'
import {
  type CliProcess,
  type CommandContext,
  Notices,
  Output,
  type TextStream,
} from '../../src/cli/process/console.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { createStrayLines, StrayFaults } from '../../src/cli/process/stray-faults.ts'

/** A writable that keeps what it is given, or refuses it once its reader has left. */
export class FakeStream implements TextStream {
  text = ''
  isTTY?: boolean
  columns?: number
  rows?: number
  /** Set: every write fails with it. */
  failure: (Error & { code?: string }) | undefined
  #onWrite: ((text: string) => void) | undefined

  write(text: string, callback?: (error?: Error | null) => void): boolean {
    if (!this.failure) this.text += text
    this.#onWrite?.(text)
    if (callback) queueMicrotask(() => callback(this.failure))
    return true
  }

  on(): this {
    return this
  }

  /** Calls `listener` with each text that is written. */
  onWrite(listener: (text: string) => void): void {
    this.#onWrite = listener
  }
}

/** A process whose streams and signals a test holds in its hand. */
export class FakeProcess implements CliProcess {
  readonly argv: readonly string[]
  readonly env: Record<string, string | undefined> = {}
  readonly command: string = 'dagstream'
  readonly cwd: string = fileURLToPath(new URL('../..', import.meta.url))
  stdin: AsyncIterable<Uint8Array | string> = Readable.from([])
  readonly stdout: FakeStream = new FakeStream()
  readonly stderr: FakeStream = new FakeStream()
  readonly exits: number[] = []
  readonly #listeners = new Set<(signal: string) => void>()
  readonly #strayListeners = new Set<(error: unknown) => void>()

  constructor(...argv: string[]) {
    this.argv = argv
  }

  onInterrupt(listener: (signal: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Presses Ctrl-C, or sends another signal. @returns how many listened */
  interrupt(signal = 'SIGINT'): number {
    for (const listener of this.#listeners) listener(signal)
    return this.#listeners.size
  }

  onStrayError(listener: (error: unknown) => void): () => void {
    this.#strayListeners.add(listener)
    return () => void this.#strayListeners.delete(listener)
  }

  /** Raises an unhandled error. @returns the number of listeners */
  strayError(error: unknown): number {
    for (const listener of this.#strayListeners) listener(error)
    return this.#strayListeners.size
  }

  exit(code: number): void {
    this.exits.push(code)
  }
}

/** What a command is given in this process, without colours. */
export function contextOf(process: FakeProcess): CommandContext {
  const stderr = new Output(process.stderr)
  const notices = new Notices(stderr)
  const colors = picocolors.createColors(false)
  const strays = new StrayFaults(createStrayLines(line => notices.tell(line, true), colors))
  return { process, stdout: new Output(process.stdout), stderr, notices, strays, colors }
}

/** Runs a command line; `document` is what stands on its standard input. */
export async function run(
  argv: readonly string[],
  document?: unknown,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = new FakeProcess(...argv)
  if (document !== undefined) {
    process.stdin = Readable.from([typeof document === 'string' ? document : JSON.stringify(document)])
  }
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}
