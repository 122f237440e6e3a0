/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { TaskTrace } from '../model/trace.ts'
import { formatCost, formatCount, formatDuration } from '../shell/format.ts'

/** Usage, cost and times of a task, as far as they are known. */
export function Figures({
  task,
  waitMs,
}: {
  readonly task: TaskTrace
  readonly waitMs: number | undefined
}): JSX.Element | null {
  const { usage, ttftMs, tokensPerSec } = task
  const figures: [string, string][] = []
  if (waitMs !== undefined) figures.push(['Waited', formatDuration(waitMs)])
  if (usage !== undefined) {
    figures.push(['Tokens in', formatCount(usage.totalTokensIn)], ['Tokens out', formatCount(usage.totalTokensOut)])
    if (usage.totalCacheReads !== undefined) figures.push(['Cache reads', formatCount(usage.totalCacheReads)])
    if (usage.totalCost !== undefined) figures.push(['Cost', formatCost(usage.totalCost)])
  }
  if (ttftMs !== undefined) figures.push(['First token', formatDuration(ttftMs)])
  if (tokensPerSec !== undefined) figures.push(['Speed', `${tokensPerSec.toFixed(1)} tokens/s`])
  if (figures.length === 0) return null
  return (
    <dl class="figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
