import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPostgresFilter } from '../support/postgres-filter.ts'
import { Proxy } from '../support/proxy.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The build that is tested. */
export const DIST: string = process.env['DAGSTREAM_DIST'] ?? here('../../dist')

/** How long a process may take to start, ms. */
const PATIENCE_MS = 60_000

export type Role = 'server' | 'worker'

/** A place for one server or worker: its processes run one after the other, behind one proxy to the database. */
export class Machine {
  readonly role: Role
  /** Between its processes and the database. */
  readonly proxy: Proxy
  /** Between clients and a server. */
  readonly front: Proxy
  /** Ids of the processes that were killed, frozen or stopped. */
  readonly struck: number[] = []
  /** Ends of processes that nothing had killed after they were ready. */
  readonly exits: string[] = []
  /** The folder of the build that its next process is of. */
  #dist: string
  readonly #argv: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #ready: Promise<string> = Promise.reject(new Error('Not started'))
  /** Of the start that counts: an earlier one starts no process any more. */
  #startCount = 0
  #errors = ''
  /** How many further answers of the database are lost, after their statements took effect. */
  #lostAnswers = 0

  private constructor(
    role: Role,
    dist: string,
    proxies: readonly [Proxy, Proxy],
    argv: readonly string[],
    env: NodeJS.ProcessEnv,
  ) {
    const [proxy, front] = proxies
    this.role = role
    this.#dist = dist
    this.proxy = proxy
    this.front = front
    proxy.createFilter = () =>
      createPostgresFilter(
        () => (this.#lostAnswers > 0 && this.#lostAnswers-- > 0 ? 'answer lost' : 'pass'),
        () => true,
      )
    this.#argv = argv
    this.#env = env
    this.#ready.catch(() => {})
  }

  /** @param databaseUrl whose port is replaced by that of the proxy */
  static async start(
    role: Role,
    databaseUrl: string,
    flags: readonly string[],
    env: Record<string, string>,
    dist: string = DIST,
  ): Promise<Machine> {
    const url = new URL(databaseUrl)
    const proxy = await Proxy.open(Number(url.port))
    url.port = String(proxy.port)
    const command = role === 'server' ? ['serve', '--port', '0', '--no-work'] : ['worker']
    const argv = [...command, '--store', url.href, ...flags]
    const proxies = [proxy, await Proxy.open(0)] as const
    const machine = new Machine(role, dist, proxies, argv, { ...process.env, NO_COLOR: '1', ...env })
    machine.#spawn()
    return machine
  }

  /** Where a server listens; of a worker, which store it works for. */
  get ready(): Promise<string> {
    return this.#ready
  }

  get pid(): number {
    return this.#child?.pid as number
  }

  /** What its processes wrote on standard error. */
  get errors(): string {
    return this.#errors
  }

  /** Ends the process by SIGKILL and starts the next one. Resolves once the process is gone. */
  async strike(): Promise<void> {
    const child = this.#child as ChildProcess
    this.struck.push(child.pid as number)
    await end(child)
    this.#spawn()
  }

  /** Loses the answers to the next statements, each after it took effect, and the connection with it. */
  loseAnswers(count: number): void {
    this.#lostAnswers = count
  }

  /** Stops the process as a machine that hangs does, its threads as well, for `ms`. */
  async freeze(ms: number): Promise<void> {
    const child = this.#child as ChildProcess
    this.struck.push(child.pid as number)
    child.kill('SIGSTOP')
    await wait(ms)
    child.kill('SIGCONT')
  }

  /** Ends the process by SIGTERM, as an operator does, and starts none. @returns its exit code */
  async stop(): Promise<number | null> {
    const child = this.#child as ChildProcess
    this.struck.push(child.pid as number)
    this.#retire('Stopped')
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    return child.exitCode
  }

  /** Starts the next process after `stop`, of another build. Resolves once it is ready. */
  async restart(dist: string): Promise<void> {
    this.#dist = dist
    this.#spawn()
    await this.#ready
  }

  async close(): Promise<void> {
    const child = this.#child
    this.#retire('Closed')
    if (child !== undefined) await end(child)
    this.proxy.close()
    this.front.close()
  }

  #retire(reason: string): void {
    this.#child = undefined
    this.#startCount += 1
    this.#ready = Promise.reject(new Error(reason))
    this.#ready.catch(() => {})
  }

  #spawn(): void {
    this.#ready = this.#start()
    this.#ready.catch(() => {})
  }

  /** Starts processes until one is ready: without the database they end, as one under a supervisor may. */
  async #start(): Promise<string> {
    const count = ++this.#startCount
    for (const until = Date.now() + PATIENCE_MS; ; await wait(100)) {
      // It was struck, or stopped, while it waited.
      if (this.#startCount !== count) return this.#ready
      const child = spawn(process.execPath, [join(this.#dist, 'cli/main.js'), ...this.#argv], {
        env: this.#env,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      this.#child = child
      const found = await this.#listen(child)
      // Two strikes at once start two.
      if (this.#startCount !== count) child.kill('SIGKILL')
      else if (found !== undefined) return this.#showFront(found)
      // A process that was killed gets a successor, unless the place is closed.
      while (child.signalCode !== null && this.#startCount === count) await wait(10)
      if (this.#startCount === count && Date.now() > until)
        throw new Error(`The ${this.role} does not start: ${this.#errors}`)
    }
  }

  /** Where clients reach a server. */
  #showFront(found: string): string {
    if (this.role === 'worker') return found
    const url = new URL(found)
    this.front.target = Number(url.port)
    url.port = String(this.front.port)
    return url.href.replace(/\/$/, '')
  }

  /** @returns what it is ready for; `undefined` once it has ended before */
  #listen(child: ChildProcess): Promise<string | undefined> {
    const start = this.#errors.length
    return new Promise(resolve => {
      let found: string | undefined
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#errors += text
        found ??= /(?:listens on|works for) (\S+)/.exec(this.#errors.slice(start))?.[1]
        if (found !== undefined) resolve(found)
      })
      child.once('exit', (code, signal) => {
        if (found !== undefined && signal !== 'SIGKILL' && this.#child === child)
          this.exits.push(`ended with ${code}: ${this.#errors.slice(start)}`)
        resolve(undefined)
      })
    })
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
