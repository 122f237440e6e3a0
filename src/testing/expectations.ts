import { shortenText } from '../text.ts'
/** Throws unless both values are equal as JSON; key order is ignored, and an `undefined` member counts as absent. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  const [foundText, expectedText] = [showSorted(found), showSorted(expected)]
  if (foundText !== expectedText) throw new Error(`${what}: expected ${cut(expectedText)}, found ${cut(foundText)}`)
}

/** Throws unless `call` throws or rejects with an error that carries one of these codes. */
export async function expectCode(what: string, codes: readonly string[], call: () => unknown): Promise<void> {
  const expected = `${what}: expected an error with the code ${codes.join(' or ')}`
  const ended = await settle(call)
  if (!('error' in ended)) throw new Error(`${expected}, found ${cut(showSorted(ended.value))}`)
  const { error } = ended
  const code = (error as { code?: unknown } | null | undefined)?.code
  if (typeof code !== 'string' || !codes.includes(code))
    throw new Error(`${expected}, found ${String(error)}`, { cause: error })
}

/** Outcome of a synchronous or asynchronous call. */
export async function settle(call: () => unknown): Promise<{ value: unknown } | { error: unknown }> {
  try {
    return { value: await call() }
  } catch (error) {
    return { error }
  }
}

function showSorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showSorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${showSorted(member)}`).join(',')}}`
}

function cut(text: string): string {
  return shortenText(text, 400)
}
