/** Headers of answers that are private to the caller and may change. */
export const JSON_HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/** No hop-by-hop headers: HTTP/2 forbids them. `no-transform`: a proxy that compresses would buffer. */
export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

/** The answer depends on what the request accepts. */
export const VARY = { Vary: 'Accept' }
