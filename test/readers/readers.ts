import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSource as PackageEventSource } from 'eventsource'
import { createParser } from 'eventsource-parser'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { EventSource as UndiciEventSource } from 'undici'
import { SSE_EVENTS } from '../../src/index.ts'
import { findProgram } from './programs.ts'
import { Reading } from './reading.ts'

/** A reader of event streams that dagstream has no hand in. */
export interface Reader {
  readonly name: string
  readonly isMissing: boolean
  /** Follows a stream until it is told by 204 that nothing is left, across lost connections. */
  readonly open: (url: string) => Reading | Promise<Reading>
}

export const TYPES: readonly string[] = Object.values(SSE_EVENTS)

/** How long a loop of one's own waits before it comes back, ms. */
const RETRY_MS = 50

/** What the implementations of `EventSource` have in common. */
interface EventSourceLike {
  readonly readyState: number
  addEventListener(type: string, listener: (event: Event) => void): void
  close(): void
}

/** The same lines that a page needs; see `docs/readers.md`. */
function follow(source: EventSourceLike): Reading {
  const reading = new Reading()
  for (const type of TYPES) {
    source.addEventListener(type, event => {
      const { data, lastEventId: id } = event as MessageEvent<string | undefined>
      if (data !== undefined) return reading.add({ id, type, data, at: Date.now() })
      // The name `error` is shared: without data it is the connection's.
      if (source.readyState === CLOSED) reading.close()
      else reading.lostCount += 1
    })
  }
  reading.leave = () => source.close()
  return reading
}

const CLOSED = 2

const undiciReader: Reader = {
  name: "undici's EventSource",
  isMissing: false,
  open: url => follow(new UndiciEventSource(url)),
}

const packageReader: Reader = {
  name: 'the package eventsource',
  isMissing: false,
  open: url => follow(new PackageEventSource(url)),
}

/** `fetch`, the package's own stream, and the loop that an `EventSource` would have. */
export const parserReader: Reader = {
  name: 'the package eventsource-parser',
  isMissing: false,
  open(url) {
    const reading = new Reading()
    const controller = new AbortController()
    reading.leave = () => controller.abort()
    const read = async (): Promise<boolean> => {
      const id = reading.messages.at(-1)?.id
      const headers = { Accept: 'text/event-stream', ...(id !== undefined && { 'Last-Event-ID': id }) }
      const response = await fetch(url, { headers, signal: controller.signal })
      if (response.status === 204) return true
      const text = response.body?.pipeThrough(new TextDecoderStream())
      const messages = text?.pipeThrough(new EventSourceParserStream())
      for await (const { id = '', event = 'message', data } of messages as unknown as AsyncIterable<Message>) {
        reading.add({ id, type: event, data, at: Date.now() })
      }
      return false
    }
    void comeBack(reading, read, controller.signal)
    return reading
  },
}

interface Message {
  readonly id?: string
  readonly event?: string
  readonly data: string
}

const curl = findProgram('curl', 'curl')

/** The program, with what its command line has beside the usual. */
function createCurlReader(name: string, ...extra: readonly string[]): Reader {
  const open = (url: string): Reading => {
    const reading = new Reading()
    const controller = new AbortController()
    reading.leave = () => controller.abort()
    const read = async (): Promise<boolean> => {
      const id = reading.messages.at(-1)?.id
      const resume = id === undefined ? [] : ['--header', `Last-Event-ID: ${id}`]
      const args = [
        '--no-buffer',
        '--silent',
        '--max-time',
        '30',
        '--write-out',
        '%{stderr}%{http_code}',
        ...resume,
        ...extra,
        url,
      ]
      const child = spawn(curl.path, args, { signal: controller.signal })
      const parser = createParser({
        onEvent: ({ id = '', event = 'message', data }) => reading.add({ id, type: event, data, at: Date.now() }),
      })
      child.stdout.setEncoding('utf8').on('data', (text: string) => parser.feed(text))
      let status = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        status += text
      })
      await ending(child)
      return status === '204'
    }
    void comeBack(reading, read, controller.signal)
    return reading
  }
  return { name, isMissing: curl.isMissing, open }
}

/** Over HTTP/2 from the first byte, as it is spoken without TLS. */
export const curlHttp2Reader: Reader = createCurlReader('curl -N, HTTP/2', '--http2-prior-knowledge')

function ending(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', () => resolve())
  })
}

/** Reads until `read` says that nothing is left, however often it breaks. Never rejects. */
async function comeBack(reading: Reading, read: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await read()) break
    } catch {
      // Broken in the middle, or left.
    }
    reading.lostCount += 1
    await sleep(RETRY_MS)
  }
  reading.close()
}

/** Those that need no browser. */
export const READERS: readonly Reader[] = [undiciReader, packageReader, parserReader, createCurlReader('curl -N')]
