/**
 * Prefix of the digits of a `JsonNumber` while they pass `JSON.parse` or `JSON.stringify` as a string.
 *
 * 128 random bits, created on first use (some runtimes have no randomness while modules load). It never leaves the
 * process, so no text from outside can contain it and forge a number.
 */
let mark: string | undefined

/** Number of `stringifyJson` calls on the stack. */
let depth = 0
let wasUsed = false

/** Returns the mark. Creates it on first use. */
export function getMark(): string {
  if (mark !== undefined) return mark
  const random = crypto.getRandomValues(new Uint32Array(4))
  mark = `#json-number-${Array.from(random, part => part.toString(36)).join('-')}#`
  return mark
}

/** Returns the mark while `writeMarked` runs, and records its use; otherwise `undefined`. */
export function currentMark(): string | undefined {
  if (depth === 0) return undefined
  wasUsed = true
  return getMark()
}

/**
 * Runs `write`, during which `JsonNumber.toJSON` returns marked strings.
 * @returns its text, and whether the text may contain marks
 */
export function writeMarked(write: () => string | undefined): {
  readonly text: string | undefined
  readonly isMarked: boolean
} {
  if (depth === 0) wasUsed = false
  depth += 1
  try {
    const text = write()
    return { text, isMarked: wasUsed }
  } finally {
    depth -= 1
  }
}
