import { connect } from 'node:net'
import { LAST_CHUNK, parseHead, readChunks } from './http-framing.mjs'

/** All connections read into the same memory: what has been read is done with before anything else is. */
const shared = Buffer.allocUnsafe(256 * 1024)

/** The marks of the end of a stream, framing included. */
const TAIL_LENGTH = 2048
const HEAD_END = '\r\n\r\n'

/**
 * Sends one request on a connection of its own and counts what comes back: the cheapest reader there is, the same for all
 * that are measured. It handles bytes, not events; callers parse them in `onBytes`.
 *
 * @param {string} url of the server
 * @param {{ method?: string, path: string, headers?: Record<string, string>, body?: string,
 *   onBytes?: (bytes: Buffer, from: number, to: number) => void }} request `onBytes` is told the body as it comes, chunked
 *   framing included, in memory that is not its own
 */
export function openStream(url, { method = 'GET', path, headers = {}, body, onBytes }) {
  const { hostname, port } = new URL(url)
  const head = createDeferred()
  const ended = createDeferred()
  // Prevent an unhandled rejection if a caller awaits only one of them.
  head.promise.catch(() => {})
  ended.promise.catch(() => {})
  const stream = { socket: undefined, head: head.promise, ended: ended.promise, isOpen: false, byteCount: 0, tail: '' }
  let headText = ''

  const take = (bytes, from, to) => {
    stream.byteCount += to - from
    const kept = bytes.latin1Slice(Math.max(from, to - TAIL_LENGTH), to)
    stream.tail = kept.length < TAIL_LENGTH ? (stream.tail + kept).slice(-TAIL_LENGTH) : kept
    onBytes?.(bytes, from, to)
    // Some keep the connection although they were asked not to.
    if (stream.tail.endsWith(LAST_CHUNK)) socket.destroy()
  }
  const takeHead = (bytes, length) => {
    const before = headText.length
    headText += bytes.latin1Slice(0, length)
    const end = headText.indexOf(HEAD_END)
    if (end === -1) return
    const bodyAt = end + HEAD_END.length - before
    headText = headText.slice(0, end)
    stream.isOpen = true
    head.resolve(parseHead(headText))
    if (bodyAt < length) take(bytes, bodyAt, length)
  }
  const callback = (length, bytes) => {
    if (stream.isOpen) take(bytes, 0, length)
    else takeHead(bytes, length)
    return true
  }

  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: shared, callback } })
  stream.socket = socket
  socket.on('error', error => {
    head.reject(error)
    ended.reject(error)
  })
  socket.on('close', () => {
    head.reject(new Error('Expected an answer, the connection was closed'))
    ended.resolve()
  })
  socket.write(formatRequest(method, path, { host: `${hostname}:${port}`, ...headers }, body))
  return stream
}

/** Waits for the end of a stream of events. @throws where its last event did not come */
export async function expectEnd(stream) {
  await stream.ended
  const isWhole = stream.tail.endsWith(LAST_CHUNK) && stream.tail.includes('event: execution_complete\n')
  if (!isWhole) throw new Error(`Expected the last event, the stream ended with ${JSON.stringify(stream.tail)}`)
}

/** A whole answer: how each event of it looks, and how many of them came with each write, about. */
export async function recordFrames(url, request) {
  let text = ''
  const onBytes = (bytes, from, to) => {
    text += bytes.latin1Slice(from, to)
  }
  const stream = openStream(url, { ...request, onBytes })
  await expectEnd(stream)
  const { body, chunkCount } = readChunks(text)
  const frames = body.split(/(?<=\n\n)/).filter(frame => frame.startsWith('id: '))
  // The first chunk is a comment.
  return { frames, perWrite: Math.max(1, Math.round(frames.length / (chunkCount - 1))) }
}

function createDeferred() {
  const deferred = {}
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }))
  return deferred
}

function formatRequest(method, path, headers, body) {
  const all = {
    ...headers,
    connection: 'close',
    ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
}
