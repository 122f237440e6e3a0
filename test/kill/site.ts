import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Life, type LifeOptions } from './life.ts'
import { readLogs, type StoredLog } from './stored-log.ts'

/** A call of a tool, as the tools write it down. */
export interface Call {
  readonly moment: 'begun' | 'done' | 'failed' | 'aborted'
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  readonly key: string
  readonly pid: number
}

/** A process that was killed, and what it left. */
export interface Death {
  readonly pid: number
  readonly logs: ReadonlyMap<string, StoredLog>
  /** Calls that were begun by then. */
  readonly callCount: number
}

/** The calls that tools have written down in a file so far. */
export function readCalls(path: string): readonly Call[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Call)
}

/** A folder with a store, and the processes that serve it one after the other. */
export class Site {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'dagstream-kill-'))
  readonly deaths: Death[] = []
  /** The next processes are killed so long after they were begun, ms, one after the other. */
  readonly killsAtStart: number[] = []
  /** Called with the address of each process after a death, before anybody else has it. */
  onRestart: (url: string) => Promise<void> = async () => {}
  #life: Life
  #url: Promise<string>

  constructor(options?: LifeOptions) {
    this.#life = new Life(this.folder, options)
    this.#url = this.#life.ready
  }

  get file(): string {
    return join(this.folder, 'store.db')
  }

  get life(): Life {
    return this.#life
  }

  /** Where the server is, once it is there. */
  get url(): Promise<string> {
    return this.#url
  }

  /** Kills the process at once and starts the next one. */
  strike(options?: LifeOptions): void {
    if (this.#life.isKilled) throw new Error('The process is dead already')
    this.#url = this.#restart(this.#life, options)
    this.#url.catch(() => {})
  }

  /** Starts the next process after one that has ended by itself. */
  restart(options?: LifeOptions): Promise<string> {
    this.#life = new Life(this.folder, options)
    this.#url = this.#life.ready
    return this.#url
  }

  readCalls(): readonly Call[] {
    return readCalls(join(this.folder, 'calls'))
  }

  readLogs(): Promise<ReadonlyMap<string, StoredLog>> {
    return readLogs(this.file)
  }

  /** Kills what is left and removes everything. */
  async close(): Promise<void> {
    await this.#url.catch(() => {})
    await this.#life.kill()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #restart(struck: Life, options?: LifeOptions): Promise<string> {
    await struck.kill()
    await this.#bury(struck)
    for (let ms = this.killsAtStart.shift(); ms !== undefined; ms = this.killsAtStart.shift()) {
      const life = new Life(this.folder, options)
      await wait(ms)
      await life.kill()
      await this.#bury(life)
    }
    this.#life = new Life(this.folder, options)
    const url = await this.#life.ready
    await this.onRestart(url)
    return url
  }

  async #bury(dead: Life): Promise<void> {
    const logs = existsSync(this.file) ? await this.readLogs() : new Map<string, never>()
    this.deaths.push({ pid: dead.pid, logs, callCount: this.readCalls().length })
  }
}
