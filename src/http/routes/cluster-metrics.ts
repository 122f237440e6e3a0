import type { ExecutionHost } from '../../host/execution-host.ts'
import { callStore } from '../../store/call-store.ts'
import { counter, gauge } from './metrics-text.ts'

/** The metrics of a server on a shared store; empty for any other. Those of the orders are missing while the store is away. */
export async function renderClusterMetrics({ cluster }: ExecutionHost): Promise<string> {
  if (cluster === undefined) return ''
  const { leases, hintLag, worker } = cluster
  return [
    await renderOrders(cluster),
    gauge('leases', 'Executions that this server coordinates.', leases.count),
    counter('takeovers_total', 'Executions that this server took over.', leases.takeoverCount),
    counter(
      'outcomes_refused_total',
      'Outcomes of attempts of this process that came after another outcome.',
      worker?.refusedCount ?? 0,
    ),
    gauge('hint_lag_seconds', 'Time from the last measured append of this server until its hint.', hintLag.seconds),
  ].join('')
}

async function renderOrders(cluster: NonNullable<ExecutionHost['cluster']>): Promise<string> {
  try {
    const waiting = await callStore(() => cluster.countWaiting())
    const byTool = { label: 'tool', values: waiting.map(({ tool, count }) => [tool, count] as const) }
    const oldestMs = waiting.reduce((most, each) => Math.max(most, each.oldestMs), 0)
    return (
      gauge('orders_waiting', 'Tasks that wait for a worker, by tool, in the whole system.', byTool) +
      gauge('orders_oldest_seconds', 'Age of the oldest task that waits for a worker.', oldestMs / 1000)
    )
  } catch (error) {
    cluster.watch.failed(error)
    return ''
  }
}
