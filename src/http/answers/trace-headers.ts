/** W3C Trace Context, 3.2.2: version 00, and later ones whose text begins alike. All zeros are no id. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/

/** The `traceparent` of a request. One that is not valid is ignored, as the standard asks. */
export function readTrace({ headers }: Request): { readonly traceparent?: string } {
  const traceparent = headers.get('traceparent')
  return traceparent !== null && TRACEPARENT.test(traceparent) ? { traceparent } : {}
}

/** The header with the trace of an execution; none if it has no trace. */
export function describeTrace(traceparent: string | undefined): { readonly 'Trace-Id'?: string } {
  const traceId = traceparent?.split('-')[1]
  return traceId === undefined ? {} : { 'Trace-Id': traceId }
}
