import type { SSEEvent, TaskProgressEvent, TokenEvent } from '../../src/events/events.ts'
import { BufferedEventStream } from '../../src/log/buffered-event-stream.ts'
import type { BufferOptions } from '../../src/log/reader-bound.ts'
import { FakeClock } from '../support/fake-clock.ts'
import type { FakeSink } from './sinks.ts'

const about = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }

export function info(number: number, size = 0): SSEEvent {
  return { type: 'info', data: { ...about, level: 'info', message: `${number}${' '.repeat(size)}` } }
}

export function token(text: string, taskId = 'a', attempt = 1): TokenEvent {
  return { type: 'token', data: { ...about, taskId, attempt, text }, id: `x.${text.length}` }
}

export function progress(progress: number, taskId = 'a'): TaskProgressEvent {
  return { type: 'task_progress', data: { ...about, taskId, attempt: 1, progress } }
}

export function numbers(events: readonly SSEEvent[]): number[] {
  return events.map(event => Number((event.data as { message: string }).message))
}

/** The text that a task's tokens make. */
export function textOf(events: readonly SSEEvent[], taskId: string): string {
  return events.map(event => (event.type === 'token' && event.data.taskId === taskId ? event.data.text : '')).join('')
}

export function infosOf(events: readonly SSEEvent[]): number[] {
  return numbers(events.filter(({ type }) => type === 'info'))
}

export function progressOf(events: readonly SSEEvent[]): number[] {
  return events.flatMap(event => (event.type === 'task_progress' ? [event.data.progress] : []))
}

/** A buffer in front of the sink; `write` tells how a write stands. */
export function open(sink: FakeSink, options: BufferOptions = {}) {
  const clock = new FakeClock()
  const stream = new BufferedEventStream(sink.stream, { clock, ...options })
  const writer = stream.getWriter()
  writer.closed.catch(() => {})
  const write = (event: SSEEvent): { isSettled: boolean; error?: unknown } => {
    const state: { isSettled: boolean; error?: unknown } = { isSettled: false }
    writer.write(event).then(
      () => void (state.isSettled = true),
      error => void Object.assign(state, { isSettled: true, error }),
    )
    return state
  }
  return { clock, stream, writer, write }
}
