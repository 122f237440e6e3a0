import { shortenText } from '../text.ts'

/** Longer values are shown from their first difference on, characters. */
const MAX_SHOWN = 300
/** How much of a long text is shown before its first difference, characters. */
const LEAD = 20

/** Throws unless both values are equal as JSON; key order is ignored, and an `undefined` member counts as absent. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  const [foundText, expectedText] = [showSorted(found), showSorted(expected)]
  if (foundText === expectedText) return
  const isShort = foundText.length + expectedText.length <= MAX_SHOWN
  const { place, ...parts } = isShort ? { place: '', found, expected } : findDifference(found, expected, '')
  const [shown, wanted] = cutAlike(showSorted(parts.found), showSorted(parts.expected))
  throw new Error(`${what}${place && `, at ${place}`}: expected ${wanted}, found ${shown}`)
}

interface Difference {
  readonly place: string
  readonly found: unknown
  readonly expected: unknown
}

/** The first part of two unequal values that differs. */
function findDifference(found: unknown, expected: unknown, place: string): Difference {
  const whole = { place, found, expected }
  if (Array.isArray(found) && Array.isArray(expected)) {
    if (found.length !== expected.length) {
      return { place: `${place}.length`, found: found.length, expected: expected.length }
    }
    const at = found.findIndex((part, i) => showSorted(part) !== showSorted(expected[i]))
    return findDifference(found[at], expected[at], `${place}[${at}]`)
  }
  if (!isObject(found) || !isObject(expected)) return whole
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  const name = names.find(each => showSorted(found[each]) !== showSorted(expected[each]))
  return name === undefined ? whole : findDifference(found[name], expected[name], `${place}.${name}`)
}

/** Both texts from a little before their first difference on. */
function cutAlike(found: string, expected: string): readonly [found: string, expected: string] {
  let same = 0
  while (same < found.length && found[same] === expected[same]) same += 1
  const start = found.length + expected.length <= MAX_SHOWN || same <= 2 * LEAD ? 0 : same - LEAD
  const cutOne = (text: string): string => `${start > 0 ? '…' : ''}${cut(text.slice(start))}`
  return [cutOne(found), cutOne(expected)]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws unless `call` throws or rejects with an error that carries one of these codes. */
export async function expectCode(what: string, codes: readonly string[], call: () => unknown): Promise<void> {
  const expected = `${what}: expected an error with the code ${codes.join(' or ')}`
  const ended = await settle(call)
  if (!('error' in ended)) throw new Error(`${expected}, found none: it returned ${cut(showSorted(ended.value))}`)
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
