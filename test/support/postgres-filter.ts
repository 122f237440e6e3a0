import type { Filter } from './proxy.ts'

/** What becomes of one statement: it and its answer pass; the connection drops before the server has it; or after it took effect. */
export type Fate = 'pass' | 'lost' | 'answer lost'

/** Decides what becomes of a statement. @param together the names of all that were sent with it, itself among them */
export type Decide = (name: string, together: readonly string[]) => Fate

/** Types of messages of PostgreSQL's protocol that the filter understands. */
const BIND = 0x42
const QUERY = 0x51
const READY = 0x5a
const NOTIFICATION = 0x41
/** `Parse`, `Bind`, `Describe`, `Execute` and `Close` of a statement, up to its `Sync`. */
const PARTS: ReadonlySet<number> = new Set([0x50, BIND, 0x44, 0x45, 0x43])

/**
 * Reads the messages of one connection to PostgreSQL. The fate of each statement is that of its name, or of the first word of a
 * statement without a name, such as `COMMIT`. Statements that were sent together share the worst of their fates.
 *
 * The server is ready for the next statement only once a statement has taken effect, so an answer that is lost is that of a
 * statement that took effect. Its client repeats it: that is what a doubled message is between a process and its database.
 * @param doublesNotifications whether each `NOTIFY` arrives twice
 */
export function createPostgresFilter(decide: Decide, doublesNotifications: () => boolean = () => false): Filter {
  const client = new Messages(true)
  const server = new Messages(false)
  let asked: Buffer[] = []
  let names: string[] = []
  let isAnswerLost = false
  return {
    fromClient(piece) {
      const passed: Buffer[] = []
      for (const message of client.read(piece)) {
        const [type] = message
        if (type === BIND) names.push(readText(message, readText(message, 5).end).text)
        if (type === QUERY) names.push(readText(message, 5).text.split(/[\s;]/)[0] as string)
        asked.push(message)
        if (PARTS.has(type as number)) continue
        const together = names.filter(name => name !== '')
        const fates = together.map(name => decide(name, together))
        names = []
        if (fates.includes('lost')) return undefined
        isAnswerLost ||= fates.includes('answer lost')
        passed.push(...asked)
        asked = []
      }
      return Buffer.concat(passed)
    },
    fromServer(piece) {
      const passed: Buffer[] = []
      for (const message of server.read(piece)) {
        if (isAnswerLost) {
          if (message[0] === READY) return undefined
          continue
        }
        passed.push(message)
        if (message[0] === NOTIFICATION && doublesNotifications()) passed.push(message)
      }
      return Buffer.concat(passed)
    },
  }
}

/** Cuts a stream into its messages. */
class Messages {
  #rest: Buffer = Buffer.alloc(0)
  /** The first message of a client has no type. */
  #isStart: boolean

  constructor(isClient: boolean) {
    this.#isStart = isClient
  }

  *read(piece: Buffer): Generator<Buffer, void, undefined> {
    this.#rest = Buffer.concat([this.#rest, piece])
    for (;;) {
      const lengthAt = this.#isStart ? 0 : 1
      if (this.#rest.length < lengthAt + 4) return
      const end = lengthAt + this.#rest.readUInt32BE(lengthAt)
      if (this.#rest.length < end) return
      const message = this.#rest.subarray(0, end)
      this.#isStart = false
      this.#rest = this.#rest.subarray(end)
      yield message
    }
  }
}

/** A text that ends with a zero byte. */
function readText(message: Buffer, from: number): { readonly text: string; readonly end: number } {
  const end = message.indexOf(0, from)
  return { text: message.toString('utf8', from, end), end: end + 1 }
}
