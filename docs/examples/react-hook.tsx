// Shows the text of a model as it arrives: a hook that subscribes while its component is mounted.
import { type SSEEvent, type SSEStreamer, type StreamEvent, type StreamMetrics, sseStreamer } from 'dagstream'
import { type ReactElement, useEffect, useState } from 'react'

export interface Streamed {
  readonly status: 'waiting' | 'streaming' | 'complete' | 'error'
  readonly text: string
  /** The text by stream: that of each task. */
  readonly texts: Readonly<Record<string, string>>
  readonly metrics?: StreamMetrics
  readonly error?: string
}

const NOTHING: Streamed = { status: 'waiting', text: '', texts: {} }

/** @param streamId an execution's id, or `<executionId>.<taskId>` for one of its tasks; without one, all that is heard is one stream */
export function useStream(streamId?: string, streamer: SSEStreamer = sseStreamer): Streamed {
  const [streamed, setStreamed] = useState(NOTHING)
  useEffect(() => {
    setStreamed(NOTHING)
    // `subscribe` returns the function that unsubscribes, which is the clean-up of the effect.
    return streamer.subscribe(event => {
      if (isPartOf(streamId, event)) setStreamed(before => add(before, event, streamId))
    })
  }, [streamId, streamer])
  return streamed
}

/** The streams of an execution's tasks are part of its own. */
function isPartOf(streamId: string | undefined, event: StreamEvent): boolean {
  return streamId === undefined || event.streamId === streamId || event.streamId?.split('.', 1)[0] === streamId
}

function add(before: Streamed, event: StreamEvent, streamId: string | undefined): Streamed {
  const place = event.streamId ?? ''
  switch (event.type) {
    case 'token':
      return write(before, place, (before.texts[place] ?? '') + event.data)
    case 'complete':
      return { ...before, status: 'complete', text: event.data.response || before.text, metrics: event.data.metrics }
    case 'error':
      return { ...before, status: 'error', error: event.data.message }
    case 'custom': {
      const { type, data } = (event.data ?? {}) as SSEEvent
      // The text of a failed attempt is void: the next attempt starts again.
      if (type === 'task_retry') return write(before, place, '')
      // The end of a task is the end of its own stream, never that of the execution.
      if (type !== 'task_complete' || `${data.executionId}.${data.taskId}` !== streamId) return before
      const { status, error = status } = data
      return status === 'success' ? { ...before, status: 'complete' } : { ...before, status: 'error', error }
    }
    default:
      return before
  }
}

function write(before: Streamed, place: string, text: string): Streamed {
  const texts = { ...before.texts, [place]: text }
  const all = Object.values(texts).filter(each => each !== '')
  return { status: all.length === 0 ? 'waiting' : 'streaming', text: all.join('\n\n'), texts }
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
