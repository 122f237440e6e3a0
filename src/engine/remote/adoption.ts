import type { OpenOrder } from '../../cluster/order.ts'
import { isSharedStore } from '../../cluster/shared-store.ts'
import { findUnfinishedAttempts } from '../../scheduler/table-queries.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'

/** An attempt that another process runs, or whose last message waits in the inbox: it continues. */
export interface Adoption {
  readonly task: number
  readonly order: OpenOrder
}

/**
 * The attempts that a new coordinator continues. Call it after its claim: from then on no earlier coordinator orders more.
 * @returns none for a store of one process; rejects with what the store throws
 */
export async function findAdoptions(
  store: ExecutionStore,
  executionId: string,
  table: TaskTable,
): Promise<readonly Adoption[]> {
  if (!isSharedStore(store)) return []
  const orders = new Map<string, OpenOrder>()
  for (const order of await store.orders.list(executionId)) {
    orders.set(`${order.key.attempt} ${order.key.taskId}`, order)
  }
  const adoptions: Adoption[] = []
  for (const task of findUnfinishedAttempts(table)) {
    const order = orders.get(`${table.columns.attempts[task] as number} ${table.graph.idOf(task)}`)
    if (order !== undefined) adoptions.push({ task, order })
  }
  return adoptions
}
