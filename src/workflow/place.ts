/** The place of a string in a document: decides which references it may contain, and their value if there is none. */
export interface Place {
  /** Matches the begin of a reference. Sticky. */
  readonly opening: RegExp
  /** The same for documents that an earlier version may have accepted: text for that version stays text. */
  readonly recordedOpening: RegExp
  /** Whether `$STATUS[id]` and `$ERROR[id]` may be read. */
  readonly hasStatuses: boolean
  /** Whether the output of a task that has none is null. */
  readonly isLenient: boolean
}

/** The kind of a document's part. */
export type PlaceKind = 'plain' | 'failure' | 'finally' | 'output'

/** Words of the children that a task makes. */
export type ChildWords = 'none' | 'item' | 'round'

// `${INPUT_BRANCH}` and `${INPUT:-x}` are shell syntax, not references.
const bare = (words: string): string => `\\{(?:${words})(?![\\p{L}\\p{Nd}_:])|(?:${words})(?![\\p{L}\\p{Nd}_])`

const WORDS: Readonly<Record<ChildWords, readonly string[]>> = {
  none: [],
  item: ['ITEM', 'INDEX'],
  round: ['PREVIOUS', 'INDEX'],
}

function createPlace(kind: PlaceKind, children: ChildWords): Place {
  const hasStatuses = kind === 'failure' || kind === 'finally'
  const words = bare(['INPUT', ...(kind === 'finally' ? ['STATUS'] : []), ...WORDS[children]].join('|'))
  const withId = (names: string): string => `\\{?(?:${names})\\[`
  const compile = (names: string): RegExp => new RegExp(`\\$(?:${withId(names)}|${words})`, 'uy')
  const opening = compile('OUTPUT|STATUS|ERROR')
  const recordedOpening = hasStatuses ? opening : compile('OUTPUT')
  return Object.freeze({ opening, recordedOpening, hasStatuses, isLenient: kind !== 'plain' })
}

const places = new Map<string, Place>()

/** The place of a part of a document. */
export function placeOf(kind: PlaceKind, children: ChildWords = 'none'): Place {
  const key = `${kind} ${children}`
  let place = places.get(key)
  if (place === undefined) places.set(key, (place = createPlace(kind, children)))
  return place
}

/** The arguments of a task that does not use the words of the language. */
export const PLAIN: Place = placeOf('plain')
