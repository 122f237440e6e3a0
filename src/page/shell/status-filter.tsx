/** @jsxImportSource preact */
import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'

interface StatusFilterProps {
  /** The status to show; empty for any. */
  readonly status: Signal<string>
  readonly statuses: readonly string[]
}

/** The choice of a status. */
export function StatusFilter({ status, statuses }: StatusFilterProps): JSX.Element {
  return (
    <label>
      Status
      <select value={status.value} onChange={event => (status.value = event.currentTarget.value)}>
        <option value="">any</option>
        {statuses.map(each => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  )
}
