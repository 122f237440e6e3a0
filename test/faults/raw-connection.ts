import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { DEADLINE_MS } from './handles.ts'
import { parseAnswer, type RawAnswer } from './raw-answer.ts'

/** A connection on which a test writes what it likes. */
export class RawConnection {
  readonly socket: Socket
  /** Settles when nothing comes any more, however that came about; never rejects. */
  readonly ended: Promise<void>
  readonly #pieces: Buffer[] = []
  #isEnded = false
  #onMore: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#pieces.push(chunk)
      this.#onMore?.()
    })
    this.ended = new Promise(resolve => {
      const end = (): void => {
        this.#isEnded = true
        resolve()
        this.#onMore?.()
      }
      // One that breaks has ended too: what came before it counts.
      for (const event of ['end', 'error', 'close']) socket.on(event, end)
    })
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  /** Everything that has come and was not taken yet. */
  get received(): Buffer {
    if (this.#pieces.length > 1) this.#pieces.splice(0, Infinity, Buffer.concat(this.#pieces))
    return this.#pieces[0] ?? Buffer.alloc(0)
  }

  /** Text goes as Latin-1, each character one byte. */
  send(bytes: string | Buffer): void {
    // A server that refuses closes before it has read everything: that is no failure of the test.
    if (this.socket.writable) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Resolves when `isDone` for what has come, or nothing comes any more. Rejects when that takes too long. */
  async until(isDone: (received: Buffer) => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const found = JSON.stringify(this.received.toString('latin1').slice(0, 200))
        reject(new Error(`Expected an answer within ${DEADLINE_MS} ms, got ${found}`))
      }, DEADLINE_MS)
    })
    try {
      while (!this.#isEnded && !isDone(this.received)) {
        await Promise.race([new Promise<void>(resolve => (this.#onMore = resolve)), late])
      }
    } finally {
      clearTimeout(timer)
      late.catch(() => {})
    }
  }

  /** The next answer, taken off what has come; as far as it got, where the connection ends before. */
  async answer(isHead = false): Promise<RawAnswer> {
    let answer = parseAnswer(this.received, this.#isEnded, isHead)
    await this.until(received => (answer = parseAnswer(received, false, isHead)).isComplete)
    if (this.#isEnded) answer = parseAnswer(this.received, true, isHead)
    this.#pieces.splice(0, Infinity, this.received.subarray(answer.bytes))
    return answer
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** Writes a request as it is, waits for the one answer, and leaves. */
export async function sendRaw(port: number, request: string | Buffer, isHead = false): Promise<RawAnswer> {
  const connection = await RawConnection.open(port)
  try {
    connection.send(request)
    return await connection.answer(isHead)
  } finally {
    connection.destroy()
  }
}

/** A request as clients write it, each character one byte; the body is UTF-8. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): string {
  const bytes = body === undefined ? '' : Buffer.from(body).toString('latin1')
  const length = body === undefined ? {} : { 'Content-Length': String(bytes.length) }
  const all = { Host: 'localhost', ...length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${bytes}`
}
