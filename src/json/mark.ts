/**
 * What stands before the digits of a `JsonNumber` while they pass `JSON.parse` or `JSON.stringify` as a string.
 *
 * 128 random bits, made on first use (some runtimes have no randomness while modules load). It never leaves the process:
 * a text that could hold it, and so forge a number, cannot come from outside.
 */
let mark: string | undefined

/** How many calls of `stringifyJson` are on the stack. */
let depth = 0
let wasUsed = false

/** The mark. */
export function getMark(): string {
  if (mark !== undefined) return mark
  const random = crypto.getRandomValues(new Uint32Array(4))
  mark = `#json-number-${Array.from(random, part => part.toString(36)).join('-')}#`
  return mark
}

/** The mark while `writeMarked` runs. The call counts as a use. */
export function currentMark(): string | undefined {
  if (depth === 0) return undefined
  wasUsed = true
  return getMark()
}

/**
 * Runs `write`, during which `JsonNumber.toJSON` gives marked strings.
 * @returns its text, and whether marks may stand in it
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
