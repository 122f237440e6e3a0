/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { AttemptTrace } from '../model/trace.ts'
import { formatDuration, formatMoment } from '../shell/format.ts'

/** Attempts that are shown. */
const SHOWN = 50

/** The attempts of a task, the last ones of many. */
export function Attempts({ attempts }: { readonly attempts: readonly AttemptTrace[] }): JSX.Element {
  return (
    <table class="attempts">
      <thead>
        <tr>
          <th scope="col" class="number">
            No.
          </th>
          <th scope="col">Started</th>
          <th scope="col" class="number">
            Time
          </th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {attempts.slice(-SHOWN).map(({ attempt, startedAt, endedAt, error, code, interrupted }) => (
          <tr key={attempt}>
            <td class="number">{attempt}</td>
            <td>{formatMoment(startedAt).slice(11)}</td>
            <td class="number">{endedAt === undefined ? 'running' : formatDuration(endedAt - startedAt)}</td>
            <td title={error} class={code === undefined ? '' : 'error'}>
              {interrupted ? 'interrupted' : (code ?? (endedAt === undefined ? '' : 'success'))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
