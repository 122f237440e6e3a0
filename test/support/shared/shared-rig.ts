import { resolveOptions } from '../../../src/engine/options.ts'
import type { ExecutionOptions } from '../../../src/engine/options.ts'
import { LogEntry } from '../../../src/events/log-entry.ts'
import type { DAGStructure, ExecutionPlan, SSEEvent, Tool } from '../../../src/index.ts'
import { ToolRegistry } from '../../../src/tools/registry.ts'
import { FakeClock } from '../fake-clock.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../memory-shared-store.ts'
import { TestCoordinator } from './test-coordinator.ts'
import { TestWorker } from './test-worker.ts'

/** A shared store in memory, with the coordinators and workers of one execution. Its id is `x`. */
export class SharedRig {
  readonly clock: FakeClock = new FakeClock()
  readonly store: MemorySharedStore = createMemorySharedStore(this.clock)
  readonly tools: ToolRegistry
  readonly options: ReturnType<typeof resolveOptions>
  #workerCount = 0

  constructor(tools: Readonly<Record<string, Omit<Tool, 'name'>>>, options: ExecutionOptions = {}) {
    this.tools = new ToolRegistry(tools)
    this.options = resolveOptions({ clock: this.clock, random: () => 0.5, createId: () => 'x', ...options })
  }

  start(workflow: DAGStructure | ExecutionPlan, input?: unknown): Promise<TestCoordinator> {
    const { store, tools, options } = this
    return TestCoordinator.start(workflow, input, { store, tools, options })
  }

  takeOver(): Promise<TestCoordinator | undefined> {
    return TestCoordinator.takeOver('x', { store: this.store, tools: this.tools, options: this.options })
  }

  async addWorker(concurrency = 4): Promise<TestWorker> {
    const { store, clock, tools } = this
    const worker = new TestWorker({ store, clock, tools, concurrency, workerId: `w${++this.#workerCount}` })
    await worker.start()
    return worker
  }

  /** The log. */
  async entries(): Promise<LogEntry[]> {
    const stored = await this.store.read('x', 0, 1_000_000)
    return stored.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
  }

  async events(): Promise<SSEEvent[]> {
    return (await this.entries()).map(entry => entry.toEvent())
  }

  /** Events of the log without those of other types, as `type taskId`. */
  async outline(...types: readonly SSEEvent['type'][]): Promise<string[]> {
    const events = await this.events()
    return events
      .filter(({ type }) => types.includes(type))
      .map(({ type, data }) => ('taskId' in data ? `${type} ${data.taskId}` : type))
  }
}

/** The outputs by task, once the execution has ended. */
export async function outputsOf(coordinator: TestCoordinator | undefined): Promise<Record<string, unknown>> {
  const { results } = (await coordinator?.loop.result) ?? { results: [] }
  return Object.fromEntries(results.map(({ taskId, output }) => [taskId, output]))
}
