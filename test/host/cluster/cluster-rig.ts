import type { Handler, HandlerOptions } from 'dagstream/http'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { type MortalProcess, mortalProcess } from '../../support/dead-process.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../../support/memory-shared-store.ts'
import { type HandlerRig, handlerRig } from '../../http/handler/handler-rig.ts'

/** One server of a cluster. */
export interface ServerRig extends Pick<HandlerRig, 'send' | 'get' | 'create' | 'follow' | 'begin' | 'figure' | 'log'> {
  readonly handler: Handler
  readonly process: MortalProcess
}

/** Servers on one store, whose time and tool the test decides about. */
export interface ClusterRig {
  readonly clock: FakeClock
  readonly store: MemorySharedStore
  /** Stands behind the tool `work` of all servers. */
  readonly tool: ControlledTool
  /** Starts a server. Its executions have its name and a number as ids. */
  readonly server: (name: string, options?: Partial<HandlerOptions>) => ServerRig
  readonly close: () => Promise<void>
}

/** How long a lease lasts in these tests, ms. */
export const LEASE_MS = 10_000

/** Makes an empty cluster. */
export function clusterRig(): ClusterRig {
  const clock = new FakeClock()
  const store = createMemorySharedStore(clock)
  const tool = new ControlledTool()
  const servers: ServerRig[] = []
  return {
    clock,
    store,
    tool,
    server(name, options = {}) {
      const process = mortalProcess(clock, store.connect())
      let count = 0
      const rig = handlerRig({
        tools: { work: tool.execute },
        clock: process.clock,
        store: process.store,
        createId: () => `${name}${(count += 1)}`,
        leaseMs: LEASE_MS,
        ...options,
      })
      const server = { ...rig, process }
      servers.push(server)
      return server
    },
    async close() {
      for (const { handler, process } of servers) {
        process.die()
        void handler
      }
    },
  }
}

/** Lets all servers notice that they are connected: nothing is taken over before. */
export async function settle({ clock }: ClusterRig): Promise<void> {
  await clock.run(LEASE_MS + 2000)
}
