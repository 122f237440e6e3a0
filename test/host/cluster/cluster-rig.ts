import type { Handler, HandlerOptions } from 'dagstream/http'
import { startWorker, type RunningWorker } from '../../../src/worker/run-worker.ts'
import type { WorkerOptions } from '../../../src/worker/worker-options.ts'
import { type HandlerRig, handlerRig } from '../../http/handler/handler-rig.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { type MortalProcess, mortalProcess } from '../../support/dead-process.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../../support/memory-shared-store.ts'

/** One server of a cluster. */
export interface ServerRig extends Pick<HandlerRig, 'send' | 'get' | 'create' | 'follow' | 'begin' | 'figure' | 'log'> {
  readonly handler: Handler
  readonly process: MortalProcess
}

/** One worker of a cluster. */
export interface WorkerRig {
  readonly process: MortalProcess
  readonly running: RunningWorker
}

/** Servers and workers on one store, whose time and tool the test decides about. */
export interface ClusterRig {
  readonly clock: FakeClock
  readonly store: MemorySharedStore
  /** Stands behind the tool `work`, which all servers know. */
  readonly tool: ControlledTool
  /** Starts a server without a worker. Its executions have its name and a number as ids. */
  readonly server: (name: string, options?: Partial<HandlerOptions>) => ServerRig
  /** Starts a worker of the tool `work`. */
  readonly worker: (name: string, options?: Partial<WorkerOptions>) => Promise<WorkerRig>
  /** Ends all processes at once. */
  readonly close: () => void
}

/** How long a lease lasts in these tests, ms. */
export const LEASE_MS = 10_000

/** Makes an empty cluster. */
export function clusterRig(): ClusterRig {
  const clock = new FakeClock()
  const store = createMemorySharedStore(clock)
  const tool = new ControlledTool()
  const processes: MortalProcess[] = []
  const begin = (): MortalProcess => {
    const process = mortalProcess(clock, store.connect())
    processes.push(process)
    return process
  }
  return {
    clock,
    store,
    tool,
    server(name, options = {}) {
      const process = begin()
      let count = 0
      const rig = handlerRig({
        tools: { work: tool.execute },
        clock: process.clock,
        store: process.store,
        createId: () => `${name}${(count += 1)}`,
        leaseMs: LEASE_MS,
        work: false,
        ...options,
      })
      return { ...rig, process }
    },
    async worker(name, options = {}) {
      const process = begin()
      const running = await startWorker({
        store: process.store,
        clock: process.clock,
        tools: { work: tool.execute },
        random: () => 0.5,
        workerId: name,
        ...options,
      })
      return { process, running }
    },
    close() {
      for (const process of processes) process.die()
    },
  }
}

/** Lets all servers notice that they are connected: nothing is taken over before. */
export async function settle({ clock }: ClusterRig): Promise<void> {
  await clock.run(LEASE_MS + 2000)
}
