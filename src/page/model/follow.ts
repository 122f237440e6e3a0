import { readEvents } from '../../client/execution-api.ts'
import type { Reconnect } from '../../client/reconnection-options.ts'
import { StreamReconnectionManager } from '../../client/reconnection.ts'
import type { Transport } from '../../client/transport.ts'
import { parseEventId, type SSEEvent } from '../../events/events.ts'
import { describeFailure } from '../api/failure.ts'
import type { ExecutionModel } from './execution-model.ts'

/** Delays between attempts to reconnect, ms. The page tries as long as it is open. */
const RECONNECTION = { maxRetries: Number.POSITIVE_INFINITY, initialDelayMs: 250, maxDelayMs: 5000 }

/**
 * Feeds a model by the events of an execution, across lost connections, until its end or the signal. Never rejects.
 * @param onFailure called with each failure of a connection
 */
export async function follow(
  transport: Transport,
  model: ExecutionModel,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const { executionId } = model
  const onReconnect = ({ attempt, delayMs, error }: Reconnect): void => {
    onFailure(error)
    model.reconnectCount.value += 1
    model.connection.value = { status: 'reconnecting', attempt, delayMs, error: describeFailure(error) }
  }
  const manager = new StreamReconnectionManager({ ...RECONNECTION, onReconnect, signal })
  const events = manager.run(async (last, opened) => {
    const headers = { Accept: 'text/event-stream', ...(last !== undefined && { 'Last-Event-ID': last }) }
    const reply = await transport.send({
      method: 'GET',
      path: `executions/${executionId}/events`,
      headers,
      signal: opened,
    })
    // No event is left.
    if (reply.status === 204) return nothing()
    model.connection.value = { status: 'live' }
    return readEvents(reply, executionId)
  })
  try {
    for await (const event of events) {
      // It says why a connection ends, and is no part of the log.
      if (event.type === 'error') continue
      model.push({ event, seq: seqOf(event) })
      const room = model.room()
      if (room !== undefined) await room
    }
    // The end is shown with the last event.
    for (let room = model.room(1); room !== undefined; room = model.room(1)) await room
    model.connection.value = { status: 'ended' }
  } catch (error) {
    if (signal.aborted) return
    onFailure(error)
    model.connection.value = { status: 'failed', error: describeFailure(error) }
  }
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}

function seqOf({ id }: SSEEvent): number {
  return id === undefined ? 0 : (parseEventId(id)?.seq ?? 0)
}
