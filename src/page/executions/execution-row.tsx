/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { hashOf } from '../route.ts'
import { formatAge, formatCost, formatDuration, formatMoment, formatShort } from '../shell/format.ts'
import { CountBar } from '../shell/count-bar.tsx'
import { Status } from '../shell/status.tsx'
import type { ListedExecution } from './executions-feed.ts'

/** One execution of the list. */
export function ExecutionRow({
  execution,
  now,
}: {
  readonly execution: ListedExecution
  readonly now: number
}): JSX.Element {
  const { executionId, status, name, createdAt, startedAt, executionTimeMs, tokenUsage } = execution
  const created = Date.parse(createdAt)
  const running = status === 'running' ? now - Date.parse(startedAt ?? createdAt) : Number.NaN
  return (
    <tr>
      <td>
        <Status status={status} />
      </td>
      <td class="name">
        <a href={hashOf({ view: 'execution', executionId, tab: 'timeline' })}>{name ?? 'unnamed workflow'}</a>
      </td>
      <td class="id">{executionId}</td>
      <td class="number" title={formatMoment(created)}>
        {formatAge(created, now)}
      </td>
      <td class="number">{formatDuration(executionTimeMs ?? running)}</td>
      <td>
        <CountBar counts={execution} />
      </td>
      <td class="number">
        {tokenUsage === undefined ? '' : formatShort(tokenUsage.totalTokensIn + tokenUsage.totalTokensOut)}
      </td>
      <td class="number">{tokenUsage?.totalCost === undefined ? '' : formatCost(tokenUsage.totalCost)}</td>
    </tr>
  )
}
