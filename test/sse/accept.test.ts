import { expect, test } from 'vitest'
import { negotiate } from '../../src/sse/accept.ts'

const MATRIX: readonly (readonly [string | null, 'stream' | 'json' | undefined])[] = [
  // None, or nothing said.
  [null, 'json'],
  ['', 'json'],
  ['  , ,', 'json'],
  // One of them.
  ['text/event-stream', 'stream'],
  ['application/json', 'json'],
  ['*/*', 'json'],
  ['text/*', 'stream'],
  ['application/*', 'json'],
  ['TEXT/Event-Stream', 'stream'],
  [' text/event-stream ; q=0.5 ', 'stream'],
  // Neither.
  ['text/html', undefined],
  ['text/html, image/*;q=0.9', undefined],
  ['text/event-stream;q=0', undefined],
  ['*/*;q=0', undefined],
  ['text/event-stream;q=0, application/json;q=0.000, */*', undefined],
  // Weights.
  ['text/event-stream, application/json', 'stream'],
  ['application/json, text/event-stream', 'stream'],
  ['text/event-stream;q=0.5, application/json', 'json'],
  ['text/event-stream;q=0.5, application/json;q=0.4', 'stream'],
  ['text/event-stream;Q=0.001, application/json;q=0', 'stream'],
  ['application/json;q=0, */*', 'stream'],
  ['text/event-stream;q=0, */*', 'json'],
  // A more specific range decides for its type, whatever the order.
  ['*/*, text/event-stream;q=0.1', 'json'],
  ['*/*;q=0.1, text/event-stream', 'stream'],
  ['text/*;q=0.2, application/json;q=0.1, */*', 'stream'],
  ['text/event-stream;q=0, text/*, application/json;q=0.1', 'json'],
  // Ties: the more specifically named, else json unless both are named.
  ['text/event-stream, */*', 'stream'],
  ['application/json, text/plain, */*', 'json'],
  ['application/json, text/*', 'json'],
  ['text/*, application/*', 'json'],
  ['text/*, */*', 'stream'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json'],
  // Parameters.
  ['text/event-stream;charset=utf-8', 'stream'],
  ['text/event-stream; a="x, application/json; q=0"; q=0.3, application/json;q=0.2', 'stream'],
  ['text/event-stream;a="\\", text/html";q=0.4, application/json;q=0.5', 'json'],
  ['application/json;;q=0.5;, text/event-stream;q=0.4', 'json'],
  // Malformed members count for nothing.
  ['text', 'json'],
  ['*', 'json'],
  ['*/json, text/event-stream', 'stream'],
  ['text/ event-stream, application/json;q=0.1', 'json'],
  ['text/event-stream;q=2, application/json;q=0.1', 'json'],
  ['text/event-stream;q=1.001, application/json;q=0.1', 'json'],
  ['text/event-stream;q=0.1234, application/json;q=0.1', 'json'],
  ['text/event-stream;q=-1, application/json;q=0.1', 'json'],
  ['text/event-stream;q, application/json;q=0.1', 'json'],
  ['text/event-stream;q=, application/json;q=0.1', 'json'],
  ['text/event-stream;a b=c, application/json;q=0.1', 'json'],
  ['application/json;q=0.1, text/event-stream;a="', 'json'],
  ['text/event-stream/x, application/json;q=0.1', 'json'],
]

test.each(MATRIX)('Accept %j is answered with %s', (accept, answer) => {
  expect(negotiate(accept)).toBe(answer)
})

test.each([',', ';', '"', '\\', 'a/b,', 'text/event-stream;', '"\\"', 'a/b;c="d",'])(
  'a hostile header of %j is bounded work',
  part => {
    // What matters is that it returns: the work is linear in the first 8,192 characters.
    expect(['json', 'stream', undefined]).toContain(negotiate(part.repeat(1_000_000)))
  },
)

test('text beyond 8,192 characters is ignored, the truncated member included', () => {
  const padding = 'a/b,'.repeat(2047)
  expect(negotiate(`${padding}text/event-stream`)).toBeUndefined()
  expect(negotiate(`text/event-stream,${padding}application/json`)).toBe('stream')
})
