/** @jsxImportSource preact */
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { describeIssue } from '../api/failure.ts'
import { CountBar } from '../shell/count-bar.tsx'
import { formatCost, formatCount, formatDuration, formatMoment } from '../shell/format.ts'
import { announce } from '../shell/notices.tsx'
import { Status } from '../shell/status.tsx'
import { useNow } from '../timeline/use-now.ts'
import { cancel, forkFrom, resume } from './commands.ts'
import { ConnectionMark } from './connection-mark.tsx'
import type { ExecutionContext } from './execution-context.ts'

/** What is known of the execution as a whole, and what can be done with it. */
export function ExecutionHead({ context }: { readonly context: ExecutionContext }): JSX.Element {
  const { model, isOffline } = context
  void model.version.value
  const now = useNow(model)
  const { state, trace, runClock, rejected } = model.fold
  const { counts, tokenUsage, reason, parked, stopping, totals } = state
  const status = parked === undefined ? state.status : 'parked'
  const left = status === 'running' ? runClock.describeLeft(state.forecastMs, now) : undefined
  const ended = counts.successCount + counts.errorCount + counts.skippedCount + counts.cancelledCount
  useEffect(() => {
    if (model.place.peek() === undefined && state.seq > 0) announce(`${status}: ${ended} of ${counts.totalTasks} tasks`)
  }, [status, ended, counts.totalTasks])
  return (
    <div class="head">
      <div class="title">
        <h1>{state.name ?? 'unnamed workflow'}</h1>
        <code class="id">{model.executionId}</code>
        <span class="grow" />
        {!isOffline && <ConnectionMark model={model} />}
        {!isOffline && <Actions context={context} />}
      </div>
      <div class="facts">
        <Status status={status} />
        <CountBar counts={{ ...counts, runningCount: trace.activeCount }} />
        <Fact name="duration" value={formatDuration(totals?.totalExecutionTimeMs ?? now - trace.startedAt)} />
        {left !== undefined && <Fact name="forecast" value={left} />}
        {state.isUnsealed && <Fact name="plan" value="still being written" />}
        {totals !== undefined && <Fact name="speedup" value={`${totals.speedup.toFixed(2)}×`} />}
        {totals !== undefined && <Fact name="critical path" value={formatDuration(totals.criticalPathMs)} />}
        {tokenUsage !== undefined && (
          <Fact
            name="tokens"
            value={`${formatCount(tokenUsage.totalTokensIn)} in, ${formatCount(tokenUsage.totalTokensOut)} out`}
          />
        )}
        {tokenUsage?.totalCost !== undefined && <Fact name="cost" value={formatCost(tokenUsage.totalCost)} />}
        <Fact name="started" value={formatMoment(trace.startedAt)} />
        {(reason ?? stopping?.reason) !== undefined && (
          <Fact name="stopped" value={(reason ?? stopping?.reason)?.message ?? ''} />
        )}
        {parked !== undefined && <Fact name="parked" value={`${parked.code}: ${parked.message}`} />}
      </div>
      {rejected.length > 0 && (
        <ul class="refused error-text" tabIndex={0} aria-label="Refused lines of the plan">
          {rejected.map(({ line, issues }) => (
            <li key={line}>
              line {line} refused: {issues.map(describeIssue).join('; ')}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <span class="fact">
      <span class="dim">{name}</span> {value}
    </span>
  )
}

function Actions({ context: { model } }: { readonly context: ExecutionContext }): JSX.Element {
  void model.version.value
  const { executionId } = model
  const { state, top } = model.live
  const isRunning = state.status === 'running' && state.parked === undefined
  const isEnded = state.status !== 'pending' && state.status !== 'running'
  const isOver = model.connection.value.status === 'failed' || model.connection.value.status === 'reconnecting'
  const first = top.filter(id => state.tasks.get(id)?.layer === 0)
  return (
    <>
      {isRunning && (
        <button type="button" onClick={() => void cancel(executionId)}>
          {state.stopping === undefined ? 'Cancel' : 'End now'}
        </button>
      )}
      {(state.parked !== undefined || (isRunning && isOver)) && (
        <button type="button" onClick={() => void resume(executionId)}>
          Resume
        </button>
      )}
      {isEnded && (
        <>
          {state.status !== 'success' && (
            <button type="button" onClick={() => void forkFrom(executionId, [])}>
              Run what failed again
            </button>
          )}
          <button type="button" onClick={() => void forkFrom(executionId, first)}>
            Run again
          </button>
        </>
      )}
    </>
  )
}
