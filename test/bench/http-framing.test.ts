import { expect, test } from 'vitest'
import { createLineCounter, findLastId, LAST_CHUNK, parseHead, readChunks } from '../../bench/http-framing.mjs'

const FRAMES = ['id: x.1\nevent: info\ndata: {}\n\n', 'id: x.2\nevent: info\ndata: {}\n\n']

const frame = (...chunks: string[]): string =>
  chunks.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') + LAST_CHUNK.slice(2)

test('a head is read as its status and its headers, names in lower case', () => {
  const text = 'HTTP/1.1 202 Accepted\r\nLocation: /executions/x\r\nVary: Accept'
  expect(parseHead(text)).toEqual({ status: 202, headers: { location: '/executions/x', vary: 'Accept' } })
})

test('a chunked body is read without its framing', () => {
  expect(readChunks(frame(':\n\n', FRAMES.join('')))).toEqual({ body: `:\n\n${FRAMES.join('')}`, chunkCount: 2 })
  expect(readChunks(LAST_CHUNK.slice(2))).toEqual({ body: '', chunkCount: 0 })
})

test('the last event that came whole is found, whatever was cut off after it', () => {
  const text = frame(':\n\n', FRAMES.join(''))
  for (let length = text.indexOf(FRAMES[1] as string); length <= text.length; length++) {
    const isWhole = length >= text.indexOf(FRAMES[1] as string) + (FRAMES[1] as string).length
    expect(findLastId(text.slice(0, length))).toBe(isWhole ? 'x.2' : 'x.1')
  }
  expect(() => findLastId('id: x.1\nevent: info\n')).toThrow('Expected an event')
})

test('the lines of events are counted, those of the framing are not, wherever they are parted', async () => {
  const text = frame(':\n\n', FRAMES.join(''))
  for (let parted = 0; parted <= text.length; parted++) {
    const lines = createLineCounter()
    const reached = lines.reach(10)
    const bytes = Buffer.from(`${text}\n\n`)
    lines.count(bytes, 0, parted)
    lines.count(bytes, parted, text.length)
    await reached
    expect(lines.total()).toBe(10)
  }
})
