// Text as JavaScript has it may hold halves of surrogate pairs, which no UTF-8 can carry: strict readers of JSON refuse their
// escapes, and writers replace each half by a U+FFFD of its own. All that leaves this process is made well-formed here.

/** At most `maxUnits` UTF-16 units of a text, cut between two characters. Halves of characters become U+FFFD. */
export function cutText(text: string, maxUnits: number): string {
  return text.slice(0, findCut(text, maxUnits)).toWellFormed()
}

/** The same, with `…` as the last unit where it is cut. */
export function shortenText(text: string, maxUnits: number): string {
  return text.length <= maxUnits ? text.toWellFormed() : `${cutText(text, maxUnits - 1)}…`
}

/** The last place up to `at` that does not part a surrogate pair. */
export function findCut(text: string, at: number): number {
  if (at >= text.length) return text.length
  return at > 0 && isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1)) ? at - 1 : at
}

const encoder = new TextEncoder()

/** The longest prefix of at most `maxBytes` bytes of UTF-8 that ends between two characters; halves become U+FFFD. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text.toWellFormed()
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read).toWellFormed()
}

/** JSON text in which no string holds half of a character, neither as it is nor escaped: each becomes U+FFFD. */
export function toWellFormedJson(json: string): string {
  const text = json.toWellFormed()
  // `JSON.stringify` escapes halves, in lower case; other writers also escape whole pairs.
  if (!text.includes('\\ud') && !text.includes('\\uD')) return text
  return text.replaceAll(ESCAPE, (escape, half: string | undefined) => (half === undefined ? escape : '\ufffd'))
}

/** One escape of JSON, or the two of a pair; captured if it is half of one. */
const ESCAPE = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[^])/g

/** Where in JSON data the first text with half of a character is, keys included; `undefined` if there is none. */
export function findHalf(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : []
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, member] of Object.entries(value)) {
    const found = key.isWellFormed() ? findHalf(member) : []
    if (found === undefined) continue
    found.unshift(key)
    return found
  }
  return undefined
}

/**
 * Makes pieces of one text such that no piece parts a character: the first half of a pair at the end of a piece waits for the
 * next one. Halves that stay alone become U+FFFD.
 */
export class TextJoiner {
  #half = ''

  /** The piece with what has waited, without what has to wait; may be empty. */
  add(piece: string): string {
    const text = this.#half + piece
    const isOpen = isHigh(text.charCodeAt(text.length - 1))
    this.#half = isOpen ? text.slice(-1) : ''
    return (isOpen ? text.slice(0, -1) : text).toWellFormed()
  }

  /** Whether half of a character waits for the next piece. */
  get isWaiting(): boolean {
    return this.#half !== ''
  }

  /** The text has ended: U+FFFD if a half has waited, else nothing. */
  end(): string {
    const text = this.#half.toWellFormed()
    this.#half = ''
    return text
  }
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
