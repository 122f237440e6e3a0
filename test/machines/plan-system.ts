import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StoredLog } from '../kill/stored-log.ts'
import { createDatabase } from '../support/postgres.ts'
import { Machine } from './machine.ts'
import { readPostgresLog } from './stored-log.ts'

/** Short, so that a takeover takes seconds. */
const LEASE_MS = 3000

const tools = fileURLToPath(new URL('./plan-tools.mjs', import.meta.url))

/** A call of a tool, or of the model. */
export interface PlannedCall {
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  /** Of the model: how many tasks its prompt showed as accepted. */
  readonly known?: number
}

/** Two servers that run nothing themselves, two workers, and a database of PostgreSQL. */
export class PlanSystem {
  readonly #folder = mkdtempSync(join(tmpdir(), 'dagstream-plans-'))
  readonly #url: string
  servers!: readonly [Machine, Machine]
  #workers: readonly Machine[] = []

  private constructor(url: string) {
    this.#url = url
  }

  static async start(): Promise<PlanSystem> {
    const system = new PlanSystem(await createDatabase())
    const start = (role: 'server' | 'worker'): Promise<Machine> => {
      const flags = ['--tools', tools, '--lease', String(LEASE_MS), '--log-level', 'warn']
      return Machine.start(role, system.#url, flags, { CALLS: join(system.#folder, 'calls'), LINES: '60' })
    }
    system.servers = [await start('server'), await start('server')]
    system.#workers = [await start('worker'), await start('worker')]
    await system.settle()
    return system
  }

  /** Waits until every process is there. */
  async settle(): Promise<void> {
    await Promise.all([...this.servers, ...this.#workers].map(({ ready }) => ready))
  }

  readCalls(): readonly PlannedCall[] {
    const path = join(this.#folder, 'calls')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as PlannedCall)
  }

  readLog(executionId: string): Promise<StoredLog | undefined> {
    return readPostgresLog(this.#url, executionId)
  }

  /** What is wrong with an execution that should have called the tool of each of its tasks once, a line each. */
  async findFaults(executionId: string, taskIds: readonly string[]): Promise<string[]> {
    const log = await this.readLog(executionId)
    const entries = log?.entries ?? []
    const faults = entries.flatMap(({ seq }, at) => (seq === at + 1 ? [] : [`Entry ${at + 1} has seq ${seq}`]))
    const dataOf = (type: string): Record<string, unknown>[] =>
      entries.filter(each => each.type === type).map(({ json }) => JSON.parse(json) as Record<string, unknown>)
    const added = dataOf('tasks_added').flatMap(({ tasks }) => (tasks as { taskId: string }[]).map(each => each.taskId))
    const compare = (what: string, found: readonly string[], wanted: readonly string[]): void => {
      const [all, expected] = [found.toSorted().join(' '), wanted.toSorted().join(' ')]
      if (all !== expected) faults.push(`${what}: ${all} instead of ${expected}`)
    }
    const called = this.readCalls().filter(call => call.executionId === executionId)
    // A planner itself runs in no worker.
    compare(
      'Added',
      added.filter(id => !id.endsWith('[plan]')),
      taskIds,
    )
    const completed = dataOf('task_complete').filter(({ status }) => status === 'success')
    compare(
      'Completed',
      completed.map(({ taskId }) => String(taskId)).filter(id => taskIds.includes(id)),
      taskIds,
    )
    compare(
      'Called',
      called.map(({ taskId }) => taskId),
      taskIds,
    )
    if (log?.status !== 'success') faults.push(`The record says ${log?.status}`)
    return faults
  }

  async close(): Promise<void> {
    await Promise.all([...this.servers, ...this.#workers].map(machine => machine.close()))
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await wait(20)
}
