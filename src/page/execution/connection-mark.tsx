/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { ExecutionModel } from '../model/execution-model.ts'

/** Whether the page is up to date, and that it has reconnected. */
export function ConnectionMark({ model }: { readonly model: ExecutionModel }): JSX.Element {
  const connection = model.connection.value
  const count = model.reconnectCount.value
  const again = count === 0 ? '' : `, reconnected ${count === 1 ? 'once' : `${count} times`}`
  switch (connection.status) {
    case 'reconnecting':
      return (
        <span class="connection reconnecting" title={connection.error}>
          reconnecting, attempt {connection.attempt}
        </span>
      )
    case 'failed':
      return <span class="connection failed">{connection.error}</span>
    case 'ended':
      return <span class="connection">complete{again}</span>
    default:
      return (
        <span class={`connection ${connection.status}`}>
          {connection.status}
          {again}
        </span>
      )
  }
}
