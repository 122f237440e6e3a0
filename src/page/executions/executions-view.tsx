/** @jsxImportSource preact */
import { useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { isTokenAsked } from '../api/token.ts'
import { formatCount } from '../shell/format.ts'
import { announce } from '../shell/notices.tsx'
import { StatusFilter } from '../shell/status-filter.tsx'
import { ExecutionRow } from './execution-row.tsx'
import { ExecutionsFeed } from './executions-feed.ts'
import { moveAmongRows } from './move-among-rows.ts'

const STATUSES = ['running', 'parked', 'success', 'partial', 'error', 'cancelled'] as const
const SPANS = [
  ['Last hour', 3_600_000],
  ['Last day', 86_400_000],
  ['Last week', 604_800_000],
  ['All', 0],
] as const

/** Rows of a page. */
const PAGE_SIZE = 100

/** All executions of the server, newest first. */
export function ExecutionsView(): JSX.Element {
  const search = useSignal('')
  const status = useSignal('')
  const span = useSignal(604_800_000)
  const page = useSignal(0)
  const feed = useComputed(() => {
    const since = span.value === 0 ? undefined : new Date(Date.now() - span.value).toISOString()
    return new ExecutionsFeed(since)
  })
  const current = feed.value
  useEffect(() => () => current.close(), [current])
  const all = current.executions.value
  const words = search.value.toLowerCase()
  const matching = all.filter(
    ({ executionId, name = '', status: is }) =>
      (status.value === '' || is === status.value) &&
      (words === '' || name.toLowerCase().includes(words) || executionId.toLowerCase().startsWith(words)),
  )
  const pageCount = Math.max(1, Math.ceil(matching.length / PAGE_SIZE))
  const at = Math.min(page.value, pageCount - 1)
  const shown = matching.slice(at * PAGE_SIZE, (at + 1) * PAGE_SIZE)
  const running = all.filter(each => each.status === 'running').length
  const isLive = current.status.value === 'live'
  useEffect(() => {
    if (isLive) announce(`${all.length} executions, ${running} running`)
  }, [isLive, all.length, running])
  const now = Date.now()
  return (
    <main class="executions">
      <div class="toolbar">
        <h1>Executions</h1>
        <label class="search">
          <span class="visually-hidden">Filter by name or id</span>
          <input
            type="search"
            placeholder="Filter by name or id"
            value={search.value}
            onInput={event => {
              search.value = event.currentTarget.value
              page.value = 0
            }}
          />
        </label>
        <StatusFilter status={status} statuses={STATUSES} />
        <label>
          Created
          <select value={span.value} onChange={event => (span.value = Number(event.currentTarget.value))}>
            {SPANS.map(([name, ms]) => (
              <option key={name} value={ms}>
                {name.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <span class="grow" />
        <span class={`connection ${isLive ? 'live' : 'reconnecting'}`}>
          {isLive ? 'live' : current.status.value === 'loading' ? 'loading' : current.failure.value}
        </span>
      </div>
      <div class="table-scroll" tabIndex={-1}>
        <table class="list" onKeyDown={moveAmongRows}>
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Workflow</th>
              <th scope="col">Id</th>
              <th scope="col" class="number">
                Age
              </th>
              <th scope="col" class="number">
                Duration
              </th>
              <th scope="col">Tasks</th>
              <th scope="col" class="number">
                Tokens
              </th>
              <th scope="col" class="number">
                Cost
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(each => (
              <ExecutionRow key={each.executionId} execution={each} now={now} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && isLive && !isTokenAsked.value && (
          <p class="empty">
            {all.length === 0 ? 'No executions in this time yet. ' : 'No execution matches. '}
            {all.length === 0 && <a href="#/new">Start one</a>}
          </p>
        )}
      </div>
      <footer class="pager">
        <span class="dim">
          {formatCount(matching.length)} of {formatCount(all.length)}
          {current.isCut.value && ': choose a shorter time to see the newest'}
        </span>
        <span class="grow" />
        <button type="button" disabled={at === 0} onClick={() => (page.value = at - 1)}>
          Newer
        </button>
        <span>
          {at + 1} / {pageCount}
        </span>
        <button type="button" disabled={at + 1 >= pageCount} onClick={() => (page.value = at + 1)}>
          Older
        </button>
      </footer>
    </main>
  )
}
