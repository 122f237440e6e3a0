import type { AttemptMessage } from '../../src/cluster/inbox.ts'
import type { Exchanged, SharedStore } from '../../src/cluster/shared-store.ts'
import type { RunningWorker } from '../../src/worker/run-worker.ts'
import type { WorkerOptions } from '../../src/worker/worker-options.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { createWorkerRig, override, type WorkerRig } from './worker-rig.ts'

type Exchange = NonNullable<SharedStore['exchange']>
type Take = SharedStore['orders']['take']
type Post = SharedStore['inbox']['post']

/** What a test decides about the calls of a worker. Each gets the call to the store that it is about. */
export interface Calls {
  exchange: (run: () => Promise<Exchanged>, messages: readonly AttemptMessage[]) => Promise<Exchanged>
  take: (run: () => ReturnType<Take>) => ReturnType<Take>
  post: (run: () => ReturnType<Post>, messages: readonly AttemptMessage[]) => ReturnType<Post>
}

export interface ExchangeRig extends WorkerRig {
  readonly calls: Calls
  /** The calls so far: `take 2`, `post a b`, `exchange a b for 2`. */
  readonly noted: string[]
  readonly tool: ControlledTool
  /** Starts a worker whose tool `work` is the controlled one. */
  readonly startWork: (more?: Partial<WorkerOptions>) => Promise<RunningWorker>
  /** Tasks of the orders that the worker holds by the store, and of those that wait. */
  readonly listOrders: () => { readonly held: readonly string[]; readonly waiting: readonly string[] }
}

/** A worker rig that notes what a worker calls. */
export async function createExchangeRig(): Promise<ExchangeRig> {
  const noted: string[] = []
  const calls: Calls = { exchange: run => run(), take: run => run(), post: run => run() }
  const tasksOf = (messages: readonly AttemptMessage[]): string =>
    [...new Set(messages.map(({ key }) => key.taskId))].join(' ')
  const exchangeOf =
    (store: SharedStore): Exchange =>
    (workerId, messages, free, ttlMs) => {
      noted.push(`exchange ${tasksOf(messages)} for ${free}`)
      return calls.exchange(() => (store.exchange as Exchange)(workerId, messages, free, ttlMs), messages)
    }
  const wrap = (store: SharedStore): SharedStore => ({
    ...store,
    exchange: exchangeOf(store),
    orders: override(store.orders, {
      take: (workerId, free, ...more) => {
        noted.push(`take ${free}`)
        return calls.take(() => store.orders.take(workerId, free, ...more))
      },
    }),
    inbox: override(store.inbox, {
      post: (workerId, messages) => {
        noted.push(`post ${tasksOf(messages)}`)
        return calls.post(() => store.inbox.post(workerId, messages), messages)
      },
    }),
  })
  const rig = await createWorkerRig({ wrap })
  const tool = new ControlledTool()
  return {
    ...rig,
    calls,
    noted,
    tool,
    startWork: more => rig.start({ work: { execute: tool.execute } }, more),
    listOrders: () => {
      const rows = [...rig.store.tables.orders.values()]
      const list = (isHeld: boolean): string[] =>
        rows.filter(({ worker }) => (worker !== undefined) === isHeld).map(({ order }) => order.command.taskId)
      return { held: list(true), waiting: list(false) }
    },
  }
}

/** `t0`, `t1` and so on. */
export function makeIds(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `t${at}`)
}
