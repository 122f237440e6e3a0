// JavaScript strings may hold lone surrogates, which UTF-8 cannot encode. Strict JSON parsers reject their escapes, and
// encoders replace each by U+FFFD. This module makes all text that leaves the process well-formed.

/** Cuts a text to at most `maxUnits` UTF-16 units, between two characters. Lone surrogates become U+FFFD. */
export function cutText(text: string, maxUnits: number): string {
  return text.slice(0, findCut(text, maxUnits)).toWellFormed()
}

/** `cutText`, with `…` as the last unit of a cut text. */
export function shortenText(text: string, maxUnits: number): string {
  return text.length <= maxUnits ? text.toWellFormed() : `${cutText(text, maxUnits - 1)}…`
}

/** The last offset up to `at` that does not split a surrogate pair. */
export function findCut(text: string, at: number): number {
  if (at >= text.length) return text.length
  return at > 0 && isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1)) ? at - 1 : at
}

const encoder = new TextEncoder()

/**
 * The longest prefix of at most `maxBytes` bytes of UTF-8 that ends between two characters. Lone surrogates become
 * U+FFFD.
 */
export function cutUtf8(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text.toWellFormed()
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read).toWellFormed()
}

/** Replaces every lone surrogate in a JSON text, raw or escaped, by U+FFFD. */
export function toWellFormedJson(json: string): string {
  const text = json.toWellFormed()
  // `JSON.stringify` escapes lone surrogates, in lower case; other writers also escape whole pairs.
  if (!text.includes('\\ud') && !text.includes('\\uD')) return text
  return text.replaceAll(ESCAPE, (escape, half: string | undefined) => (half === undefined ? escape : '\ufffd'))
}

/** One JSON escape, or the two of a surrogate pair. Captures a lone surrogate. */
const ESCAPE = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[^])/g

/** The path of the first string or key with a lone surrogate in JSON data; `undefined` if there is none. */
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
 * Re-cuts the pieces of one text so that no piece splits a character: a high surrogate at the end of a piece waits for
 * the next piece. Lone surrogates become U+FFFD.
 */
export class TextJoiner {
  #half = ''

  /** Returns the held-back half plus the piece, without a new half to hold back. May be empty. */
  add(piece: string): string {
    const text = this.#half + piece
    const isOpen = isHigh(text.charCodeAt(text.length - 1))
    this.#half = isOpen ? text.slice(-1) : ''
    return (isOpen ? text.slice(0, -1) : text).toWellFormed()
  }

  /** Whether a high surrogate waits for the next piece. */
  get isWaiting(): boolean {
    return this.#half !== ''
  }

  /** Ends the text. Returns U+FFFD if a high surrogate was waiting, otherwise `''`. */
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
