/** Throws unless the two are the same as JSON; the order of keys does not matter, `undefined` is absent. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  const [foundText, expectedText] = [showSorted(found), showSorted(expected)]
  if (foundText !== expectedText) throw new Error(`${what}: expected ${cut(expectedText)}, found ${cut(foundText)}`)
}

/** Throws unless `call` throws or rejects with an error that carries one of these codes. */
export async function expectCode(what: string, codes: readonly string[], call: () => unknown): Promise<void> {
  const expected = `an error with the code ${codes.join(' or ')}`
  let found: unknown
  try {
    found = await call()
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code
    if (typeof code === 'string' && codes.includes(code)) return
    throw new Error(`${what}: expected ${expected}, found ${String(error)} with the code ${String(code)}`, { cause: error })
  }
  throw new Error(`${what}: expected ${expected}, found ${cut(showSorted(found))}`)
}

function showSorted(value: unknown): string {
  const sort = (_: string, part: unknown): unknown => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    // Entries, not an object, so that a key `__proto__` is compared like any other.
    const entries = Object.entries(part).filter(([, member]) => member !== undefined)
    return { object: entries.sort(([a], [b]) => (a < b ? -1 : 1)).flat() }
  }
  return JSON.stringify(value === undefined ? null : wrap(value), sort) ?? 'nothing'
}

/** The replacer is called again for what it returns, so each object is turned into a marked list before. */
function wrap(value: unknown): unknown {
  return value
}

function cut(text: string): string {
  return text.length > 400 ? `${text.slice(0, 399)}…` : text
}
