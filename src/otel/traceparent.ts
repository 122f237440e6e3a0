import type { SpanContext } from '@opentelemetry/api'

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/

const NO_TRACE = '0'.repeat(32)

/** W3C `traceparent`; `undefined` for the context of no trace, which an API without an SDK gives. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  if (traceId === NO_TRACE) return undefined
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** `undefined` for any other text. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags as string, 16) & 1, isRemote: true }
}
