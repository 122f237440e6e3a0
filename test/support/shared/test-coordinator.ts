import { createCounters } from '../../../src/engine/counters.ts'
import type { ResolvedPlanOptions } from '../../../src/engine/growth/plan-options.ts'
import type { ExecutionLoop } from '../../../src/engine/execution-loop.ts'
import { createLoop } from '../../../src/engine/executors/launch.ts'
import type { ResolvedOptions } from '../../../src/engine/options.ts'
import { recoverLoop } from '../../../src/engine/resume/resume.ts'
import type { SharedStore } from '../../../src/cluster/shared-store.ts'
import type { DAGStructure, ExecutionPlan } from '../../../src/index.ts'
import type { WorkflowRegistry } from '../../../src/plan/workflow-registry.ts'
import type { StoredExecution } from '../../../src/store/execution-store.ts'
import type { ToolRegistry } from '../../../src/tools/registry.ts'

/** A lease that no test outlives, ms. */
const TTL_MS = 1e9

export interface CoordinatorParts {
  readonly store: SharedStore
  readonly tools: ToolRegistry
  readonly options: ResolvedOptions
  readonly holder?: string
  readonly owner?: string
  /** The workflows that added tasks may name. */
  readonly workflows?: WorkflowRegistry | undefined
  /** Of a plan that is still being written: its document has no tasks. */
  readonly streamed?: ResolvedPlanOptions
}

/** A process that coordinates one execution, without a host. A test can kill it: its store never answers again. */
export class TestCoordinator {
  readonly loop: ExecutionLoop
  readonly #store: MortalStore
  #stopPolling = (): void => {}

  private constructor(loop: ExecutionLoop, store: MortalStore, options: ResolvedOptions) {
    this.loop = loop
    this.#store = store
    loop.ended.catch(() => {})
    void store.hints.subscribe(() => this.#deliver())
    const poll = (): void => {
      this.#deliver()
      if (!store.isDead && loop.log.ending === undefined) this.#stopPolling = options.clock.after(1000, poll)
    }
    poll()
  }

  static async start(
    workflow: DAGStructure | ExecutionPlan,
    input: unknown,
    parts: CoordinatorParts,
  ): Promise<TestCoordinator> {
    const store = createMortal(parts.store)
    const options = { ...parts.options, store }
    const { owner, workflows, streamed } = parts
    const made = createLoop(workflow, parts.tools, input, options, createCounters(), { owner, workflows, streamed })
    const registration = await store.leases.create(parts.holder ?? 'first', made.describe(), TTL_MS)
    if (registration.lease === undefined) throw new Error('Expected a new execution')
    made.start(registration.lease)
    return new TestCoordinator(made.loop, store, options)
  }

  /** @returns `undefined` if the execution was parked */
  static async takeOver(executionId: string, parts: CoordinatorParts): Promise<TestCoordinator | undefined> {
    const store = createMortal(parts.store)
    const options = { ...parts.options, store }
    // The earlier holder is dead: a host would wait for the end of its lease.
    const stored = (await store.get(executionId)) as StoredExecution
    const { tools, workflows } = parts
    const recovered = await recoverLoop(stored, store, { tools, workflows, options })
    return 'loop' in recovered ? new TestCoordinator(recovered.loop, store, options) : undefined
  }

  /** Its process ends: nothing of it has an effect any more. */
  kill(): void {
    this.#store.isDead = true
    this.#stopPolling()
  }

  /** Ends the process once so many commits more are in the store, before the process learns of the last. */
  killAfter(count: number, onKilled: () => void): void {
    this.#store.dieAfter(count, () => {
      this.#stopPolling()
      onKilled()
    })
  }

  #deliver(): void {
    if (!this.#store.isDead) this.loop.deliver().catch(() => {})
  }
}

/** A store of one process that never answers once the process is dead. */
interface MortalStore extends SharedStore {
  isDead: boolean
  dieAfter(count: number, onDead: () => void): void
}

function createMortal(store: SharedStore): MortalStore {
  let left = Number.POSITIVE_INFINITY
  let onDead = (): void => {}
  const state = { isDead: false }
  const never = new Promise<never>(() => {})
  const guard = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get: (_, name) => {
        const value: unknown = Reflect.get(part, name)
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          if (state.isDead) return never
          const result: unknown = await value.apply(part, given)
          return state.isDead ? never : result
        }
      },
    })
  const { leases, orders, inbox, members, hints } = store
  const guarded = guard(store)
  const methods = Object.fromEntries(STORE_METHODS.map(name => [name, guarded[name]]))
  return {
    ...store,
    ...methods,
    leases: guard(leases),
    orders: guard(orders),
    inbox: guard(inbox),
    members: guard(members),
    hints,
    get isDead() {
      return state.isDead
    },
    set isDead(isDead: boolean) {
      state.isDead = isDead
    },
    dieAfter(count, callback) {
      left = count
      onDead = callback
    },
    async commit(...given) {
      if (state.isDead) return never
      await store.commit(...given)
      left -= 1
      if (left === 0) {
        state.isDead = true
        onDead()
      }
      return state.isDead ? never : undefined
    },
  }
}

const STORE_METHODS = ['claim', 'append', 'read', 'get', 'putOutput', 'getOutput', 'readBase', 'create'] as const
