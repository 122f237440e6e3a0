import type { ExecutionHost } from '../../host/execution-host.ts'
import { byLabel, counter, gauge, histogram } from './metrics-text.ts'

/**
 * The metrics of one handler in the Prometheus text format, version 0.0.4. @param answers number of answers by HTTP status
 */
export function renderMetrics(host: ExecutionHost, answers: ReadonlyMap<number, number>): string {
  const { meters, running, subscribers, recovery } = host
  const { activity } = running
  const { lag } = subscribers
  const { totalTokensIn = 0, totalTokensOut = 0, totalCacheReads = 0, totalCacheWrites = 0 } = meters.usage ?? {}
  return [
    gauge('executions_running', 'Executions running in this process.', running.size),
    gauge('executions_parked', 'Parked executions.', recovery?.quarantine.count ?? 0),
    counter(
      'executions_total',
      'Executions ended in this process, by status; lost: their log failed.',
      byLabel('status', meters.executions),
    ),
    counter('executions_resumed_total', 'Executions resumed in this process.', meters.resumedCount),
    gauge('tasks_running', 'Tasks whose tool is running.', activity.running),
    gauge(
      'tasks_waiting',
      'Ready tasks that wait for a slot, for the limit of their tool, or for their next attempt.',
      byLabel('reason', { slot: activity.slot, limit: activity.limit, retry: activity.retry }),
    ),
    counter('tasks_total', 'Ended tasks, by status.', byLabel('status', meters.tasks)),
    counter('task_retries_total', 'Attempts followed by another attempt.', meters.retryCount),
    counter(
      'tools_abandoned_total',
      'Tool calls that did not settle within the grace period after their abort.',
      meters.counters.abandonedCount,
    ),
    counter(
      'emissions_dropped_total',
      'Emissions of tools after the end of their attempt.',
      meters.counters.droppedEmissionCount,
    ),
    counter(
      'cache_lookups_total',
      'Tasks with `cache`: hit, an output that was remembered; miss, a call.',
      byLabel('result', { hit: meters.counters.cacheHitCount, miss: meters.counters.cacheMissCount }),
    ),
    counter(
      'tokens_total',
      'Tokens used by ended attempts, including failed ones.',
      byLabel('direction', {
        in: totalTokensIn,
        out: totalTokensOut,
        cache_read: totalCacheReads,
        cache_write: totalCacheWrites,
      }),
    ),
    counter('cost_usd_total', 'Cost of ended attempts, US dollars.', meters.usage?.totalCost ?? 0),
    gauge('subscribers', 'Open event streams.', subscribers.subscriberCount),
    gauge(
      'event_lag_seconds',
      'Maximum age of an event of a running execution that an open stream has not read.',
      lag.seconds,
    ),
    gauge(
      'event_lag_events',
      'Maximum number of events of a running execution that an open stream has not read.',
      lag.events,
    ),
    histogram('store_append_duration_seconds', 'Duration of one append to the store.', meters.appends),
    counter('http_requests_total', 'Answered requests, by status.', {
      label: 'code',
      values: answers,
    }),
  ].join('')
}
