import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// `DAGSTREAM_DIST` names another build of the program.
const main = join(process.env['DAGSTREAM_DIST'] ?? here('../../dist'), 'cli/main.js')
const tools = here('kill-tools.mjs')

/** How long a server may take to start or to end, ms: far more than it ever needs, and less than a test may take. */
const PATIENCE_MS = 30_000

/** What a server is started with. */
export interface LifeOptions {
  /** Modules of this folder that are loaded before anything of the program. */
  readonly preload?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** @throws Error where the program has not been built */
export function expectProgram(): void {
  if (!existsSync(main)) throw new Error(`There is no ${main}: run \`npm run build\` first`)
}

const living = new Set<ChildProcess>()

/** Ends every server that is left. */
export function killAll(): void {
  for (const child of living) child.kill('SIGKILL')
}

/** One process of `dagstream serve` over one file. */
export class Life {
  readonly child: ChildProcess
  /** Where it listens; rejects where it ended before. */
  readonly ready: Promise<string>
  /** With the code it ended with, `null` after a signal, once everything that it wrote is here. */
  readonly ended: Promise<number | null>
  #errors = ''
  #isKilled = false

  constructor(folder: string, { preload = [], env = {} }: LifeOptions = {}) {
    const imports = preload.flatMap(name => ['--import', pathToFileURL(here(name)).href])
    const argv = ['serve', '--port', '0', '--store', 'store.db', '--tools', tools, '--log-level', 'warn']
    this.child = spawn(process.execPath, [...imports, main, ...argv], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', CALLS: join(folder, 'calls'), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    living.add(this.child)
    this.ended = once(this.child, 'close').then(([code]) => {
      living.delete(this.child)
      return code as number | null
    })
    this.ready = new Promise((resolve, reject) => {
      this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#errors += text
        const url = /listens on (\S+)/.exec(this.#errors)?.[1]
        if (url !== undefined) resolve(url)
      })
      void this.ended.then(code => reject(new Error(`The server ended with ${code}: ${this.#errors}`)))
      setTimeout(() => reject(new Error(`The server did not start: ${this.#errors}`)), PATIENCE_MS).unref()
    })
    // Whoever kills it before it listens waits for nothing.
    this.ready.catch(() => {})
  }

  /** What it wrote on standard error. */
  get errors(): string {
    return this.#errors
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** Asks it to drain and end. @returns the code it ended with */
  async terminate(): Promise<number | null> {
    this.child.kill('SIGTERM')
    return this.ended
  }

  /** Whether it was told to end at once. */
  get isKilled(): boolean {
    return this.#isKilled
  }

  /** Ends it by SIGKILL, at once. @returns settles when it has ended */
  async kill(): Promise<void> {
    this.#isKilled = true
    this.child.kill('SIGKILL')
    await this.ended
  }
}
