import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import type { Tool } from '../../src/index.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { startWorker } from '../../src/worker/run-worker.ts'
import { findFaults } from '../kill/checks.ts'
import type { KillWorkflow } from '../kill/kill-workflows.ts'
import { readOutcome } from '../kill/outcome.ts'
import { readCalls, type Call } from '../kill/site.ts'
import { Client } from '../machines/client.ts'
import { readPostgresLog } from '../machines/stored-log.ts'
import { createDatabase } from '../support/postgres.ts'
import { createPostgresFilter, type Decide } from '../support/postgres-filter.ts'
import { Proxy } from '../support/proxy.ts'

const TOOLS = new URL('../kill/kill-tools.mjs', import.meta.url).href

/** Longer than the repetition of a statement takes. */
const LEASE_MS = 4000

/** Fewer than the attempts that the workflows let run at once, so that workers post and take together. */
const CONCURRENCY = 2

/** Two servers and two workers in this process, each behind a proxy to the database that loses statements and answers. */
export class LossySystem {
  readonly url: string
  readonly servers: { readonly ready: Promise<string> }[] = []
  /** What becomes of a statement. */
  decide: Decide = () => 'pass'
  /** Whether each `NOTIFY` arrives twice. */
  doublesNotifications = false
  readonly #calls: string
  readonly #closing: (() => Promise<void>)[] = []

  private constructor(url: string, calls: string) {
    this.url = url
    this.#calls = calls
  }

  static async start(): Promise<LossySystem> {
    const folder = mkdtempSync(join(tmpdir(), 'dagstream-lossy-'))
    const calls = join(folder, 'calls')
    writeFileSync(calls, '')
    process.env['CALLS'] = calls
    const { default: tools } = (await import(TOOLS)) as { default: readonly Tool[] }
    const system = new LossySystem(await createDatabase(), calls)
    system.#closing.push(async () => rmSync(folder, { recursive: true, force: true }))
    for (let at = 0; at < 2; at++) await system.#startServer(tools)
    for (let at = 0; at < 2; at++) await system.#startWorker(tools)
    return system
  }

  readCalls(): readonly Call[] {
    return readCalls(this.#calls)
  }

  /** Runs workflows at once to their ends. @returns what is wrong with them */
  async run(workflows: readonly KillWorkflow[], expected: ReadonlyMap<string, unknown>): Promise<string[]> {
    const clients = workflows.map((workflow, at) => new Client(this, workflow, globalThis.crypto.randomUUID(), at))
    await Promise.all(clients.map(client => client.follow()))
    const faults = clients.map(async client => {
      const { name } = client.workflow
      const log = await readPostgresLog(this.url, client.executionId as string)
      const history = { deaths: [], readCalls: () => this.readCalls() }
      const found = findFaults(history, client, log, await client.fetchResult(), expected.get(name))
      const interrupted = client.seen.filter(
        ({ type, json }) => type === 'task_retry' && json.includes('"INTERRUPTED"'),
      )
      return [...found, ...interrupted.map(({ json }) => `Interrupted without a death: ${json}`)].map(
        fault => `${name}: ${fault}`,
      )
    })
    return (await Promise.all(faults)).flat()
  }

  /** The outcomes of workflows when nothing is lost. */
  async runUndisturbed(workflows: readonly KillWorkflow[]): Promise<ReadonlyMap<string, unknown>> {
    const outcomes = workflows.map(async (workflow, at) => {
      const client = new Client(this, workflow, globalThis.crypto.randomUUID(), at)
      await client.follow()
      return [workflow.name, readOutcome(await client.fetchResult())] as const
    })
    return new Map(await Promise.all(outcomes))
  }

  async close(): Promise<void> {
    this.decide = () => 'pass'
    for (const close of this.#closing.splice(0).toReversed()) await close()
  }

  /** The URL of the database behind a new proxy. */
  async #open(): Promise<string> {
    const url = new URL(this.url)
    const proxy = await Proxy.open(Number(url.port))
    this.#closing.push(async () => proxy.close())
    proxy.createFilter = () =>
      createPostgresFilter(
        (name, together) => this.decide(name, together),
        () => this.doublesNotifications,
      )
    url.port = String(proxy.port)
    return url.href
  }

  async #startServer(tools: readonly Tool[]): Promise<void> {
    const store = await openPostgresStore(await this.#open())
    this.#closing.push(() => store.close())
    const handler = createHandler({ store, tools, work: false, leaseMs: LEASE_MS, drainMs: 0 })
    await handler.started
    const server = await serve(handler, { port: 0 })
    this.#closing.push(() => server.close())
    this.servers.push({ ready: Promise.resolve(server.url) })
  }

  async #startWorker(tools: readonly Tool[]): Promise<void> {
    const store = await openPostgresStore(await this.#open())
    this.#closing.push(() => store.close())
    const worker = await startWorker({ store, tools, concurrency: CONCURRENCY, leaseMs: LEASE_MS, drainMs: 0 })
    this.#closing.push(() => worker.close())
  }
}
