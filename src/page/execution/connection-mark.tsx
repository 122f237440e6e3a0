/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { ExecutionModel } from '../model/execution-model.ts'

/** Whether the page is up to date, and that it has reconnected. */
export function ConnectionMark({ model }: { readonly model: ExecutionModel }): JSX.Element {
  const connection = model.connection.value
  const count = model.reconnectCount.value
  const again = count === 0 ? '' : `, reconnected ${count === 1 ? 'once' : `${count} times`}`
  const { status } = connection
  const text =
    status === 'reconnecting'
      ? `reconnecting, attempt ${connection.attempt}`
      : status === 'failed'
        ? connection.error
        : (status === 'ended' ? 'complete' : status) + again
  return (
    <span class={`connection ${status}`} title={status === 'reconnecting' ? connection.error : undefined}>
      {text}
    </span>
  )
}
