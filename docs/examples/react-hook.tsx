// What a model writes, shown as it comes: a hook that subscribes while its component is there, and never longer.
import { type SSEEvent, type SSEStreamer, type StreamEvent, type StreamMetrics, sseStreamer } from 'dagstream'
import { type ReactElement, useEffect, useState } from 'react'

export interface Streamed {
  readonly status: 'waiting' | 'streaming' | 'complete' | 'error'
  readonly text: string
  readonly metrics?: StreamMetrics
  readonly error?: string
}

const NOTHING: Streamed = { status: 'waiting', text: '' }

/** @param streamId that of a task is `<executionId>.<taskId>`; without one, every stream there is */
export function useStream(streamId?: string, streamer: SSEStreamer = sseStreamer): Streamed {
  const [streamed, setStreamed] = useState(NOTHING)
  useEffect(() => {
    setStreamed(NOTHING)
    const stream = streamId === undefined ? streamer : streamer.forStream(streamId)
    // What `subscribe` returns unsubscribes: all that an effect has to clean up.
    return stream.subscribe(event => setStreamed(before => add(before, event)))
  }, [streamId, streamer])
  return streamed
}

function add(before: Streamed, event: StreamEvent): Streamed {
  switch (event.type) {
    case 'token':
      return { status: 'streaming', text: before.text + event.data }
    case 'complete':
      return { status: 'complete', text: event.data.response || before.text, metrics: event.data.metrics }
    case 'error':
      return { ...before, status: 'error', error: event.data.message }
    case 'custom':
      // What a failed attempt wrote is void: the next one begins anew.
      return (event.data as Partial<SSEEvent>).type === 'task_retry' ? NOTHING : before
    default:
      return before
  }
}

export function Answer(props: { streamId?: string; streamer?: SSEStreamer }): ReactElement {
  const { status, text, metrics, error } = useStream(props.streamId, props.streamer)
  return (
    <section aria-busy={status === 'streaming'}>
      <p>{text}</p>
      {metrics && <small>{metrics.tokens} tokens</small>}
      {error !== undefined && <strong>{error}</strong>}
    </section>
  )
}
