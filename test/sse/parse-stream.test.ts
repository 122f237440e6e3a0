import { expect, test } from 'vitest'
import type { SSEMessage } from '../../src/sse/parse.ts'
import { parseStream } from '../../src/sse/parse-stream.ts'
import { idle } from '../support/fake-clock.ts'

function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size))
      controller.close()
    },
  })
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each([1, 2, 3, 5, 1000])('characters may be cut into chunks of %i bytes', async size => {
  const stream = streamOf(encode('\ufeffid: 1\ndata: é😀\u2028\r\n\r\n: c\ndata: b\n\ndata: lost'), size)
  const comments: string[] = []
  const messages: SSEMessage[] = []
  for await (const message of parseStream(stream, { onComment: text => comments.push(text) })) messages.push(message)
  expect(messages).toEqual([
    { event: 'message', data: 'é😀\u2028', id: '1', lastEventId: '1' },
    { event: 'message', data: 'b', lastEventId: '1' },
  ])
  expect(comments).toEqual(['c'])
})

test('leaving the loop cancels the stream and releases it', async () => {
  let cancelled = 0
  const stream = new ReadableStream<Uint8Array>({
    pull: controller => controller.enqueue(encode('data: a\n\ndata: b\n\n')),
    cancel() {
      cancelled += 1
      return Promise.reject(new Error('nobody hears this'))
    },
  })
  for await (const message of parseStream(stream)) {
    expect(message.data).toBe('a')
    break
  }
  await idle()
  expect({ cancelled, locked: stream.locked }).toEqual({ cancelled: 1, locked: false })
})

test('a failing stream passes on its failure after the messages before it', async () => {
  const chunks = [encode('data: a\n\n')]
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.error(new TypeError('terminated'))
    },
  })
  const data: string[] = []
  const reading = (async () => {
    for await (const message of parseStream(stream)) data.push(message.data)
  })()
  await expect(reading).rejects.toThrow(new TypeError('terminated'))
  expect(data).toEqual(['a'])
})

test('a message over the bound ends the stream after the messages before it', async () => {
  let cancelled = false
  const stream = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(encode(`data: a\n\ndata: ${'b'.repeat(100)}\n\n`)),
    cancel: () => void (cancelled = true),
  })
  const data: string[] = []
  const reading = (async () => {
    for await (const message of parseStream(stream, { maxMessageChars: 50 })) data.push(message.data)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'INVALID_SSE' })
  expect({ data, cancelled }).toEqual({ data: ['a'], cancelled: true })
})
