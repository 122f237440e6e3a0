import type { Hint } from '../../../cluster/shared-store.ts'

/** Most bytes of a payload; PostgreSQL refuses 8,000. */
const MAX_BYTES = 7900

/** Stands for more hints than a payload holds. */
const EVERYTHING = '*'

const LETTERS = { log: 'l', inbox: 'i', reply: 'r', orders: 'o', worker: 'w' } as const
const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter as string, kind as Hint['kind']]))

/** One hint as a word of ASCII letters without spaces. */
export function toWord(hint: Hint): string {
  const id = 'executionId' in hint ? hint.executionId : 'workerId' in hint ? hint.workerId : ''
  // Half a character cannot be encoded: such a worker is found by polling.
  return `${LETTERS[hint.kind]}${encodeURIComponent(id.toWellFormed())}`
}

/** The payload of a notification. @param sender word of the process, which needs no hint of its own */
export function toPayload(sender: string, words: Iterable<string>): string {
  const payload = [sender, ...words].join(' ')
  return payload.length > MAX_BYTES ? `${sender} ${EVERYTHING}` : payload
}

/** @returns `undefined` for everything; none of the sender's own */
export function readPayload(own: string, payload: string): readonly Hint[] | undefined {
  const [sender, ...words] = payload.split(' ')
  if (sender === own) return []
  const hints = words.map(readWord)
  return hints.every(hint => hint !== undefined) ? hints : undefined
}

/** Every user of the database can notify: no payload throws. @returns `undefined` for a word that is not understood */
function readWord(word: string): Hint | undefined {
  const kind = KINDS.get(word.charAt(0))
  const id = decode(word.slice(1))
  if (kind === undefined || id === undefined) return undefined
  if (kind === 'orders') return { kind }
  return kind === 'worker' ? { kind, workerId: id } : { kind, executionId: id }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
